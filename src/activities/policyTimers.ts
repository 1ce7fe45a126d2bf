import { Conflict } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { CompliancePolicyVersion } from '../models/CompliancePolicyVersion.ts';
import type { Step } from '../models/moveRow.ts';
import type { PolicyVersionWish } from '../models/policyApprovalStart.ts';
import type { PolicyFile } from '../models/policyFile.ts';
import { Timer } from '../models/Timer.ts';

/** A publication that was planned is moved with its timer. */
export async function movePolicyTimer(
  { version }: PolicyFile,
  step: Step,
  { event, name, dueAt, reason }: Extract<PolicyVersionWish, { event: 'move_timer' }>,
): Promise<void> {
  const timer = (await Timer.scheduledFor(version.id)).find((each) => each.name === name);
  if (!timer) throw new Conflict('TIMER_NOT_RUNNING', `The timer ${name} is not running`);
  const facts = { timer: name, due_at: new Date(dueAt).toISOString() };
  const changes = name === 'publish' ? { publishAt: new Date(dueAt) } : {};
  await version.move(event, { ...step, facts }, changes);
  const { occurrence } = timer;
  await Timer.move(version.id, [{ name, occurrence, dueAt }], reason ?? '', 'command');
  AuditLog.record(
    'TIMER_CHANGE',
    { type: CompliancePolicyVersion.entityType, id: version.id },
    {
      before: { timer: name, dueAt: timer.dueAt },
      after: { timer: name, dueAt: new Date(dueAt), reason },
    },
  );
}

import { Conflict } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { CompliancePolicyVersion } from '../models/CompliancePolicyVersion.ts';
import type { Step } from '../models/moveRow.ts';
import type { PolicyVersionWish } from '../models/policyApprovalStart.ts';
import { clocksTo, type PolicyFile } from '../models/policyFile.ts';
import { Timer } from '../models/Timer.ts';
import { isPolicyTimer, resumedUntil } from '../rules/policyClocks.ts';

/** People go on deciding; what they decide ends its clocks though they stand still. */
export async function pauseClocks({ version }: PolicyFile, step: Step): Promise<void> {
  const running = await clocksTo('pause', version.id);
  await version.move('pause', step);
  await Timer.pause(running, step.at, step.reason ?? '');
}

/** A publication that was planned is later by the time that it stood still. */
export async function resumeClocks({ version, calendar }: PolicyFile, step: Step): Promise<void> {
  const at = step.at.getTime();
  const resumed = (await clocksTo('resume', version.id)).flatMap((timer) => {
    const { name, dueAt, pausedAt } = timer;
    if (!isPolicyTimer(name) || !pausedAt) return [];
    const due = { name, dueAt: dueAt.getTime() };
    return [{ timer, name, dueAt: resumedUntil(due, pausedAt.getTime(), { calendar, at }) }];
  });
  const publication = resumed.find(({ name }) => name === 'publish');
  await version.move('resume', step, publication ? { publishAt: new Date(publication.dueAt) } : {});
  await Timer.resume(resumed);
}

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

import { Conflict } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { approvalDelegates } from '../models/claimDelegates.ts';
import { Claim } from '../models/Claim.ts';
import {
  addClocks,
  asSetClaimTimers,
  clockFacts,
  followDeadlines,
  missedDecision,
  peopleOf,
  rungsOf,
  setClaimTimers,
  tellClaimant,
  tellPerson,
  tellRole,
  type ClaimFile,
} from '../models/claimFile.ts';
import { underSettings } from '../models/claimMigration.ts';
import type { ClaimWish } from '../models/claimStart.ts';
import { ownCompany } from '../models/contract.ts';
import { DocumentRequest } from '../models/DocumentRequest.ts';
import type { Step } from '../models/moveRow.ts';
import { Notification } from '../models/Notification.ts';
import { moveUnderSettings } from '../models/settingsChange.ts';
import { Timer } from '../models/Timer.ts';
import {
  clocksAfterDeadlineMove,
  isMovableClaimTimer,
  kindOfClaimTimer,
  type ClaimTimerName,
} from '../rules/claimClocks.ts';
import type { Role } from '../rules/permissions.ts';
import { close, dayOf, nextDay, outcomeOf } from './claimMoves.ts';

/**
 * What announces a deadline, or follows it, moves with it. A decision whose day has passed gets another
 * one, and nobody climbs its ladder any more.
 */
export async function moveTimer(
  file: ClaimFile,
  step: Step,
  { event, name, dueAt, reason }: Extract<ClaimWish, { event: 'move_timer' }>,
): Promise<void> {
  const { claim } = file;
  const rows = await Timer.scheduledFor(claim.id);
  const running = rows.find((each) => each.name === name);
  const timer = running ?? (await missedDecision(claim, name));
  if (!timer) throw new Conflict('TIMER_NOT_RUNNING', `The timer ${name} is not running`);
  await claim.move(event, {
    ...step,
    facts: { timer: name, due_at: new Date(dueAt).toISOString() },
  });
  const scheduled = asSetClaimTimers(rows);
  const change = { from: timer.dueAt.getTime(), to: dueAt };
  const moved = clocksAfterDeadlineMove(name, change, scheduled, clockFacts(file, step.at));
  const overdue = running ? [] : rungsOf(name, rows).map((each) => each.name);
  const cancelled = new Set<string>([...moved.cancelled, ...overdue]);
  await Timer.cancel(
    rows.filter((each) => cancelled.has(each.name)),
    reason ?? '',
  );
  const runs = (clock: string) => scheduled.find((each) => each.name === clock);
  await Timer.move(
    claim.id,
    moved.due.flatMap((clock) => {
      const before = runs(clock.name);
      return before ? [{ ...clock, occurrence: before.occurrence }] : [];
    }),
    reason ?? '',
    'command',
  );
  await addClocks(
    file,
    moved.due.filter((clock) => !runs(clock.name)),
    'command',
  );
  await followDeadlines(file);
  for (const deadline of moved.due.filter((clock) => isMovableClaimTimer(clock.name))) {
    const before = runs(deadline.name)?.row ?? timer;
    AuditLog.record(
      'TIMER_CHANGE',
      { type: Claim.entityType, id: claim.id },
      {
        before: { timer: deadline.name, dueAt: before.dueAt },
        after: { timer: deadline.name, dueAt: new Date(deadline.dueAt), reason },
      },
    );
  }
}

/** The settings as they are now hold for the claim, and its clocks follow them. */
export async function applySettings(
  file: ClaimFile,
  step: Step,
  reason: string | null,
): Promise<void> {
  const { claim, policy, calendar } = file;
  const company = await ownCompany();
  const running = { claim, policyType: policy.policyType, timers: await setClaimTimers(claim.id) };
  const { config, change } = underSettings(running, { company, calendar, at: step.at });
  const facts = {
    config_version: company.version,
    moved: change.moved.map(({ timer }) => timer.name),
  };
  const changes = { config, configVersion: company.version };
  await claim.move('apply_settings', { ...step, facts }, changes);
  await moveUnderSettings({ type: Claim.entityType, id: claim.id }, change, reason);
  await addClocks(file, change.added);
  await followDeadlines(file);
}

/** Whom a deadline concerns, and what happens by itself. */
export async function tellOfTimer(
  file: ClaimFile,
  step: Step,
  name: ClaimTimerName,
): Promise<void> {
  const { claim } = file;
  const kind = kindOfClaimTimer(name);
  const { commandId } = step;
  const template = kind.step === 'due_soon' ? 'claim_due_soon' : 'claim_overdue';
  switch (kind.step) {
    case 'due_soon':
    case 'breach':
    case 'manager':
    case 'admin': {
      const facts = { deadline: kind.clock.replaceAll('_', ' ') };
      if (kind.step !== 'due_soon' && kind.clock === 'approval') {
        return offerDelegates(file, ladder[kind.step], commandId);
      }
      if (kind.step === 'due_soon' && claim.assignedTo) {
        return tellPerson(file, claim.assignedTo, template, commandId, facts);
      }
      const role = ladder[kind.step];
      return tellRole(file, role, template, commandId, facts);
    }
    case 'status_letter':
      tellClaimant(file, 'claim_status_letter', commandId, {
        nextLetterDate: await nextDay(file, 'status_letter'),
      });
      return;
    case 'reminder':
      tellClaimant(file, 'claim_documents_reminder', commandId, await documentFacts(file));
      return;
    case 'documents':
      tellClaimant(file, 'claim_documents_final', commandId, await documentFacts(file));
      if (claim.assignedTo) {
        tellPerson(file, claim.assignedTo, 'claim_documents_missing', commandId);
      }
      return;
    case 'acknowledgement':
      return tellIfUnacknowledged(file, commandId);
    case 'auto_close':
      return close(file, step, 'close', outcomeOf(claim));
    default:
      return kind satisfies never;
  }
}

/** Without an assignee those who assign are told in time. */
const ladder = {
  due_soon: 'senior_adjuster',
  breach: 'senior_adjuster',
  manager: 'claims_manager',
  admin: 'tenant_admin',
} as const;

/** A late decision can be handed to somebody who may take it at once. */
async function offerDelegates(file: ClaimFile, role: Role, commandId: string): Promise<void> {
  const { config, proposedAmount } = file.claim;
  const delegates = await approvalDelegates({ ...peopleOf(file), config, proposedAmount });
  await tellRole(file, role, 'claim_approval_overdue', commandId, { delegates: delegates.length });
}

/** The days as the clocks have them now: a hold, or somebody, may have moved them since the request. */
async function documentFacts(file: ClaimFile): Promise<Readonly<Record<string, string>>> {
  const { claim } = file;
  const request = await DocumentRequest.findOne({
    where: { claimId: claim.id, fulfilledAt: null },
    order: [['createdAt', 'DESC']],
  });
  return {
    items: request?.items.join(', ') ?? '',
    dueDate: (await nextDay(file, 'documents')) || dayOf(file, request?.dueAt),
    finalDate: (await nextDay(file, 'documents_final')) || dayOf(file, request?.finalDueAt),
  };
}

/** In the application the message is there at once, whether or not the claimant ever looks there. */
async function tellIfUnacknowledged(file: ClaimFile, commandId: string): Promise<void> {
  const sent = await Notification.count({
    where: {
      entityId: file.claim.id,
      templateCode: 'claim_received',
      channel: 'email',
      status: 'sent',
    },
  });
  if (sent === 0) await tellRole(file, 'claims_manager', 'claim_unacknowledged', commandId);
}

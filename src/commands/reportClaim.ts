import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Claim, type FlagReason } from '../models/Claim.ts';
import { coverOn } from '../models/claimCover.ts';
import { aboutClaim, addClocks, clockFacts, tellClaimant, tellRole } from '../models/claimFile.ts';
import { claimStart, claimStateOf } from '../models/claimStart.ts';
import { Calendar } from '../models/Calendar.ts';
import { ownCompany } from '../models/contract.ts';
import { append, flush } from '../models/database.ts';
import { flagClaim, othersLike } from '../models/fraud.ts';
import { nextClaimNumber } from '../models/numbers.ts';
import { Notification } from '../models/Notification.ts';
import { OutboxEntry, type WorkflowStart } from '../models/OutboxEntry.ts';
import { Policy } from '../models/Policy.ts';
import { getRow, noSuch } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { Transition } from '../models/Transition.ts';
import { clocksAfterMove, firstClaimClocks } from '../rules/claimClocks.ts';
import { reopenDays, type ClaimPriority } from '../rules/claims.ts';
import { claimSettings } from '../rules/claimSettings.ts';
import { compareDates, dateAt, type CalendarDate } from '../rules/calendar.ts';
import { zero, type Money } from '../rules/money.ts';
import { allows } from '../rules/permissions.ts';
import { locate, type LocationWish } from './claimLocations.ts';
import { typedLine, typedText } from './typedText.ts';

export interface ReportClaim {
  readonly title: string;
  readonly description: string;
  readonly incidentDate: CalendarDate;
  readonly claimAmount?: Money | undefined;
  readonly priority?: ClaimPriority | undefined;
  /** As the policy's holder unless told. */
  readonly claimantName?: string | undefined;
  readonly claimantEmail?: string | undefined;
  readonly claimantPhone?: string | undefined;
  readonly location?: LocationWish | undefined;
}

export interface Reported {
  readonly claim: Claim;
  readonly policy: Policy;
  readonly start: WorkflowStart;
}

/**
 * Takes a claim in within the open transaction: the row, its first clocks, the letter to the claimant,
 * audit, and the promise of the workflow that carries it from then on.
 * @throws NotFound, Forbidden, Invalid `incident_date`
 */
export async function reportClaim(
  actor: Actor,
  policyId: string,
  wish: ReportClaim,
): Promise<Reported> {
  const policy = await policyOf(actor, policyId);
  const company = await ownCompany();
  const now = new Date(Date.now());
  const today = dateAt(now.getTime(), company.timeZone);
  if (compareDates(wish.incidentDate, today) > 0) {
    throw invalidField(
      'incident_date',
      `The day is not here yet; today is ${today}`,
      'DATE_FUTURE',
    );
  }
  const cover = await coverOn(policy.id, wish.incidentDate);
  const id = uuid();
  const others = await othersLike(
    { id, policyId: policy.id, incidentDate: wish.incidentDate },
    policy,
  );
  const [duplicateOf = null] = others.similarClaims;
  const flags: FlagReason[] = cover ? [] : ['no_cover'];
  if (duplicateOf) flags.push('duplicate');

  const claim = Claim.build({
    id,
    companyId: company.id,
    claimNumber: await nextClaimNumber(company.code, today.slice(0, 4)),
    policyId: policy.id,
    title: typedLine('title', wish.title),
    description: typedText('description', wish.description),
    status: 'reported',
    stateVersion: 1,
    priority: isOwner(actor, policy) ? 'normal' : (wish.priority ?? 'normal'),
    slaStatus: 'on_track',
    paidAmount: zero,
    incidentDate: wish.incidentDate,
    claimAmount: wish.claimAmount ?? null,
    currency: policy.currency,
    reportedBy: actor.userId,
    claimantName: typedLine('claimant_name', wish.claimantName ?? policy.policyholderName),
    claimantEmail: wish.claimantEmail ?? policy.policyholderEmail,
    claimantPhone: wish.claimantPhone ?? policy.policyholderPhone ?? null,
    noCover: !cover,
    flagReasons: flags,
    duplicateOf,
    onHold: false,
    needsNewAssignee: false,
    paymentFailed: false,
    config: claimSettings(company.settings.claims, policy.policyType),
    configVersion: company.version,
    createdAt: now,
    updatedAt: now,
    version: 1,
  });
  append(Claim, claim.get());
  if (wish.location) locate(id, wish.location);
  await flagClaim(claim, policy, others);
  const calendar = await Calendar.ofCompany();
  const timers = firstClaimClocks(clockFacts({ claim, policy, calendar }, now)).map((due) => ({
    ...due,
    occurrence: 1,
    source: 'setting' as const,
  }));
  Timer.schedule(aboutClaim(claim), timers);
  const commandId = `claim/${id}/report/1`;
  Transition.record({
    entityType: Claim.entityType,
    entityId: id,
    stateVersion: 1,
    event: 'report',
    fromStatus: null,
    toStatus: claim.status,
    commandId,
    at: now,
    facts: flags.length > 0 ? { flags } : {},
  });
  AuditLog.record(
    'CREATE',
    { type: Claim.entityType, id },
    {
      after: {
        claimNumber: claim.claimNumber,
        policyId: policy.id,
        incidentDate: claim.incidentDate,
        status: claim.status,
        flagReasons: flags,
      },
    },
  );
  const triage = timers.find(({ name }) => name === 'triage');
  const received = tellClaimant({ claim, policy }, 'claim_received', commandId, {
    dueDate: dateAt(triage?.dueAt ?? now.getTime(), company.timeZone),
  });
  Notification.queue({
    to: { channel: 'in_app', role: 'senior_adjuster' },
    template: 'claim_reported',
    payload: { claimNumber: claim.claimNumber, policyNumber: policy.policyNumber },
    key: `${commandId}/claim_reported`,
    about: { type: 'claim', id },
  });
  const state = await claimStateOf(claim, timers);
  return { claim, policy, start: OutboxEntry.promise(claimStart(claim, state, [received])) };
}

/**
 * Takes a closed claim up again within the open transaction; its workflow begins anew from the row.
 * @throws Conflict REOPEN_WINDOW_CLOSED, ILLEGAL_TRANSITION
 */
export async function reopenClaim(
  claim: Claim,
  { commandId, reason }: { readonly commandId: string; readonly reason: string },
): Promise<WorkflowStart> {
  const at = new Date(Date.now());
  const closedAt = claim.closedAt?.getTime() ?? at.getTime();
  if (claim.status === 'closed' && at.getTime() - closedAt > reopenDays * 86_400_000) {
    throw new Conflict(
      'REOPEN_WINDOW_CLOSED',
      `A claim can be reopened within ${reopenDays} days after it was closed`,
    );
  }
  const step = { commandId, expectedVersion: claim.stateVersion, at, reason };
  await claim.move('reopen', step, {
    closedOutcome: null,
    closedAt: null,
    workflowClosedAt: null,
    previousStatus: null,
    proposedAmount: null,
    proposedBy: null,
    approvedAmount: null,
    decidedBy: null,
    denialCode: null,
    denialReason: null,
    rationale: null,
    paymentId: null,
    paymentFailed: false,
    paymentReference: null,
    onHold: false,
    holdKind: null,
    holdReason: null,
  });
  const policy = await getRow(Policy, claim.policyId, { archived: true });
  const facts = clockFacts({ claim, policy, calendar: await Calendar.ofCompany() }, at);
  await addClocks(
    { claim },
    clocksAfterMove({ from: 'closed', to: claim.status }, [], facts).added,
  );
  tellClaimant({ claim, policy }, 'claim_reopened', commandId);
  if (claim.assignedTo === null) {
    await tellRole({ claim, policy }, 'senior_adjuster', 'claim_reported', commandId);
  }
  await flush();
  const start = claimStart(
    claim,
    await claimStateOf(claim),
    await Notification.unsentAbout(claim.id),
  );
  return OutboxEntry.promise({ ...start, isRestart: true });
}

/** Own policies, or all with the right to; another person's is a 404 like an unknown one. */
async function policyOf(actor: Actor, id: string): Promise<Policy> {
  // Nobody puts it out of sight meanwhile, and of two reports at once the later one sees the other.
  const policy = await getRow(Policy, id, { lock: true });
  if (isOwner(actor, policy) || allows(actor, 'claim:create')) return policy;
  if (allows(actor, 'policy:read')) throw new Forbidden();
  throw noSuch(Policy.entityType, id);
}

const isOwner = (actor: Actor, { userId }: Policy): boolean =>
  userId !== null && userId === actor.userId;

import type { BusinessCalendar } from '../rules/businessDays.ts';
import { approvalRefusal, approversOf, type ClaimParties } from '../rules/claimApproval.ts';
import {
  isClaimTimer,
  runsIn,
  slaStatusOf,
  type ClaimTimer,
  type ClaimTimerName,
  type ClockChange,
  type ClockFacts,
  type SetTimer,
} from '../rules/claimClocks.ts';
import type { Money } from '../rules/money.ts';
import type { Role } from '../rules/permissions.ts';
import { claimWorkflowId } from '../rules/workflowIds.ts';
import { Calendar } from './Calendar.ts';
import type { Claim } from './Claim.ts';
import { holdersOf } from './claimStaff.ts';
import { flush } from './database.ts';
import { Notification, type TemplateCode } from './Notification.ts';
import { Policy } from './Policy.ts';
import { getRow } from './rows.ts';
import { Timer } from './Timer.ts';

/** A claim with all that a step needs. */
export interface ClaimFile {
  readonly claim: Claim;
  readonly policy: Policy;
  readonly calendar: BusinessCalendar;
}

export const claimFileOf = async (claim: Claim): Promise<ClaimFile> => ({
  claim,
  policy: await getRow(Policy, claim.policyId, { archived: true }),
  calendar: await Calendar.ofCompany(),
});

export const clockFacts = ({ claim, calendar }: ClaimFile, at: Date): ClockFacts => ({
  settings: claim.config,
  calendar,
  at: at.getTime(),
});

/** A claim's timer that is not over, with its row. */
export interface SetClaimTimer extends SetTimer {
  readonly row: Timer;
}

export const setClaimTimers = async (claimId: string): Promise<readonly SetClaimTimer[]> =>
  asSetClaimTimers(await Timer.setFor(claimId));

export const asSetClaimTimers = (rows: readonly Timer[]): readonly SetClaimTimer[] =>
  rows.flatMap((row): SetClaimTimer[] => {
    const { name, occurrence, status } = row;
    if (!isClaimTimer(name) || (status !== 'scheduled' && status !== 'paused')) return [];
    const dueAt = row.dueAt.getTime();
    return [{ name, occurrence, status, dueAt, pausedAt: row.pausedAt?.getTime() ?? null, row }];
  });

/** Carries a change of the clocks out, and what it means for the deadlines as a whole. */
export async function changeClocks(
  { claim }: Pick<ClaimFile, 'claim'>,
  { cancelled, paused, resumed, added }: ClockChange<SetClaimTimer>,
  { at, reason }: { readonly at: Date; readonly reason: string },
): Promise<void> {
  await Timer.cancel(
    cancelled.map(({ row }) => row),
    reason,
  );
  await Timer.pause(
    paused.map(({ row }) => row),
    at,
    reason,
  );
  await Timer.resume(resumed.map(({ timer, dueAt }) => ({ timer: timer.row, dueAt })));
  await addClocks({ claim }, added);
  await followDeadlines({ claim });
}

/**
 * The day of the decision, where it has passed and nobody has decided: it can be given another one.
 * @param name of the timer that is asked for; of no other there is a day after it
 */
export async function missedDecision(
  { id, status }: Pick<Claim, 'id' | 'status'>,
  name: string,
): Promise<Timer | undefined> {
  if (name !== 'decision' || !runsIn(status, name)) return undefined;
  const latest = await Timer.findOne({
    where: { entityId: id, name },
    order: [['occurrence', 'DESC']],
  });
  return latest?.status === 'fired' ? latest : undefined;
}

/** What goes on climbing after a deadline was missed. */
export const rungsOf = (name: string, timers: readonly Timer[]): readonly Timer[] =>
  timers.filter((timer) => timer.name === `${name}_manager` || timer.name === `${name}_admin`);

/** Sets clocks anew, all under one number. */
export async function addClocks(
  { claim }: Pick<ClaimFile, 'claim'>,
  added: readonly Pick<ClaimTimer, 'name' | 'dueAt'>[],
  source: ClaimTimer['source'] = 'setting',
): Promise<void> {
  if (added.length === 0) return;
  const occurrence = await Timer.nextOccurrence(claim.id);
  Timer.schedule(
    aboutClaim(claim),
    added.map(({ name, dueAt }): ClaimTimer => ({ name, dueAt, occurrence, source })),
  );
  await flush();
}

/** `sla_status` from the timers as they are; no step of its own. */
export async function followDeadlines({ claim }: Pick<ClaimFile, 'claim'>): Promise<void> {
  const timers = await Timer.findAll({
    where: { entityId: claim.id, entityType: 'claim' },
    order: [['occurrence', 'DESC']],
    limit: 500,
  });
  const latest = new Map<ClaimTimerName, boolean>();
  for (const { name, status } of timers) {
    if (isClaimTimer(name) && !latest.has(name)) latest.set(name, status === 'fired');
  }
  const slaStatus = slaStatusOf(
    claim,
    [...latest].map(([name, hasFired]) => ({ name, hasFired })),
  );
  if (slaStatus !== claim.slaStatus) await claim.update({ slaStatus });
}

export const aboutClaim = ({ companyId, id }: Pick<Claim, 'companyId' | 'id'>) => ({
  workflowId: claimWorkflowId(companyId, id),
  entityType: 'claim',
  entityId: id,
});

/** What messages about a claim say; no names. */
const claimFacts = ({ claim, policy }: Parties): Readonly<Record<string, string>> => ({
  claimId: claim.id,
  claimNumber: claim.claimNumber,
  policyNumber: policy.policyNumber,
  incidentDate: claim.incidentDate,
  currency: claim.currency,
});

/** Whom and what a message is about. */
type Parties = Omit<ClaimFile, 'calendar'>;

type Facts = Readonly<Record<string, unknown>>;

/** Who had a part in the claim, and whose policy it is under. */
export const peopleOf = ({ claim, policy }: Parties): ClaimParties => ({
  assignedTo: claim.assignedTo,
  proposedBy: claim.proposedBy,
  reportedBy: claim.reportedBy,
  holderId: policy.userId,
});

/** By e-mail, and in the application where the holder of the policy has an account. */
export function tellClaimant(
  file: Parties,
  template: TemplateCode,
  key: string,
  facts: Facts = {},
): string {
  const { claim, policy } = file;
  const message = messageOf(file, template, key, facts);
  if (policy.userId) {
    Notification.queue({ to: { channel: 'in_app', userId: policy.userId }, ...message });
  }
  return Notification.queue({ to: { channel: 'email', address: claim.claimantEmail }, ...message });
}

/** By e-mail and in the application. */
export function tellPerson(
  file: Parties,
  userId: string,
  template: TemplateCode,
  key: string,
  facts: Facts = {},
): void {
  const message = messageOf(file, template, key, facts);
  Notification.queue({ to: { channel: 'email', userId }, ...message });
  Notification.queue({ to: { channel: 'in_app', userId }, ...message });
}

/** In the application as those who hold the role, and by e-mail each. */
export const tellRole = (
  file: Parties,
  role: Role,
  template: TemplateCode,
  key: string,
  facts: Facts = {},
): Promise<void> => tellRoles(file, [role], template, key, facts);

/** Whoever holds several of the roles gets one e-mail. */
async function tellRoles(
  file: Parties,
  roles: readonly Role[],
  template: TemplateCode,
  key: string,
  facts: Facts,
): Promise<void> {
  const message = messageOf(file, template, key, facts);
  for (const role of roles) Notification.queue({ to: { channel: 'in_app', role }, ...message });
  for (const userId of await holdersOf(roles)) {
    Notification.queue({ to: { channel: 'email', userId }, ...message });
  }
}

/** Those whose roles decide the amount; administrators where nobody else could decide this claim. */
export async function tellApprovers(file: Parties, amount: Money, key: string): Promise<void> {
  const { config } = file.claim;
  const roles = approversOf(amount, config).filter((role) => role !== 'tenant_admin');
  const others = (await holdersOf(roles)).filter(
    (userId) => approvalRefusal(peopleOf(file), userId) === undefined,
  );
  const told: readonly Role[] = others.length > 0 ? roles : ['tenant_admin'];
  await tellRoles(file, told, 'claim_approval_wanted', key, { amount });
}

const messageOf = (file: Parties, template: TemplateCode, key: string, facts: Facts) => ({
  template,
  payload: { ...claimFacts(file), ...facts },
  key: `${key}/${template}`,
  about: { type: 'claim', id: file.claim.id },
});

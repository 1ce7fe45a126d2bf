import { Conflict } from '../errors.ts';
import { dateAt } from '../rules/calendar.ts';
import { complianceSettings } from '../rules/complianceSettings.ts';
import { labelText } from '../rules/compliancePolicies.ts';
import type { Role } from '../rules/permissions.ts';
import type { DuePolicyTimer, PolicyClockFacts, PolicyTimer } from '../rules/policyClocks.ts';
import { policyApprovalWorkflowId } from '../rules/workflowIds.ts';
import { Calendar } from './Calendar.ts';
import { holdersOf } from './claimStaff.ts';
import { CompliancePolicy } from './CompliancePolicy.ts';
import { CompliancePolicyVersion } from './CompliancePolicyVersion.ts';
import { ownCompany } from './contract.ts';
import { flush } from './database.ts';
import { Notification, type TemplateCode } from './Notification.ts';
import { getRow } from './rows.ts';
import { Timer } from './Timer.ts';

/** A version with all that a step needs. */
export interface PolicyFile extends Omit<PolicyClockFacts, 'at'> {
  readonly version: CompliancePolicyVersion;
  readonly policy: CompliancePolicy;
}

export const policyFileOf = async (version: CompliancePolicyVersion): Promise<PolicyFile> => ({
  version,
  policy: await getRow(CompliancePolicy, version.policyId, { archived: true }),
  settings: complianceSettings((await ownCompany()).settings.compliance),
  calendar: await Calendar.ofCompany(),
});

/** Sets clocks of a version, all under one number. */
export async function addPolicyClocks(
  { id, companyId }: Pick<CompliancePolicyVersion, 'id' | 'companyId'>,
  added: readonly DuePolicyTimer[],
  source: PolicyTimer['source'] = 'setting',
): Promise<void> {
  if (added.length === 0) return;
  const occurrence = await Timer.nextOccurrence(id);
  Timer.schedule(
    {
      workflowId: policyApprovalWorkflowId(companyId, id),
      entityType: CompliancePolicyVersion.entityType,
      entityId: id,
    },
    added.map((due): PolicyTimer => ({ ...due, occurrence, source })),
  );
  await flush();
}

/** What stops, or goes on. @throws Conflict ILLEGAL_TRANSITION where nothing does */
export async function clocksTo(event: 'pause' | 'resume', versionId: string): Promise<Timer[]> {
  const [status, says] =
    event === 'pause' ? (['scheduled', 'runs'] as const) : (['paused', 'stands still'] as const);
  const found = (await Timer.setFor(versionId)).filter((timer) => timer.status === status);
  if (found.length > 0) return found;
  throw new Conflict('ILLEGAL_TRANSITION', `No clock of the version ${versionId} ${says}`);
}

type Facts = Readonly<Record<string, unknown>>;

/** By e-mail and in the application, each. */
export function tellPeople(
  file: PolicyFile,
  userIds: readonly string[],
  template: TemplateCode,
  key: string,
  facts: Facts = {},
): void {
  const message = messageOf(file, template, key, facts);
  for (const userId of userIds) {
    Notification.queue({ to: { channel: 'email', userId }, ...message });
    Notification.queue({ to: { channel: 'in_app', userId }, ...message });
  }
}

/** In the application as those who hold the role, and by e-mail each. */
export async function tellRole(
  file: PolicyFile,
  role: Role,
  template: TemplateCode,
  key: string,
  facts: Facts = {},
): Promise<void> {
  const message = messageOf(file, template, key, facts);
  Notification.queue({ to: { channel: 'in_app', role }, ...message });
  for (const userId of await holdersOf([role])) {
    Notification.queue({ to: { channel: 'email', userId }, ...message });
  }
}

/** Whose document it is; without an owner those who manage compliance. */
export async function tellOwner(
  file: PolicyFile,
  template: TemplateCode,
  key: string,
  facts: Facts = {},
): Promise<void> {
  const { ownerId } = file.policy;
  if (!ownerId) return tellRole(file, 'compliance_manager', template, key, facts);
  return tellPeople(file, [ownerId], template, key, facts);
}

/** The day as the company's calendar has it. */
export const policyDay = ({ calendar }: PolicyFile, instant: Date | null): string =>
  instant ? dateAt(instant.getTime(), calendar.timeZone) : '';

const messageOf = (
  { version, policy }: PolicyFile,
  template: TemplateCode,
  key: string,
  facts: Facts,
) => ({
  template,
  payload: {
    policyId: policy.id,
    number: version.number,
    title: policy.title,
    label: labelText(version),
    ...facts,
  },
  key: `${key}/${template}`,
  about: { type: CompliancePolicyVersion.entityType, id: version.id },
});

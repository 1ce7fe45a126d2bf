import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Campaign } from '../models/Campaign.ts';
import { beforeAll } from '../models/campaigning.ts';
import { CompliancePolicy } from '../models/CompliancePolicy.ts';
import { CompliancePolicyVersion } from '../models/CompliancePolicyVersion.ts';
import { append, flush, select, withTenant } from '../models/database.ts';
import { wakeKeepers } from '../models/keeperStart.ts';
import {
  columnsOf,
  containing,
  madeWithin,
  selectPage,
  sortedBy,
  type ListAsked,
} from '../models/list.ts';
import { archiveRow, editRow, getRow, refuseStale, restoreRow } from '../models/rows.ts';
import { compliancePercentage, type AcknowledgementStatus } from '../rules/acknowledgements.ts';
import { daysBetween } from '../rules/calendar.ts';
import {
  campaignAfter,
  leadsOutOf,
  type CampaignEvent,
  type CampaignSettings,
  type CampaignStatus,
} from '../rules/campaigns.ts';
import { planChange, type CampaignPlan } from './campaignChanges.ts';
import { seesAll } from './categories.ts';
import type { KnownCompany } from './companies.ts';
import { holdCustomer } from './customers.ts';
import { todayOf } from './employees.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { typedLine } from './typedText.ts';

/** What a draft says; null of an audience stands for everybody whom the policy concerns. */
export interface CampaignFacts {
  readonly name: string;
  readonly audienceCustomerId: string | null;
  readonly audienceRole: string | null;
  readonly audienceDepartment: string | null;
  readonly dueDays: number;
  readonly allowDecline: boolean;
  readonly allowExemption: boolean;
  readonly settings: CampaignSettings;
}

/** What is undefined stays as it is. */
export type CampaignChanges = {
  readonly [Name in keyof CampaignFacts]?: CampaignFacts[Name] | undefined;
};

export interface CampaignFilters extends ListAsked<keyof typeof sortColumns> {
  readonly policyId?: string | undefined;
  readonly status?: CampaignStatus | undefined;
  readonly includeArchived: boolean;
}

export type CampaignView = InferAttributes<Campaign>;

/** A campaign as it is, or would be, and the first of what moves with it. */
export interface CampaignChanged extends Pick<CampaignPlan, 'moved' | 'people'> {
  readonly dryRun: boolean;
  readonly campaign: CampaignView;
}

/** How far those are whom a campaign has asked. */
export interface CampaignProgress {
  readonly status: CampaignStatus;
  /** Not everybody has been looked at yet. */
  readonly isAsking: boolean;
  readonly counts: Readonly<Record<AcknowledgementStatus, number>>;
  readonly percentage: string;
  /** Those who have not answered, by days after the day that it was due. */
  readonly ageing: Readonly<Record<'notDue' | 'upTo7' | 'upTo14' | 'over14', number>>;
}

/** Asked by somebody who has seen that version. */
export interface CampaignCommand {
  readonly expectedVersion: number | undefined;
  readonly once: Once;
}

const sortColumns = {
  createdAt: 'c.created_at',
  name: 'lower(c.name)',
  launchedAt: 'c.launched_at',
} as const;

/**
 * People are asked once more, together. A command says what is to be; the keeper of the policy carries it
 * out, so many people at a time.
 */
export const createCampaigns = () => ({
  list: (actor: Actor, filters: CampaignFilters) =>
    withTenant(actor.companyId, () => {
      const { policyId, status, search, includeArchived } = filters;
      return selectPage<CampaignView>(
        columnsOf(Campaign, 'c'),
        'campaigns c',
        [
          ...(includeArchived && seesAll(actor) ? [] : [['c.archived_at IS NULL'] as const]),
          ...(policyId ? [['c.policy_id = $', policyId] as const] : []),
          ...(status ? [['c.status = $', status] as const] : []),
          ...(search ? [['c.name ILIKE $', containing(search)] as const] : []),
          ...madeWithin('c', filters),
        ],
        sortedBy(sortColumns, filters, 'c.id'),
      );
    }),

  get: (actor: Actor, id: string): Promise<CampaignView> =>
    withTenant(actor.companyId, () => getRow(Campaign, id, { archived: seesAll(actor) })),

  /** From the rows, as they stand now. */
  progress: (
    actor: Actor,
    company: Pick<KnownCompany, 'timeZone'>,
    id: string,
  ): Promise<CampaignProgress> =>
    withTenant(actor.companyId, async () => {
      const campaign = await getRow(Campaign, id, { archived: seesAll(actor) });
      return progressOf(campaign, todayOf(company));
    }),

  /** @throws Invalid */
  create: (
    { policyId, ...wish }: CampaignFacts & { readonly policyId: string },
    once: Once,
  ): Promise<CampaignView | Replay> =>
    rowsOnce(once, async () => {
      const policy = await CompliancePolicy.findOne({ where: { id: policyId, archivedAt: null } });
      if (!policy) throw invalidField('policy_id', 'There is no such compliance policy');
      const fields = { policyId, ...(await checked(wish, policy)) };
      const id = append(Campaign, fields);
      AuditLog.record('CREATE', { type: Campaign.entityType, id }, { after: fields });
      await flush();
      return getRow(Campaign, id);
    }),

  /**
   * A draft is changed as a whole. Of one that is under way it stays whom it asks, and what it has asked moves
   * with its days and settings; `dryRun` shows what would, and changes nothing.
   * @throws Invalid; Conflict ILLEGAL_TRANSITION once it has ended
   */
  edit: (
    actor: Actor,
    id: string,
    { dryRun = false, ...changes }: CampaignChanges & { readonly dryRun?: boolean | undefined },
    expectedVersion: number | undefined,
  ): Promise<CampaignChanged> =>
    withTenant(actor.companyId, async () => {
      const campaign = await getRow(Campaign, id, { lock: true });
      refuseStale(Campaign, campaign, expectedVersion);
      if (campaign.endedAt) throw illegal(campaign, 'be changed');
      const policy = await getRow(CompliancePolicy, campaign.policyId, { archived: true });
      const { name = campaign.name, dueDays = campaign.dueDays } = changes;
      const { audienceCustomerId = campaign.audienceCustomerId } = changes;
      const { audienceRole = campaign.audienceRole } = changes;
      const { audienceDepartment = campaign.audienceDepartment } = changes;
      const { allowDecline = campaign.allowDecline } = changes;
      const { allowExemption = campaign.allowExemption } = changes;
      const { settings = campaign.settings } = changes;
      const audience = { audienceCustomerId, audienceRole, audienceDepartment };
      const rest = { name, dueDays, allowDecline, allowExemption, settings };
      const fields = await checked({ ...audience, ...rest }, policy);
      const isDraft = campaign.status === 'draft';
      if (!isDraft) refuseOtherAudience(campaign, fields);
      const { moved, people, noted } = isDraft
        ? { moved: [], people: 0, noted: {} }
        : await planChange(campaign, fields);
      if (dryRun) return { dryRun, campaign: { ...campaign.get(), ...fields }, moved, people };
      const changed = { ...fields, ...noted };
      const edited = await editRow(Campaign, campaign, changed, expectedVersion);
      if (!isDraft) await wakeKeepers([campaign.policyId]);
      return { dryRun, campaign: edited, moved, people };
    }),

  /** @throws Conflict CAMPAIGN_RUNNING while it asks or is paused */
  archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<CampaignView> =>
    withTenant(actor.companyId, async () => {
      const campaign = await getRow(Campaign, id, { lock: true });
      if (campaign.status === 'running' || campaign.status === 'paused') {
        throw new Conflict('CAMPAIGN_RUNNING', `The campaign ${id} is under way; cancel it first`);
      }
      return archiveRow(Campaign, campaign, expectedVersion);
    }),

  restore: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<CampaignView> =>
    withTenant(actor.companyId, async () =>
      restoreRow(Campaign, await getRow(Campaign, id, { archived: true }), expectedVersion),
    ),

  /** @throws Conflict NOT_PUBLISHED, ILLEGAL_TRANSITION like every step here */
  launch: (id: string, command: CampaignCommand): Promise<CampaignView | Replay> =>
    takeStep(id, 'launch', command, async ({ policyId }) => {
      if (!(await CompliancePolicyVersion.publishedOf(policyId))) {
        throw new Conflict('NOT_PUBLISHED', `No version of the policy ${policyId} is published`);
      }
      return { launchedAt: new Date(Date.now()), askedAfter: beforeAll };
    }),

  /** Its clocks stand still from the commit on. */
  pause: (
    company: Pick<KnownCompany, 'timeZone'>,
    id: string,
    command: CampaignCommand,
  ): Promise<CampaignView | Replay> =>
    takeStep(id, 'pause', command, () => ({ pausedOn: todayOf(company) })),

  /** Its dates move by the days for which it was paused. */
  resume: (
    company: Pick<KnownCompany, 'timeZone'>,
    id: string,
    command: CampaignCommand,
  ): Promise<CampaignView | Replay> =>
    takeStep(id, 'resume', command, ({ pausedOn, pausedDays }) => {
      const today = todayOf(company);
      const days = Math.max(0, daysBetween(pausedOn ?? today, today));
      return { pausedOn: null, pausedDays: pausedDays + days };
    }),

  /** What is asked is withdrawn; answers stay. */
  cancel: (id: string, command: CampaignCommand): Promise<CampaignView | Replay> =>
    takeStep(id, 'cancel', command, () => {
      return { endedAt: new Date(Date.now()), pausedOn: null, askedAfter: null };
    }),
});

export type Campaigns = ReturnType<typeof createCampaigns>;

type Changes = Partial<CampaignView>;

/** The step and what wakes the keeper up for it, in one transaction. */
const takeStep = (
  id: string,
  event: CampaignEvent,
  { expectedVersion, once }: CampaignCommand,
  changes: (campaign: Campaign) => Changes | Promise<Changes>,
): Promise<CampaignView | Replay> =>
  rowsOnce(once, async () => {
    const campaign = await getRow(Campaign, id, { lock: true });
    refuseStale(Campaign, campaign, expectedVersion);
    const status = campaignAfter(campaign.status, event);
    if (!status) throw illegal(campaign, `take the step ${event}`);
    const fields = { ...(await changes(campaign)), status };
    await editRow(Campaign, campaign, fields, undefined, 'STATUS_CHANGE');
    await wakeKeepers([campaign.policyId]);
    await flush();
    return campaign;
  });

const illegal = ({ id, status }: Campaign, act: string): Conflict =>
  new Conflict('ILLEGAL_TRANSITION', `The campaign ${id} is ${status} and cannot ${act}`, {
    current_status: status,
  });

/** Whom it has asked already stays asked. @throws Conflict ILLEGAL_TRANSITION */
function refuseOtherAudience(campaign: Campaign, facts: CampaignFacts): void {
  for (const name of ['audienceCustomerId', 'audienceRole', 'audienceDepartment'] as const) {
    if (facts[name] !== campaign[name]) throw illegal(campaign, 'ask others');
  }
}

/** What may be stored. @throws Invalid */
async function checked(facts: CampaignFacts, policy: CompliancePolicy): Promise<CampaignFacts> {
  const { audienceCustomerId } = facts;
  if (audienceCustomerId !== null && !(await holdCustomer(audienceCustomerId))) {
    throw invalidField('audience_customer_id', 'There is no such customer');
  }
  const line = (field: string, text: string | null): string | null =>
    text === null ? null : typedLine(field, text);
  const audienceRole = line('audience_role', facts.audienceRole);
  const audienceDepartment = line('audience_department', facts.audienceDepartment);
  const outside = leadsOutOf(
    { customerId: audienceCustomerId, role: audienceRole, department: audienceDepartment },
    {
      customerId: policy.audienceCustomerId,
      role: policy.audienceRole,
      department: policy.audienceDepartment,
    },
  );
  if (outside) {
    const field = { customerId: 'customer_id', role: 'role', department: 'department' }[outside];
    throw invalidField(`audience_${field}`, 'The policy does not concern them', 'NOT_CONCERNED');
  }
  return { ...facts, name: typedLine('name', facts.name), audienceRole, audienceDepartment };
}

async function progressOf(campaign: Campaign, today: string): Promise<CampaignProgress> {
  const statuses = ['pending', 'acknowledged', 'declined', 'exempted', 'superseded', 'cancelled'];
  const [counted] = await select<CampaignProgress['counts'] & CampaignProgress['ageing']>(
    `SELECT ${statuses
      .map((status) => `count(*) FILTER (WHERE status = '${status}')::integer AS ${status}`)
      .join(', ')},
       count(*) FILTER (WHERE status = 'pending' AND late <= 0)::integer AS "notDue",
       count(*) FILTER (WHERE status = 'pending' AND late BETWEEN 1 AND 7)::integer AS "upTo7",
       count(*) FILTER (WHERE status = 'pending' AND late BETWEEN 8 AND 14)::integer AS "upTo14",
       count(*) FILTER (WHERE status = 'pending' AND late > 14)::integer AS "over14"
     FROM (SELECT status, $2::date - (due_date + ($3::integer - paused_days) + ($4::integer - moved_days)) AS late
       FROM acknowledgements WHERE campaign_id = $1) AS asked`,
    [campaign.id, campaign.pausedOn ?? today, campaign.pausedDays, campaign.movedDays],
  );
  if (!counted) throw new Error('Counting gives a row');
  const { notDue, upTo7, upTo14, over14, ...counts } = counted;
  return {
    status: campaign.status,
    isAsking: campaign.askedAfter !== null,
    counts,
    percentage: compliancePercentage(counts),
    ageing: { notDue, upTo7, upTo14, over14 },
  };
}

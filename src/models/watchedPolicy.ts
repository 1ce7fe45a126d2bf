import {
  acknowledgementDefaults,
  configuredDays,
  consistent,
  nextAction,
  type AcknowledgementAction,
  type AcknowledgementSettings,
  type Audience,
  type Dated,
  type Published,
} from '../rules/acknowledgements.ts';
import { isDeepStrictEqual } from 'node:util';
import { addDays, dateAt, hourOfDay, type CalendarDate } from '../rules/calendar.ts';
import { execute, select } from './database.ts';
import { noSuch } from './rows.ts';

/** So many people are dealt with in one transaction. */
export const batchSize = 500;

/** The hour, by the company's clocks, at which people are reminded. */
const hour = 8;

/** A policy whose acknowledgements are watched, with all that a step about them needs. */
export interface Watched extends Clocks {
  readonly policyId: string;
  readonly companyId: string;
  readonly title: string;
  readonly audience: Audience;
  readonly published: Published | undefined;
  /** The last one that was ended with nothing in its place. */
  readonly retiredVersion: number | null;
  /** Of the latest change that lets people be asked anew. */
  readonly askingNumber: number;
  readonly at: Date;
  readonly today: CalendarDate;
  /** What is configured for the policy alone. */
  readonly configured: Partial<AcknowledgementSettings>;
  /** Before what is said for the policy, or by a campaign. */
  readonly ofCompany: AcknowledgementSettings;
  /** The settings of its campaigns that are under way. */
  readonly campaigns: ReadonlyMap<string, AcknowledgementSettings>;
  /** Those of them that were changed meanwhile. */
  readonly changed: Readonly<Record<string, AcknowledgementSettings>>;
  /** What the next dates of its rows follow from; null before the first. */
  readonly clocks: KeptClocks | null;
}

/** What dates follow from besides the row itself. */
export interface Clocks {
  readonly settings: AcknowledgementSettings;
  readonly timeZone: string;
}

/** Of campaigns those that were changed while they ran. */
interface KeptClocks extends Clocks {
  readonly configured: Partial<AcknowledgementSettings>;
  readonly campaigns?: Readonly<Record<string, AcknowledgementSettings>>;
}

interface PolicyFacts {
  readonly id: string;
  readonly companyId: string;
  readonly timeZone: string;
  /** What the company has set. */
  readonly settings: Partial<AcknowledgementSettings> | null;
  readonly clocks: KeptClocks | null;
  readonly title: string;
  readonly customerId: string | null;
  readonly role: string | null;
  readonly department: string | null;
  readonly reackVersion: number;
  readonly nextReackVersion: number | null;
  readonly retiredVersion: number | null;
  readonly askingNumber: number;
  readonly version: number | null;
  readonly publishedAt: Date | null;
  readonly configured: Readonly<Record<string, string>> | null;
  readonly campaigns: readonly (CampaignTerms & {
    readonly id: string;
    readonly isChanged: boolean;
  })[];
}

/** What a campaign says itself. */
export interface CampaignTerms {
  readonly dueDays: number;
  readonly settings: Partial<AcknowledgementSettings>;
}

/** @throws NotFound */
export async function watchedPolicy(
  policyId: string,
  at: Date,
  wish: WishedSettings = {},
): Promise<Watched> {
  const [found] = await watchedPolicies([policyId], at, wish);
  if (!found) throw noSuch('compliance_policy', policyId);
  return found;
}

/** What would be set instead of what is. */
export interface WishedSettings {
  /** By the company: all that it sets. */
  readonly set?: Partial<AcknowledgementSettings>;
  /** For the policy alone, beside what is configured for it. */
  readonly configured?: Partial<AcknowledgementSettings>;
}

/** Those of these policies that there are. */
export async function watchedPolicies(
  ids: readonly string[],
  at: Date,
  wish: WishedSettings = {},
): Promise<readonly Watched[]> {
  const found = await select<PolicyFacts>(
    `SELECT p.id, p.title, p.audience_customer_id AS "customerId", p.audience_role AS role,
       p.audience_department AS department, p.reack_version AS "reackVersion", v.number AS version, p.clocks,
       p.asking_number AS "askingNumber",
       v.published_at AS "publishedAt",
       (SELECT min(n.number) FROM compliance_policy_versions n
        WHERE n.policy_id = p.id AND n.number > v.number AND n.requires_reack) AS "nextReackVersion",
       (SELECT max(r.number) FROM compliance_policy_versions r
        WHERE r.policy_id = p.id AND r.status = 'retired') AS "retiredVersion",
       c.id AS "companyId", c.time_zone AS "timeZone",
       c.settings -> 'compliance' AS settings,
       (SELECT jsonb_object_agg(k.key, k.value) FROM policy_configurations k
        WHERE k.policy_id = p.id AND k.status = 'active' AND k.archived_at IS NULL) AS configured,
       (SELECT coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'isChanged', m.is_changed,
            'dueDays', m.due_days, 'settings', m.settings)), '[]')
        FROM campaigns m WHERE m.policy_id = p.id AND m.status IN ('running', 'paused')) AS campaigns
     FROM compliance_policies p JOIN platform.companies c ON c.id = p.company_id
       LEFT JOIN compliance_policy_versions v ON v.policy_id = p.id AND v.status = 'published'
     WHERE p.id = ANY ($1::uuid[])`,
    [ids],
  );
  return found.map((facts) => watchedOf(facts, at, wish));
}

function watchedOf(
  found: PolicyFacts,
  at: Date,
  { set, configured: wished }: WishedSettings,
): Watched {
  const { companyId, timeZone, title, customerId, role, department } = found;
  const { version, reackVersion, nextReackVersion, publishedAt } = found;
  const configured = { ...configuredIn(found.configured ?? {}), ...wished };
  const ofCompany = { ...acknowledgementDefaults, ...(set ?? found.settings) };
  const campaigns = found.campaigns.map(
    ({ id, isChanged, ...terms }) =>
      [id, settingsOf({ ofCompany, configured }, terms), isChanged] as const,
  );
  return {
    policyId: found.id,
    companyId,
    title,
    audience: { customerId, role, department },
    published:
      version !== null && publishedAt
        ? {
            version,
            reackVersion,
            nextReackVersion,
            publishedOn: dateAt(publishedAt.getTime(), timeZone),
          }
        : undefined,
    retiredVersion: found.retiredVersion,
    askingNumber: found.askingNumber,
    settings: consistent({ ...ofCompany, ...configured }),
    configured,
    ofCompany,
    campaigns: new Map(campaigns.map(([id, settings]) => [id, settings])),
    changed: Object.fromEntries(
      campaigns.flatMap(([id, settings, isChanged]) => (isChanged ? [[id, settings]] : [])),
    ),
    timeZone,
    clocks: found.clocks,
    at,
    today: dateAt(at.getTime(), timeZone),
  };
}

/** The settings of a campaign that says so. */
export const settingsOf = (
  { ofCompany, configured }: Pick<Watched, 'ofCompany' | 'configured'>,
  { dueDays, settings }: CampaignTerms,
): AcknowledgementSettings =>
  consistent({ ...ofCompany, ...settings, manualDays: dueDays, ...configured });

/** The same as of another moment. */
export const asOf = (watched: Watched, at: Date): Watched => ({
  ...watched,
  at,
  today: dateAt(at.getTime(), watched.timeZone),
});

/** What is configured for the policy (`new_joiner_days`: `14 days`) comes before anything else. */
export function configuredIn(
  configured: Readonly<Record<string, string>>,
): Partial<AcknowledgementSettings> {
  const ofPolicy = Object.entries(configured).flatMap(([key, value]) => {
    const read = configuredDays(key, value);
    return read && 'days' in read ? [[read.name, read.days] as const] : [];
  });
  return Object.fromEntries(ofPolicy);
}

/** What the dates of a row follow from: its campaign, if it has one, has settings of its own. */
export const clocksOf = (
  { settings, timeZone, campaigns }: Watched,
  campaignId: string | null,
): Clocks => ({ timeZone, settings: campaigns.get(campaignId ?? '') ?? settings });

/**
 * SQL: nothing happens to an acknowledgement `a` by itself: its campaign is paused or was cancelled, or its
 * day is still to be moved, by a pause that is over or as the campaign gives other days by now.
 */
export const standsStill = `(a.campaign_id IS NOT NULL AND a.status = 'pending' AND EXISTS (
  SELECT 1 FROM campaigns s WHERE s.company_id = a.company_id AND s.id = a.campaign_id
    AND (s.status IN ('paused', 'cancelled') OR s.paused_days > a.paused_days
      OR s.moved_days <> a.moved_days)))`;

/** SQL: by so many days an acknowledgement `a` is late; those that its campaign still adds do not count. */
export const daysLate = (today: string): string =>
  `(coalesce((SELECT coalesce(s.paused_on, ${today}) - (s.paused_days - a.paused_days)
      - (s.moved_days - a.moved_days) FROM campaigns s
    WHERE s.company_id = a.company_id AND s.id = a.campaign_id), ${today}) - a.due_date)`;

/** SQL: an acknowledgement `a` is not answered, and its day has passed. */
export const isOverdue = (today: string): string =>
  `(a.status = 'pending' AND a.due_date < ${today} AND ${daysLate(today)} > 0)`;

/** SQL: an employee `e` works there on that day. */
export const worksThere = (today: string): string =>
  `(e.status = 'active' AND e.archived_at IS NULL AND e.join_date <= ${today}::date)`;

/** SQL: an employee `e` is of an audience whose parts are bound there, on that day. */
export const among = (customer: string, role: string, department: string, today: string): string =>
  `(${worksThere(today)}
  AND (${customer}::uuid IS NULL OR e.customer_id = ${customer})
  AND (${role}::text IS NULL OR lower(trim(e.role)) = lower(trim(${role})))
  AND (${department}::text IS NULL OR lower(trim(e.department)) = lower(trim(${department}))))`;

/** SQL: an employee `e` is in the audience of a campaign `c` that is under way, on that day. */
export const amongCampaign = (today: string): string => `(c.status = 'running'
  AND ${among('c.audience_customer_id', 'c.audience_role', 'c.audience_department', today)})`;

/**
 * SQL: a campaign `c` has not asked an employee `e`, who is not being asked, is not exempted, and has
 * answered nothing since it was launched. Looked up person by person, also without statistics.
 */
export const isUnasked = `NOT EXISTS (SELECT 1 FROM acknowledgements s
  WHERE s.company_id = c.company_id AND s.policy_id = c.policy_id AND s.employee_id = e.id
    AND (s.campaign_id = c.id OR s.created_at >= c.launched_at OR s.acknowledged_at >= c.launched_at
      OR (s.is_current AND (s.status IN ('pending', 'exempted')
        OR (s.status = 'declined' AND s.updated_at >= c.launched_at)))) OFFSET 0)`;

/** When something of that day happens. */
export const momentOf = ({ timeZone }: Pick<Clocks, 'timeZone'>, on: CalendarDate): Date =>
  new Date(hourOfDay(on, hour, timeZone));

/** The columns that say what happens next, after the day. */
export function nextOf(
  watched: Clocks,
  dated: Dated,
  after: CalendarDate,
): { readonly nextAction: AcknowledgementAction | null; readonly nextActionAt: Date | null } {
  const next = nextAction(dated, watched.settings, after);
  return {
    nextAction: next?.action ?? null,
    nextActionAt: next && momentOf(watched, next.on),
  };
}

/** A row as far as its dates go. */
export interface DatedRow {
  readonly id: string;
  readonly status: Dated['status'];
  readonly dueDate: CalendarDate;
  readonly acknowledgedAt: Date | null;
  readonly exemptedUntil: CalendarDate | null;
  readonly campaignId: string | null;
}

export const datedOf = (
  { timeZone }: Pick<Clocks, 'timeZone'>,
  { status, dueDate, acknowledgedAt, exemptedUntil }: Omit<DatedRow, 'id' | 'campaignId'>,
): Dated => ({
  status,
  dueDate,
  answeredOn: acknowledgedAt && dateAt(acknowledgedAt.getTime(), timeZone),
  exemptedUntil,
});

/**
 * Gives the next rows after `after` the dates that the present settings say; those of a day that has
 * passed are due at once, and what was told on a day is not told again.
 * @returns the last of them; undefined when none is left
 */
export async function redateBatch(watched: Watched, after: string): Promise<string | undefined> {
  const rows = await select<DatedRow>(
    `SELECT id, status, due_date AS "dueDate", acknowledged_at AS "acknowledgedAt",
       exempted_until AS "exemptedUntil", campaign_id AS "campaignId"
     FROM acknowledgements
     WHERE policy_id = $1 AND is_current AND next_action_at IS NOT NULL AND id > $2
     ORDER BY id LIMIT ${batchSize} FOR NO KEY UPDATE`,
    [watched.policyId, after],
  );
  const yesterday = addDays(watched.today, -1);
  const changes = rows.map((row) => ({
    id: row.id,
    ...nextOf(clocksOf(watched, row.campaignId), datedOf(watched, row), yesterday),
  }));
  await execute(
    `UPDATE acknowledgements a SET next_action = c."nextAction", next_action_at = c."nextActionAt",
       updated_at = now()
     FROM jsonb_to_recordset($1) AS c (id uuid, "nextAction" text, "nextActionAt" timestamptz)
     WHERE a.id = c.id AND a.next_action_at IS DISTINCT FROM c."nextActionAt"`,
    [JSON.stringify(changes)],
  );
  return rows.at(-1)?.id;
}

/** Settings, or the time zone, have changed since its rows were given their dates. */
export const isOutdated = (watched: Watched): boolean =>
  watched.clocks !== null &&
  !isDeepStrictEqual({ campaigns: {}, ...watched.clocks }, keptClocksOf(watched));

const keptClocksOf = ({ settings, timeZone, configured, changed }: Watched): KeptClocks => ({
  settings,
  timeZone,
  configured,
  campaigns: changed,
});

/** Whoever was to be asked then is; not where somebody else is to be meanwhile. */
export const noteAsked = async ({ policyId, askingNumber }: Watched): Promise<void> => {
  await execute(
    `UPDATE compliance_policies SET is_asking = false
     WHERE id = $1 AND is_asking AND asking_number = $2`,
    [policyId, askingNumber],
  );
};

/** From now on the rows have the dates that these settings say. */
export const noteClocks = async (watched: Watched): Promise<void> => {
  await execute('UPDATE compliance_policies SET clocks = $2 WHERE id = $1', [
    watched.policyId,
    JSON.stringify(keptClocksOf(watched)),
  ]);
};

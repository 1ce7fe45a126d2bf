import type { KeeperStatus } from '../rules/acknowledgements.ts';
import { acknowledgementWorkflowId } from '../rules/workflowIds.ts';
import { execute, select } from './database.ts';
import { OutboxEntry, type WorkflowStart } from './OutboxEntry.ts';
import { among, amongCampaign, isUnasked } from './watchedPolicy.ts';

/** What the keeper of a policy's acknowledgements knows of them; the rows have the rest. */
export interface KeeperState {
  readonly status: KeeperStatus;
  readonly stateVersion: number;
  readonly pending: number;
  /** Epoch milliseconds of what is next; null where nothing will happen by itself. */
  readonly nextAt: number | null;
  /** When somebody joins whom it concerns; null where nobody is still to. */
  readonly joinsAt: number | null;
  /** E-mails are to be sent now. */
  readonly hasMail: boolean;
  /** Settings have changed since the dates of the rows were set. */
  readonly isOutdated: boolean;
  /** Nothing is published, and nobody is asked. */
  readonly isClosed: boolean;
}

export interface KeeperInput {
  readonly v: 1;
  readonly companyId: string;
  readonly policyId: string;
  /** Of one that is only to send what is queued. */
  readonly isMail?: true;
}

/** How a keeper is woken up: the running one hears of a change, else one begins. */
export function keeperStart(
  companyId: string,
  { id, title }: { readonly id: string; readonly title: string },
  { isMail = false } = {},
): Omit<WorkflowStart, 'id' | 'context'> {
  const input: KeeperInput = { v: 1, companyId, policyId: id, ...(isMail && { isMail }) };
  return {
    companyId,
    entityType: 'compliance_policy',
    entityId: id,
    workflowType: 'acknowledgement',
    workflowId: acknowledgementWorkflowId(companyId, id),
    input,
    summary: `Acknowledgements of: ${title}`.slice(0, 200),
    attributes: { CompanyId: companyId, EntityType: 'acknowledgement', EntityId: id },
  };
}

/**
 * Tells the keepers of these policies that something of theirs has changed, by the relay: whoever finds
 * an entry that is not due yet joins it, and holds it until their own commit, so that the keeper sees
 * what they have changed.
 * @param isMail only messages are queued, and nobody else is concerned
 */
export async function wakeKeepers(
  policyIds: readonly string[],
  { isMail = false } = {},
): Promise<readonly WorkflowStart[]> {
  if (policyIds.length === 0) return [];
  const policies = await select<{ id: string; title: string; companyId: string }>(
    `WITH joined AS (
       SELECT entity_id FROM core.outbox
       WHERE entity_id = ANY ($1::uuid[]) AND workflow_type = 'acknowledgement'
         AND dispatched_at IS NULL AND parked_at IS NULL AND not_before > clock_timestamp()
         AND ($2 OR NOT jsonb_exists(input, 'isMail'))
       FOR KEY SHARE SKIP LOCKED)
     SELECT id, title, company_id AS "companyId" FROM compliance_policies
     WHERE id = ANY ($1::uuid[]) AND id NOT IN (SELECT entity_id FROM joined)`,
    [policyIds, isMail],
  );
  return policies.map((policy) =>
    OutboxEntry.promise(keeperStart(policy.companyId, policy, { isMail })),
  );
}

/** The same for every policy that is published. */
export const wakeAllKeepers = async (): Promise<readonly WorkflowStart[]> =>
  wakeKeepers(await publishedPolicies());

/** These concern others now, or another text: until their keepers have asked them, the counts lag behind. */
export async function askAnew(policyIds: readonly string[]): Promise<void> {
  if (policyIds.length === 0) return;
  // Held in their order: whoever does the same at once waits, and does not deadlock.
  await execute(
    `UPDATE compliance_policies SET is_asking = true, asking_number = asking_number + 1
     WHERE id IN (SELECT id FROM compliance_policies WHERE id = ANY ($1::uuid[])
       ORDER BY id FOR NO KEY UPDATE)`,
    [policyIds],
  );
  await wakeKeepers(policyIds);
}

/** The same for every policy that is published: many came or went. */
export const askAllAnew = async (): Promise<void> => askAnew(await publishedPolicies());

/**
 * The same where one of these employees is to be asked, on the day that they join, by a campaign that is
 * under way, or no more: they came, went, or moved.
 */
export async function askAbout(employeeIds: readonly string[]): Promise<void> {
  const found = await select<{ id: string }>(
    `SELECT DISTINCT p.id FROM compliance_policies p JOIN employees e ON e.id = ANY ($1::uuid[])
     WHERE p.policy_version > 0
       AND (${among('p.audience_customer_id', 'p.audience_role', 'p.audience_department', "'infinity'")}
         IS DISTINCT FROM EXISTS (SELECT FROM acknowledgements a
           WHERE a.policy_id = p.id AND a.employee_id = e.id AND a.is_current)
       OR EXISTS (SELECT FROM campaigns c WHERE c.policy_id = p.id AND ${amongCampaign("'infinity'")}
         AND ${isUnasked}))`,
    [employeeIds],
  );
  await askAnew(found.map(({ id }) => id));
}

async function publishedPolicies(): Promise<readonly string[]> {
  const published = await select<{ id: string }>(
    `SELECT policy_id AS id FROM compliance_policy_versions WHERE status = 'published'
     ORDER BY policy_id`,
  );
  return published.map(({ id }) => id);
}

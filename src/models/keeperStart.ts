import type { KeeperStatus } from '../rules/acknowledgements.ts';
import { acknowledgementWorkflowId } from '../rules/workflowIds.ts';
import { select } from './database.ts';
import { OutboxEntry, type WorkflowStart } from './OutboxEntry.ts';

/** What the keeper of a policy's acknowledgements knows of them; the rows have the rest. */
export interface KeeperState {
  readonly status: KeeperStatus;
  readonly stateVersion: number;
  readonly pending: number;
  /** Epoch milliseconds of what is next; null where nothing will happen by itself. */
  readonly nextAt: number | null;
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

/** The same for every policy that is published: somebody came, went, or works elsewhere now. */
export async function wakeAllKeepers(): Promise<readonly WorkflowStart[]> {
  const published = await select<{ id: string }>(
    `SELECT policy_id AS id FROM compliance_policy_versions WHERE status = 'published'
     ORDER BY policy_id`,
  );
  return wakeKeepers(published.map(({ id }) => id));
}

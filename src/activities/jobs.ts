import { activityInfo, heartbeat } from '@temporalio/activity';
import {
  execute,
  select,
  withGlobal,
  withIdentity,
  withSystem,
  withTenant,
} from '../models/database.ts';
import { forgetOldApplicants } from '../models/applicants.ts';
import { retireAuditMonth } from '../models/auditRetention.ts';
import { queueMail } from '../models/mail.ts';
import { holdersOf } from '../models/claimStaff.ts';
import { Domain } from '../models/Domain.ts';
import { isKept } from '../models/keepers.ts';
import { promiseStarts } from '../models/workflowStarts.ts';
import { lastRungs } from '../rules/claimClocks.ts';
import type { Role } from '../rules/permissions.ts';
import {
  acknowledgementWorkflowId,
  bookingWorkflowId,
  bulkWorkflowId,
  claimWorkflowId,
  onboardingWorkflowId,
  paymentWorkflowId,
  policyApprovalWorkflowId,
  reportWorkflowId,
  subscriptionWorkflowId,
} from '../rules/workflowIds.ts';
import { recountCompany } from './complianceCounts.ts';
import { sendComplianceDigest } from './complianceDigest.ts';
import { compareRuns, type OpenWorkflows } from './drift.ts';

const pageSize = 200;

export const jobActivities = ({ openWorkflows }: { readonly openWorkflows: OpenWorkflows }) => ({
  /**
   * Safe to repeat: a second start of the same id meets the running one. Finds rows whose workflow
   * should be open and is not, and promises its start anew from the row.
   * @returns how many were missing
   */
  async restoreWorkflows(): Promise<{ readonly restored: number }> {
    const begun: { companyId?: string; after?: string; restored?: number } = {
      ...Object(activityInfo().heartbeatDetails),
    };
    let { restored = 0 } = begun;
    for await (const companyId of companyIds(begun.companyId)) {
      let after = companyId === begun.companyId ? (begun.after ?? '') : '';
      heartbeat({ companyId, after, restored });
      for (;;) {
        const expected = await withTenant(companyId, () => openEntities(after));
        const last = expected.at(-1);
        if (!last) break;
        after = last.id;
        const open = await openWorkflows(expected.map(({ workflowId }) => workflowId));
        const missing = expected.filter(({ workflowId }) => !open.has(workflowId));
        if (missing.length > 0) {
          await withTenant(companyId, () => promiseStarts(missing.map(({ id }) => id)));
          restored += missing.length;
        }
        heartbeat({ companyId, after, restored });
      }
    }
    return { restored };
  },

  /**
   * Safe to repeat: each digest is keyed by company and week.
   * @param order.week the day it is about, as a calendar date
   */
  async sendDigests({ week }: { readonly week: string }): Promise<void> {
    for await (const companyId of companyIds()) {
      await digest(companyId, week);
      await sendComplianceDigest(companyId, week);
      heartbeat({ companyId });
    }
  },

  /**
   * Safe to repeat: it makes what is missing and removes what is past its time. A step that fails does
   * not keep the others from their work.
   */
  async keepHouse(): Promise<void> {
    const steps: readonly (() => Promise<unknown>)[] = [
      () => withGlobal(() => select('SELECT app.ensure_audit_partitions()')),
      retireOldAudit,
      () => inBatches(removeOldSessions),
      () => inBatches((most) => withGlobal(() => Domain.endOldClaims(most)), 500),
      () => inBatches(forgetOldApplicants, 500),
      removeOldRowsOfCompanies,
      () => compareAll(openWorkflows),
      recountAll,
    ];
    const failures: unknown[] = [];
    for (const step of steps) await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'Some of the house is not kept');
  },
});

/** Month by month, the oldest first. */
async function retireOldAudit(): Promise<void> {
  while ((await retireAuditMonth()) !== undefined) heartbeat();
}

/** Rows with what their runs show, company by company. */
async function compareAll(openWorkflows: OpenWorkflows): Promise<void> {
  for await (const companyId of companyIds()) {
    await compareRuns(companyId, openWorkflows, heartbeat);
  }
}

/** The kept counts of acknowledgements, company by company. */
async function recountAll(): Promise<void> {
  for await (const companyId of companyIds()) await recountCompany(companyId, heartbeat);
}

/** Only whole families: a revoked member ends those that are left. */
const removeOldSessions = (most: number): Promise<number> =>
  withIdentity(null, () =>
    execute(
      `DELETE FROM platform.refresh_tokens WHERE family_id IN (
         SELECT family_id FROM platform.refresh_tokens t
         WHERE expires_at < now() - interval '30 days'
           AND NOT EXISTS (SELECT 1 FROM platform.refresh_tokens later
             WHERE later.family_id = t.family_id AND later.expires_at >= now() - interval '30 days')
         LIMIT $1)`,
      [most],
    ),
  );

async function removeOldRowsOfCompanies(): Promise<void> {
  for await (const companyId of companyIds()) {
    await inBatches((most) =>
      withTenant(companyId, () =>
        execute(
          `DELETE FROM core.idempotency_keys WHERE scope IN (
             SELECT scope FROM core.idempotency_keys WHERE expires_at < now() LIMIT $1)`,
          [most],
        ),
      ),
    );
    // As long as Temporal may still be asked to start one of them again, the mark is kept.
    await inBatches((most) =>
      withSystem('relay', () =>
        execute(
          `DELETE FROM core.outbox WHERE company_id = $1 AND id IN (
             SELECT id FROM core.outbox
             WHERE company_id = $1 AND created_at < now() - interval '90 days'
               AND dispatched_at < now() - interval '90 days' LIMIT $2)`,
          [companyId, most],
        ),
      ),
    );
    await inBatches((most) =>
      withSystem('relay', () =>
        execute(
          `DELETE FROM core.webhook_deliveries WHERE company_id = $1 AND id IN (
             SELECT id FROM core.webhook_deliveries
             WHERE company_id = $1 AND status <> 'queued'
               AND coalesce(last_attempt_at, created_at) < now() - interval '90 days' LIMIT $2)`,
          [companyId, most],
        ),
      ),
    );
  }
}

/** Removes until a batch is not full; none takes long enough to be in anybody's way. */
async function inBatches(remove: (most: number) => Promise<number>, most = 5000): Promise<void> {
  let removed = most;
  while (removed >= most) {
    removed = await remove(most);
    heartbeat();
  }
}

/** What a company's administrators hear of once a week. */
interface Unrenewed {
  readonly endingSoon: number;
  readonly expired: number;
  /** Covered for now, with a premium overdue. */
  readonly inGrace: number;
  /** Those that can still be reinstated. */
  readonly lapsed: number;
}

/** Claims of which a deadline was missed so long ago that the last rung of its ladder was climbed. */
async function lateClaims(): Promise<number> {
  const [late] = await select<{ count: number }>(
    `SELECT count(*)::integer AS count FROM claims c
     WHERE c.workflow_closed_at IS NULL AND c.archived_at IS NULL AND c.sla_status = 'breached'
       AND EXISTS (
         SELECT 1 FROM core.timers t
           JOIN unnest($1::text[], $2::text[], $3::text[]) AS r (status, clock, rung)
             ON r.status = c.status AND r.rung = t.name
         WHERE t.company_id = c.company_id AND t.entity_id = c.id AND t.status = 'fired'
           AND NOT EXISTS (SELECT 1 FROM core.timers again
             WHERE again.company_id = c.company_id AND again.entity_id = c.id
               AND again.name = r.clock AND again.occurrence > t.occurrence))`,
    [
      lastRungs.map(({ status }) => status),
      lastRungs.map(({ clock }) => clock),
      lastRungs.map(({ rung }) => rung),
    ],
  );
  return late?.count ?? 0;
}

/**
 * One mail to each tenant admin of a company that has something to tell; where claims are late, to each
 * compliance manager too.
 */
const digest = (companyId: string, week: string): Promise<void> =>
  withTenant(companyId, async () => {
    const key = `company/${companyId}/renewal_digest/${week}`;
    const [facts] = await select<Unrenewed & { readonly isTold: boolean }>(
      `SELECT
         count(*) FILTER (WHERE status IN ('active', 'grace') AND NOT auto_renew
           AND end_date BETWEEN $1::date AND $1::date + 14)::integer AS "endingSoon",
         count(*) FILTER (WHERE status = 'expired'
           AND end_date BETWEEN $1::date - 7 AND $1::date)::integer AS expired,
         count(*) FILTER (WHERE status = 'grace')::integer AS "inGrace",
         count(*) FILTER (WHERE status = 'lapsed')::integer AS lapsed,
         EXISTS (SELECT 1 FROM core.notifications
           WHERE entity_id = $2 AND event_key = $3) AS "isTold"
       FROM policy_subscriptions
       WHERE archived_at IS NULL AND (status IN ('grace', 'lapsed')
         OR end_date BETWEEN $1::date - 7 AND $1::date + 14)`,
      [week, companyId, key],
    );
    if (!facts || facts.isTold) return;
    const { isTold: _, ...renewals } = facts;
    const overdueClaims = await lateClaims();
    const payload = { ...renewals, overdueClaims };
    if (Object.values(payload).every((count) => count === 0)) return;
    const concerned: readonly Role[] =
      overdueClaims > 0 ? ['tenant_admin', 'compliance_manager'] : ['tenant_admin'];
    for (const userId of await holdersOf(concerned)) {
      queueMail({ companyId, to: { userId }, template: 'renewal_digest', payload, key });
    }
  });

/** @param from the one to begin with, where an earlier try came so far */
export async function* companyIds(from?: string): AsyncGenerator<string> {
  if (from !== undefined) yield from;
  let after = from ?? '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const page = await withGlobal(() =>
      select<{ id: string }>(
        `SELECT id FROM platform.companies WHERE id > $1 AND archived_at IS NULL ORDER BY id LIMIT $2`,
        [after, pageSize],
      ),
    );
    for (const { id } of page) yield id;
    const last = page.at(-1);
    if (!last) return;
    after = last.id;
  }
}

/** Those whose workflow should be open, apart from the very new and those whose start is still owed. */
async function openEntities(after: string): Promise<{ id: string; workflowId: string }[]> {
  const rows = await select<{ id: string; companyId: string; kind: keyof typeof workflowIds }>(
    `SELECT e.id, e.company_id AS "companyId", e.kind FROM (
       SELECT company_id, id, created_at AS since, 'subscription' AS kind
       FROM policy_subscriptions WHERE workflow_closed_at IS NULL
       UNION ALL
       SELECT company_id, id, created_at, 'claim' FROM claims WHERE workflow_closed_at IS NULL
       UNION ALL
       SELECT company_id, id, created_at, 'version'
       FROM compliance_policy_versions WHERE workflow_closed_at IS NULL
       UNION ALL
       SELECT p.company_id, p.id, p.updated_at, 'keeper'
       FROM compliance_policies p WHERE ${isKept}
       UNION ALL
       SELECT company_id, id, created_at, 'payment'
       FROM payments WHERE workflow_closed_at IS NULL
       UNION ALL
       SELECT company_id, id, created_at, 'booking'
       FROM bookings WHERE workflow_closed_at IS NULL
       UNION ALL
       SELECT company_id, id, created_at, 'registration'
       FROM core.registration_requests WHERE workflow_closed_at IS NULL
       UNION ALL
       SELECT company_id, id, updated_at, 'report'
       FROM reports WHERE workflow_closed_at IS NULL
       UNION ALL
       SELECT company_id, id, created_at, 'bulk'
       FROM core.bulk_operations WHERE workflow_closed_at IS NULL) AS e
     WHERE e.since < now() - interval '2 minutes' AND e.id > $1
       AND NOT EXISTS (SELECT 1 FROM core.outbox AS o
         WHERE o.company_id = e.company_id AND o.entity_id = e.id
           AND o.dispatched_at IS NULL AND o.parked_at IS NULL)
     ORDER BY e.id LIMIT $2`,
    [after || '00000000-0000-0000-0000-000000000000', pageSize],
  );
  return rows.map(({ id, companyId, kind }) => ({
    id,
    workflowId: workflowIds[kind](companyId, id),
  }));
}

const workflowIds = {
  subscription: subscriptionWorkflowId,
  claim: claimWorkflowId,
  version: policyApprovalWorkflowId,
  keeper: acknowledgementWorkflowId,
  payment: paymentWorkflowId,
  booking: bookingWorkflowId,
  registration: (_companyId: string, id: string) => onboardingWorkflowId(id),
  report: reportWorkflowId,
  bulk: bulkWorkflowId,
} as const;

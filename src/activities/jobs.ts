import { activityInfo, heartbeat } from '@temporalio/activity';
import {
  flush,
  execute,
  select,
  withGlobal,
  withIdentity,
  withSystem,
  withTenant,
} from '../models/database.ts';
import { retireAuditMonth } from '../models/auditRetention.ts';
import { queueMail } from '../models/mail.ts';
import { isHeld } from '../models/Membership.ts';
import { OutboxEntry } from '../models/OutboxEntry.ts';
import { Notification } from '../models/Notification.ts';
import { onboardingStart, onboardingStateOf } from '../models/onboardingStart.ts';
import { PolicySubscription } from '../models/PolicySubscription.ts';
import { RegistrationRequest } from '../models/RegistrationRequest.ts';
import { stateOf, subscriptionStart } from '../models/subscriptionStart.ts';
import { onboardingWorkflowId, subscriptionWorkflowId } from '../rules/workflowIds.ts';

/** Which of these workflows are open; asks Temporal's visibility, which lags by a second or so. */
export type OpenWorkflows = (workflowIds: readonly string[]) => Promise<ReadonlySet<string>>;

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
          await withTenant(companyId, () => promiseAgain(missing.map(({ id }) => id)));
          restored += missing.length;
        }
        heartbeat({ companyId, after, restored });
      }
    }
    return { restored };
  },

  /**
   * Safe to repeat: a digest is keyed by company and week.
   * @param order.week the day it is about, as a calendar date
   */
  async sendDigests({ week }: { readonly week: string }): Promise<void> {
    for await (const companyId of companyIds()) {
      await digest(companyId, week);
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
      removeOldRowsOfCompanies,
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
  }
}

/** Removes until a batch is not full; none takes long enough to be in anybody's way. */
async function inBatches(remove: (most: number) => Promise<number>): Promise<void> {
  const most = 5000;
  let removed = most;
  while (removed >= most) {
    removed = await remove(most);
    heartbeat();
  }
}

/** One mail to each tenant admin of a company that has something to tell. */
const digest = (companyId: string, week: string): Promise<void> =>
  withTenant(companyId, async () => {
    const key = `company/${companyId}/renewal_digest/${week}`;
    const [facts] = await select<{ endingSoon: number; expired: number; isTold: boolean }>(
      `SELECT
         count(*) FILTER (WHERE status = 'active' AND NOT auto_renew
           AND end_date BETWEEN $1::date AND $1::date + 14)::integer AS "endingSoon",
         count(*) FILTER (WHERE status = 'expired'
           AND end_date BETWEEN $1::date - 7 AND $1::date)::integer AS expired,
         EXISTS (SELECT 1 FROM core.notifications WHERE starts_with(dedupe_key, $2)) AS "isTold"
       FROM policy_subscriptions
       WHERE end_date BETWEEN $1::date - 7 AND $1::date + 14`,
      [week, key],
    );
    if (!facts || facts.isTold || facts.endingSoon + facts.expired === 0) return;
    const admins = await select<{ userId: string }>(
      `SELECT m.user_id AS "userId" FROM platform.memberships m
         JOIN platform.users u ON u.id = m.user_id
       WHERE m.role = 'tenant_admin' AND ${isHeld('m')} AND u.is_active
       ORDER BY m.user_id LIMIT 200`,
    );
    const { endingSoon, expired } = facts;
    for (const { userId } of admins) {
      const payload = { endingSoon, expired };
      queueMail({ companyId, to: { userId }, template: 'renewal_digest', payload, key });
    }
  });

/** @param from the one to begin with, where an earlier try came so far */
async function* companyIds(from?: string): AsyncGenerator<string> {
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
  const rows = await select<{ id: string; companyId: string; isRegistration: boolean }>(
    `SELECT e.id, e.company_id AS "companyId", e.is_registration AS "isRegistration" FROM (
       SELECT company_id, id, created_at, false AS is_registration
       FROM policy_subscriptions WHERE workflow_closed_at IS NULL
       UNION ALL
       SELECT company_id, id, created_at, true
       FROM core.registration_requests WHERE workflow_closed_at IS NULL) AS e
     WHERE e.created_at < now() - interval '2 minutes' AND e.id > $1
       AND NOT EXISTS (SELECT 1 FROM core.outbox AS o
         WHERE o.company_id = e.company_id AND o.entity_id = e.id
           AND o.dispatched_at IS NULL AND o.parked_at IS NULL)
     ORDER BY e.id LIMIT $2`,
    [after || '00000000-0000-0000-0000-000000000000', pageSize],
  );
  return rows.map(({ id, companyId, isRegistration }) => ({
    id,
    workflowId: isRegistration ? onboardingWorkflowId(id) : subscriptionWorkflowId(companyId, id),
  }));
}

async function promiseAgain(ids: readonly string[]): Promise<void> {
  const where = { id: [...ids], workflowClosedAt: null };
  for (const subscription of await PolicySubscription.findAll({ where })) {
    const unsent = await Notification.unsentAbout(subscription.id);
    const start = subscriptionStart(subscription, await stateOf(subscription), unsent);
    OutboxEntry.promise({ ...start, isRestart: true });
  }
  for (const registration of await RegistrationRequest.findAll({ where })) {
    const unsent = await Notification.unsentAbout(registration.id);
    const start = onboardingStart(registration, await onboardingStateOf(registration), unsent);
    OutboxEntry.promise({ ...start, isRestart: true });
  }
  await flush();
}

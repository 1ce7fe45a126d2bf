import { setTimeout } from 'node:timers/promises';
import { createLinks } from '../../src/models/secretLinks.ts';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { createActivities } from '../../src/activities/index.ts';
import { settleBatch } from '../../src/models/acknowledging.ts';
import { withTenant } from '../../src/models/database.ts';
import { watchedPolicy } from '../../src/models/watchedPolicy.ts';
import {
  bulkWorkflowId,
  claimWorkflowId,
  subscriptionWorkflowId,
} from '../../src/rules/workflowIds.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { execute, platformCompanyId, withSystem } from '../../src/models/database.ts';
import { createReports } from '../../src/commands/reports.ts';
import { hire } from '../support/acknowledgements.ts';
import { as, buildActor, buildCompany, buildSubscription, once } from '../support/build.ts';
import { buildClaimRow } from '../support/claimRows.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { ledgerOf } from '../support/ledger.ts';
import { buildPolicyRow } from '../support/policyRows.ts';
import { reportSchedulesInMemory } from '../support/reportSchedules.ts';
import { noClosedRuns } from '../support/closedRuns.ts';
import { noTroubledRuns } from '../support/troubledRuns.ts';
import { noDocuments } from '../support/documents.ts';
import { buildListening, noWebhooks } from '../support/webhooks.ts';

const noId = '00000000-0000-0000-0000-000000000000';

const unshown = { stateVersion: undefined, dueAt: undefined };

describe('the periodic jobs', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
    // The login of the tests is the API's, and workers alone retire the audit.
    await database.sql('GRANT EXECUTE ON FUNCTION app.retire_audit_month() TO app_api');
  });

  afterAll(() => database.close());

  const activitiesWith = (open: readonly string[] = []) =>
    createActivities({
      sendMail: () => Promise.resolve(),
      mailsPerSecond: 1000,
      links: createLinks({
        publicUrl: 'http://127.0.0.1:3000',
        secretKey: 'a secret of the tests',
      }),
      allowedHosts: [],
      platformDomain: undefined,
      documents: noDocuments(),
      webhooks: noWebhooks(),
      closedRuns: noClosedRuns(),
      troubledRuns: noTroubledRuns(),
      replayRun: () => Promise.resolve(undefined),
      openWorkflows: async (ids) =>
        new Map(ids.filter((id) => open.includes(id)).map((id) => [id, unshown])),
      reportSchedules: reportSchedulesInMemory(),
      operateRun: () => Promise.reject(new Error('No run here')),
      answerRequest: () => Promise.resolve(),
    });

  const inJob = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);

  /** A sale of some minutes ago whose start was dispatched. */
  async function buildOldSale(companyId?: string) {
    const sold = await buildSubscription(companyId ? { companyId } : {});
    await database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [
      sold.id,
    ]);
    await database.sql(
      `UPDATE shared.policy_subscriptions SET created_at = now() - interval '5 minutes' WHERE id = $1`,
      [sold.id],
    );
    return sold;
  }

  const owed = (entityId: string) =>
    database.sql<{ is_restart: boolean }>(
      'SELECT is_restart FROM core.outbox WHERE entity_id = $1 AND dispatched_at IS NULL',
      [entityId],
    );

  it('restoreWorkflows promises the run of a generation that nobody carries out', async () => {
    const author = await buildActor({
      companyId: (await buildCompany()).id,
      role: 'tenant_admin',
    });
    const wish = { name: 'All', reportType: 'sla_breaches', filters: {}, format: 'csv' } as const;
    const made = await as(author, () =>
      createReports({ dispatcher: { dispatch: () => undefined } }).create(
        author,
        wish,
        once(author),
      ),
    );
    if (made instanceof Replay) throw new Error('A first request is no replay');
    const { id } = made.report;
    await database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [id]);
    await database.sql(
      `UPDATE shared.reports SET updated_at = now() - interval '5 minutes' WHERE id = $1`,
      [id],
    );

    await inJob(() => activitiesWith([made.workflow.id]).restoreWorkflows());
    const whileOpen = await owed(id);
    await inJob(() => activitiesWith().restoreWorkflows());

    expect(whileOpen).toEqual([]);
    expect(await owed(id)).toEqual([{ is_restart: true }]);
  });

  it('restoreWorkflows promises the run of an operation on many runs that has not ended', async () => {
    const { id: companyId } = await buildCompany();
    const id = uuid();
    await database.sql(
      `INSERT INTO core.bulk_operations (company_id, id, action, filter, reason, per_second, asker,
         created_at)
       VALUES ($1, $2, 'signal', '{}', 'Tried out', 5, '{}', now() - interval '5 minutes')`,
      [companyId, id],
    );

    await inJob(() => activitiesWith([bulkWorkflowId(companyId, id)]).restoreWorkflows());
    const whileOpen = await owed(id);
    await inJob(() => activitiesWith().restoreWorkflows());

    expect(whileOpen).toEqual([]);
    expect(await owed(id)).toEqual([{ is_restart: true }]);
  });

  it('restoreWorkflows promises a missing workflow once, as a restart from the row', async () => {
    const { id, companyId } = await buildOldSale();

    await inJob(() => activitiesWith().restoreWorkflows());
    const afterOnce = await ledgerOf(database, companyId);
    const second = await inJob(() => activitiesWith().restoreWorkflows());

    expect(second).toEqual({ restored: 0 });
    expect(await owed(id)).toEqual([{ is_restart: true }]);
    expect(await ledgerOf(database, companyId)).toEqual(afterOnce);
  });

  it('restoreWorkflows reads what belongs to many of them as it does for one', async () => {
    const read = async (): Promise<number> => {
      const statements = await database.statementsOf(() =>
        inJob(() => activitiesWith().restoreWorkflows()),
      );
      const manyTold = /notifications|"timers"|"premium_invoices"|s\.status = 'superseded'/;
      return statements.filter((sql) => manyTold.test(sql)).length;
    };
    await read();
    const { companyId, holder } = await buildOldSale();
    const forOne = await read();
    const sales = [await buildOldSale(companyId), await buildOldSale(companyId)];
    const { claim } = await buildClaimRow({
      companyId,
      createdAt: new Date(Date.now() - 300_000),
    });

    const authors = [holder.userId];
    const at = { createdAt: new Date(Date.now() - 300_000), status: 'published' } as const;
    const policies = [
      await buildPolicyRow({ companyId, authors, ...at }),
      await buildPolicyRow({ companyId, authors, title: 'Passwords', ...at }),
    ];

    const forMany = await read();

    expect(forMany).toBe(forOne);
    const versions = policies.map(({ versionId }) => ({ id: versionId }));
    for (const { id } of [...sales, claim, ...versions]) {
      expect(await owed(id)).toEqual([{ is_restart: true }]);
    }
  });

  it('restoreWorkflows promises the keeper of a policy as long as somebody stands with it', async () => {
    const { id: companyId } = await buildCompany();
    const at = { companyId, authors: [], status: 'published' } as const;
    const { policyId } = await buildPolicyRow(at);
    await hire(companyId, 1);
    await withTenant(companyId, async () =>
      settleBatch(await watchedPolicy(policyId, new Date()), noId),
    );
    await database.sql(
      `UPDATE shared.compliance_policies SET policy_version = 0, reack_version = 0,
         updated_at = now() - interval '5 minutes' WHERE id = $1`,
      [policyId],
    );
    const restored = async (): Promise<number> => {
      await inJob(() => activitiesWith().restoreWorkflows());
      const { length } = await owed(policyId);
      await database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [
        policyId,
      ]);
      return length;
    };

    const whileAsked = await restored();
    await database.sql(
      `UPDATE shared.acknowledgements SET status = 'cancelled', is_current = false,
         next_action = NULL, next_action_at = NULL WHERE company_id = $1`,
      [companyId],
    );
    const whileMail = await restored();
    await database.sql(`UPDATE core.notifications SET status = 'sent' WHERE company_id = $1`, [
      companyId,
    ]);

    expect([whileAsked, whileMail, await restored()]).toEqual([1, 1, 0]);
  });

  it('restoreWorkflows leaves alone what is open, closed, new or still owed', async () => {
    const open = await buildOldSale();
    const closed = await buildOldSale();
    const fresh = await buildSubscription();
    await database.sql(
      'UPDATE shared.policy_subscriptions SET workflow_closed_at = now() WHERE id = $1',
      [closed.id],
    );

    await inJob(() =>
      activitiesWith([subscriptionWorkflowId(open.companyId, open.id)]).restoreWorkflows(),
    );

    expect(await owed(open.id)).toEqual([]);
    expect(await owed(closed.id)).toEqual([]);
    expect(await owed(fresh.id)).toEqual([{ is_restart: false }]);
  });

  /** Somebody who is asked to read a document. */
  async function buildAsked() {
    const { id: companyId } = await buildCompany();
    const manager = await buildActor({ companyId, role: 'compliance_manager' });
    const authors = [manager.userId];
    const { policyId } = await buildPolicyRow({ companyId, authors, status: 'published' });
    await hire(companyId, 1);
    await withTenant(companyId, async () =>
      settleBatch(
        await watchedPolicy(policyId, new Date()),
        '00000000-0000-0000-0000-000000000000',
      ),
    );
    return { companyId, manager };
  }

  const digestsOf = (companyId: string) =>
    database.sql(
      `SELECT payload FROM core.notifications
       WHERE company_id = $1 AND template_code = 'renewal_digest'`,
      [companyId],
    );

  it('sendDigests tells each tenant admin once a week', async () => {
    const company = await buildCompany();
    await buildActor({ companyId: company.id, role: 'tenant_admin' });
    const { id } = await buildSubscription({ companyId: company.id });
    await database.sql(
      `UPDATE shared.policy_subscriptions
       SET start_date = '2026-01-01', end_date = '2027-01-10' WHERE id = $1`,
      [id],
    );

    await inJob(() => activitiesWith().sendDigests({ week: '2027-01-04' }));
    const afterOnce = await ledgerOf(database, company.id);
    await inJob(() => activitiesWith().sendDigests({ week: '2027-01-04' }));

    expect(await ledgerOf(database, company.id)).toEqual(afterOnce);
    expect(await digestsOf(company.id)).toEqual([
      { payload: { endingSoon: 1, expired: 0, inGrace: 0, lapsed: 0, overdueClaims: 0 } },
    ]);
  });

  it('sendDigests counts what is in its grace and what has lapsed, whenever it ends', async () => {
    const company = await buildCompany();
    await buildActor({ companyId: company.id, role: 'tenant_admin' });
    for (const status of ['grace', 'lapsed', 'lapsed', 'active']) {
      const { id } = await buildSubscription({ companyId: company.id });
      await database.sql(
        `UPDATE shared.policy_subscriptions
         SET status = '${status}', start_date = '2026-07-01', end_date = '2027-07-01' WHERE id = $1`,
        [id],
      );
    }

    await inJob(() => activitiesWith().sendDigests({ week: '2027-01-04' }));

    expect(await digestsOf(company.id)).toEqual([
      { payload: { endingSoon: 0, expired: 0, inGrace: 1, lapsed: 2, overdueClaims: 0 } },
    ]);
  });

  it('sendDigests tells compliance managers too of claims that the whole ladder has not moved', async () => {
    const { id: companyId } = await buildCompany();
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    const compliance = await buildActor({ companyId, role: 'compliance_manager' });
    /** Its triage was missed, so long ago; then it may have been assigned, or set anew. */
    const missed = async (status: 'reported' | 'assigned', isSetAnew = false): Promise<void> => {
      const { claim } = await buildClaimRow({ companyId, status });
      await database.sql(`UPDATE shared.claims SET sla_status = 'breached' WHERE id = $1`, [
        claim.id,
      ]);
      await database.sql(
        `INSERT INTO core.timers (company_id, id, workflow_id, entity_type, entity_id, occurrence,
           name, due_at, original_due_at, source, status, fired_at)
         SELECT $1::uuid, gen_random_uuid(), $4::text, 'claim', $2::uuid, n, name, now(), now(),
           'setting', status, now()
         FROM (VALUES (1, 'triage', 'fired'), (2, 'triage_admin', 'fired'),
           (3, 'triage', 'scheduled')) AS t (n, name, status) WHERE n < 3 OR $3::boolean`,
        [companyId, claim.id, isSetAnew, claimWorkflowId(companyId, claim.id)],
      );
    };
    await missed('reported');
    await missed('assigned');
    await missed('reported', true);

    await inJob(() => activitiesWith().sendDigests({ week: '2027-01-04' }));

    const digests = await database.sql<{ to: string; late: number }>(
      `SELECT recipient_user_id AS to, (payload->>'overdueClaims')::integer AS late
       FROM core.notifications WHERE company_id = $1 AND template_code = 'renewal_digest'`,
      [companyId],
    );
    expect(digests.map(({ late }) => late)).toEqual([1, 1]);
    expect(digests.map(({ to }) => to).toSorted()).toEqual(
      [admin.userId, compliance.userId].toSorted(),
    );
  });

  it('sendDigests tells compliance managers who has not answered in time', async () => {
    const { companyId, manager } = await buildAsked();
    await database.sql(
      `UPDATE shared.acknowledgements SET due_date = '2027-01-01' WHERE company_id = $1`,
      [companyId],
    );

    await inJob(() => activitiesWith().sendDigests({ week: '2027-01-04' }));

    expect(
      await database.sql(
        `SELECT recipient_user_id AS "to" FROM core.notifications
         WHERE company_id = $1 AND template_code = 'compliance_digest'`,
        [companyId],
      ),
    ).toEqual([{ to: manager.userId }]);
  });

  it('keepHouse puts kept counts right', async () => {
    const { companyId } = await buildAsked();
    await database.sql('UPDATE shared.compliance_counts SET pending = 9 WHERE company_id = $1', [
      companyId,
    ]);

    await inJob(() => activitiesWith().keepHouse());

    expect(
      await database.sql('SELECT pending FROM shared.compliance_counts WHERE company_id = $1', [
        companyId,
      ]),
    ).toEqual([{ pending: 1 }]);
  });

  it('keepHouse removes expired keys and keeps the others, however often it runs', async () => {
    const { id: companyId } = await buildCompany();
    await database.sql(
      `INSERT INTO core.idempotency_keys (company_id, scope, body_hash, expires_at)
       VALUES ($1, 'old', 'h', now() - interval '1 second'), ($1, 'young', 'h', now() + interval '1 day')`,
      [companyId],
    );

    await inJob(() => activitiesWith().keepHouse());
    await inJob(() => activitiesWith().keepHouse());

    const kept = await database.sql(
      'SELECT scope FROM core.idempotency_keys WHERE company_id = $1',
      [companyId],
    );
    expect(kept).toEqual([{ scope: 'young' }]);
  });

  it('keepHouse ends claims of domains that nobody verified within 14 days', async () => {
    const { id: companyId } = await buildCompany();
    await database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, verified_at, created_at)
       SELECT gen_random_uuid(), $1::uuid, name || right($1::uuid::text, 8) || '.example', verified, made
       FROM (VALUES ('young', NULL::timestamptz, now() - interval '13 days'),
         ('old', NULL, now() - interval '15 days'), ('good', now(), now() - interval '15 days'))
         AS d (name, verified, made)`,
      [companyId],
    );

    await inJob(() => activitiesWith().keepHouse());
    await inJob(() => activitiesWith().keepHouse());

    const kept = await database.sql<{ name: string }>(
      'SELECT left(domain, 4) AS name FROM platform.domains WHERE company_id = $1 ORDER BY 1',
      [companyId],
    );
    const ended = await database.sql<{ domain: string }>(
      `SELECT before ->> 'domain' AS domain FROM core.audit_logs
       WHERE company_id = $1 AND entity_type = 'domain' AND action = 'DELETE'`,
      [companyId],
    );
    expect(kept.map(({ name }) => name)).toEqual(['good', 'youn']);
    expect(ended.map(({ domain }) => domain)).toEqual([expect.stringMatching(/^old/)]);
  });

  it('keepHouse forgets who applied in vain when the time for that is over', async () => {
    const applied = await database.sql<{ id: string; name: string }>(
      `INSERT INTO core.registration_requests (company_id, id, company_name, business_type, contact_email,
         admin_email, admin_username, default_currency, subscription_plan, status, expires_at,
         new_company_id, workflow_closed_at)
       SELECT $1, gen_random_uuid(), name, 'home', 'ada@a.example', 'ada@a.example', 'ada', 'EUR', 'free',
         status, now(), gen_random_uuid(), ended
       FROM (VALUES ('young', 'rejected', now() - interval '179 days'),
         ('old', 'rejected', now() - interval '181 days'),
         ('old and expired', 'expired', now() - interval '181 days'),
         ('company', 'active', now() - interval '181 days')) AS r (name, status, ended)
       RETURNING id, company_name AS name`,
      [platformCompanyId],
    );

    await inJob(() => activitiesWith().keepHouse());
    await inJob(() => activitiesWith().keepHouse());

    const ids = applied.map(({ id }) => id);
    const forgotten = await database.sql<{ name: string }>(
      `SELECT company_name AS name FROM core.registration_requests
       WHERE id = ANY ($1) AND admin_email = 'erased-' || id || '@erased.invalid'
         AND contact_email = admin_email AND admin_username LIKE 'erased-%'
       ORDER BY 1`,
      [ids],
    );
    const told = await database.sql(
      `SELECT after FROM core.audit_logs WHERE entity_id = ANY ($1) AND action = 'ERASE'`,
      [ids],
    );
    expect(forgotten.map(({ name }) => name)).toEqual(['old', 'old and expired']);
    const reason = 'Declined more than 180 days ago';
    expect(told).toEqual([{ after: { reason } }, { after: { reason } }]);
  });

  it('keepHouse leaves a claim that is verified at that moment', async () => {
    const { id: companyId } = await buildCompany();
    await database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, created_at)
       VALUES (gen_random_uuid(), $1::uuid, $1::text || '.example', now() - interval '15 days')`,
      [companyId],
    );
    const isWaitedFor = async () =>
      (
        await database.sql(
          `SELECT 1 FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid`,
        )
      ).length > 0;

    await database.sql('BEGIN');
    await database.sql('UPDATE platform.domains SET verified_at = now() WHERE company_id = $1', [
      companyId,
    ]);
    const house = inJob(() => activitiesWith().keepHouse());
    while (!(await isWaitedFor())) await setTimeout(20);
    await database.sql('COMMIT');
    await house;

    const kept = await database.sql('SELECT 1 FROM platform.domains WHERE company_id = $1', [
      companyId,
    ]);
    expect(kept).toHaveLength(1);
  });

  it('keepHouse removes what was dispatched 90 days ago, and nothing that is still owed', async () => {
    const { id: companyId } = await buildCompany();
    await database.sql(
      `INSERT INTO core.outbox (company_id, id, entity_type, entity_id, workflow_type, workflow_id,
         input, created_at, not_before, dispatched_at)
       SELECT $1, gen_random_uuid(), 'x', gen_random_uuid(), 'x', coalesce(age, 'owed'), '{}',
         now() - interval '91 days', now(), now() - age::interval
       FROM unnest(ARRAY['91 days', '89 days', NULL]) AS age`,
      [companyId],
    );

    await inJob(() => activitiesWith().keepHouse());

    const kept = await database.sql<{ workflow_id: string }>(
      'SELECT workflow_id FROM core.outbox WHERE company_id = $1 ORDER BY workflow_id',
      [companyId],
    );
    expect(kept.map(({ workflow_id }) => workflow_id)).toEqual(['89 days', 'owed']);
  });

  it('keepHouse removes what webhooks were told or not told 90 days ago, and nothing that waits', async () => {
    const { companyId } = await buildListening();
    await database.sql(
      `INSERT INTO core.webhook_deliveries (company_id, id, endpoint_id, event, event_key, occurred_at,
         status, created_at, last_attempt_at)
       SELECT company_id, gen_random_uuid(), id, 'report_ready', status || coalesce(age, ''), now(),
         status, now() - interval '91 days', now() - age::interval
       FROM core.webhook_endpoints,
         (VALUES ('delivered', '91 days'), ('delivered', '89 days'), ('failed', '91 days'),
           ('cancelled', NULL), ('queued', '91 days'), ('queued', NULL)) AS d (status, age)
       WHERE company_id = $1`,
      [companyId],
    );

    await inJob(() => activitiesWith().keepHouse());
    await inJob(() => activitiesWith().keepHouse());
    const more = await withSystem('relay', () => execute('DELETE FROM core.webhook_deliveries'));

    const kept = await database.sql<{ event_key: string }>(
      'SELECT event_key FROM core.webhook_deliveries WHERE company_id = $1 ORDER BY event_key',
      [companyId],
    );
    expect(kept.map(({ event_key }) => event_key)).toEqual([
      'delivered89 days',
      'queued',
      'queued91 days',
    ]);
    expect(more).toBe(0);
  });
});

import { v7 as uuid } from 'uuid';
import { append, withIdentity, withTenant } from '../../src/models/database.ts';
import { AuditLog } from '../../src/models/AuditLog.ts';
import { sealBatch, sealNext } from '../../src/models/auditSeals.ts';
import { ClaimLocation } from '../../src/models/ClaimLocation.ts';
import { ClaimNote } from '../../src/models/ClaimNote.ts';
import { ClaimRecovery } from '../../src/models/ClaimRecovery.ts';
import { ClaimReserve } from '../../src/models/ClaimReserve.ts';
import { FraudFlag } from '../../src/models/FraudFlag.ts';
import { Membership } from '../../src/models/Membership.ts';
import { PolicySubscription } from '../../src/models/PolicySubscription.ts';
import { getRow } from '../../src/models/rows.ts';
import type { Company } from '../../src/models/Company.ts';
import { as, buildActor, buildCompany, buildDedicatedCompany, buildSubscription } from './build.ts';
import { buildClaimRow } from './claimRows.ts';
import type { TestDatabase } from './database.ts';

/** Separators that end a line elsewhere, quotes, and a character of two units. */
export const oddText = 'Åse "Ö\u2028\u2029\r\n\t\\ 保険 👩‍👩‍👧 \u0001';

export interface WholeCompany {
  readonly company: Company;
  /** Known to this company alone; one of whom another company keeps a policy. */
  readonly alone: string;
  readonly referredTo: string;
  /** Known to another company as well. */
  readonly shared: string;
}

/** A company with rows in every table, and values that are easily lost. */
export async function buildWholeCompany(
  database: TestDatabase,
  { isolation, neighbour }: { isolation: Company['isolation']; neighbour: Company },
): Promise<WholeCompany> {
  const settings = { subscription: { shortRate: 0.1 }, audit: { retentionYears: 3 } };
  const company =
    isolation === 'shared'
      ? await buildCompany({ settings })
      : await buildDedicatedCompany(database.sql, { settings });
  const { id } = company;
  const { holder, id: subscriptionId } = await buildSubscription({
    companyId: id,
    plan: { coverageAmount: '999999999999999999.99', premium: '12345678901234567.89' },
  });
  const admin = await buildActor({ companyId: id, role: 'tenant_admin' });
  const referred = await buildActor({ companyId: id });
  const both = await buildActor({ companyId: neighbour.id });
  await withIdentity(id, async () => {
    await Membership.create({ id: uuid(), companyId: id, userId: both.userId, role: 'auditor' });
  });
  await as(admin, () =>
    withTenant(id, async () => {
      append(AuditLog, {
        timestamp: new Date(),
        actorType: 'system',
        action: 'UPDATE',
        entityType: 'customer',
        entityId: id,
        before: { name: oddText, exact: 0.1 },
        after: { email: 'a@b.example' },
      });
    }),
  );

  const { policyId } = await withTenant(id, () => getRow(PolicySubscription, subscriptionId));
  const { claim } = await buildClaimRow({ companyId: id, policyId });
  await as(admin, () =>
    withTenant(id, async () => {
      const claimId = claim.id;
      append(ClaimNote, { claimId, authorId: admin.userId, note: oddText, isInternal: true });
      append(ClaimReserve, { claimId, category: 'loss', amount: '0.01', reason: oddText });
      append(ClaimRecovery, {
        claimId,
        kind: 'salvage',
        party: oddText,
        estimated: '999999999999999999.99',
        recovered: '0.00',
        status: 'open',
      });
      append(FraudFlag, {
        claimId,
        rule: 'manual',
        score: 60,
        evidence: { exact: 0.1 },
        state: 'open',
      });
      append(ClaimLocation, { claimId, latitude: '-0.00000001', longitude: '179.99999999' });
    }),
  );

  const key = uuid();
  const bulk = uuid();
  const customer = uuid();
  const customerCompliance = uuid();
  const evidencePack = uuid();
  const compliance = uuid();
  const template = uuid();
  const policy = uuid();
  const policyVersion = uuid();
  const employees = [uuid(), uuid()].toSorted();
  const acknowledgement = uuid();
  const campaign = uuid();
  const property = uuid();
  const booking = uuid();
  const charge = uuid();
  const endpoint = uuid();
  const hex = (length: number): string =>
    uuid().replaceAll('-', '').repeat(2).split('').toReversed().join('').slice(0, length);
  const business = isolation === 'shared' ? 'shared' : schemaOf(id);
  for (const [sql, values] of [
    [
      `INSERT INTO platform.domains (id, company_id, domain, is_primary, verified_at)
       VALUES ($1, $2, $3, true, '2026-01-02 03:04:05.123456+00')`,
      [uuid(), id, `${hex(12)}.example`],
    ],
    [
      `INSERT INTO platform.feature_flags (company_id, flag, enabled) VALUES ($1, 'claims', true)`,
      [id],
    ],
    [
      `INSERT INTO core.counters (company_id, name, slot, value) VALUES ($1, 'huge', 0, 9223372036854775807)`,
      [id],
    ],
    [
      `INSERT INTO core.calendars (company_id, id, time_zone, working_days, working_hours, created_at)
       VALUES ($1, $2, 'UTC', '[1,2]', '{"from":"09:00","to":"17:00"}', '2026-03-29 02:30:00.000001+01')`,
      [id, uuid()],
    ],
    [
      `INSERT INTO core.api_keys (company_id, id, name, prefix, key_hash, scopes, expires_at)
       VALUES ($1, $2, $4, 'surety_test_' || $3, repeat('a', 64), '["policy:read"]', now() + interval '9 days')`,
      [id, key, hex(12), oddText],
    ],
    [
      `INSERT INTO core.api_keys (company_id, id, name, prefix, key_hash, scopes, expires_at, replaces_id)
       VALUES ($1, $2, 'next', 'surety_test_' || $3, repeat('b', 64), '["policy:read"]',
         now() + interval '9 days', $4)`,
      [id, uuid(), hex(12), key],
    ],
    [
      `INSERT INTO core.invitations (company_id, id, email, role, token_hash, status, expires_at)
       VALUES ($1, $2, 'new@example.com', 'auditor', $3, 'pending', now() + interval '9 days')`,
      [id, uuid(), hex(40)],
    ],
    [
      `INSERT INTO core.workflow_drifts (company_id, id, kind, entity_id, workflow_id, finding, details,
         found_at, seen_at)
       VALUES ($1, $2, 'claim', $2, 'claim/1', 'missing', '{}', now(), now())`,
      [id, uuid()],
    ],
    [
      `INSERT INTO core.bulk_operations (company_id, id, action, filter, reason, per_second, asker)
       VALUES ($1, $2, 'signal', '{"type":"claim"}', $3, 5, '{"type":"user"}')`,
      [id, bulk, oddText],
    ],
    [
      `INSERT INTO core.bulk_items (company_id, id, bulk_id, kind, entity_id, tries)
       VALUES ($1, $2, $3, 'claim', $2, 1)`,
      [id, uuid(), bulk],
    ],
    [
      `INSERT INTO core.alert_rules (company_id, id, kind, minutes, channels, roles)
       VALUES ($1, $2, 'timers_overdue', 7, '["in_app"]', '["operator"]')`,
      [id, uuid()],
    ],
    [
      `INSERT INTO core.notification_preferences (company_id, id, user_id, muted)
       VALUES ($1, $2, $3, '{"email":["report_ready"],"in_app":[]}')`,
      [id, uuid(), admin.userId],
    ],
    [
      `INSERT INTO core.notification_templates (company_id, id, code, subject, body)
       VALUES ($1, $2, 'report_ready', 'Here it is', $3)`,
      [id, uuid(), oddText],
    ],
    [
      `INSERT INTO core.webhook_endpoints (company_id, id, url, events, secret_sealed)
       VALUES ($1, $2, 'https://hooks.example', '["report_ready"]', $3)`,
      [id, endpoint, hex(40)],
    ],
    [
      `INSERT INTO core.webhook_deliveries (company_id, id, endpoint_id, event, event_key, occurred_at,
         status, last_status)
       VALUES ($1, $2, $3, 'report_ready', 'report/1/ready/1', now(), 'failed', 503)`,
      [id, uuid(), endpoint],
    ],
    [
      `INSERT INTO core.alerts (company_id, id, kind, subject, since, raised_at, seen_at, reason)
       VALUES ($1, $2, 'drift', 'claim/1', now(), now(), now(), $3)`,
      [id, uuid(), oddText],
    ],
    [
      `INSERT INTO core.retried_steps (company_id, workflow_id, step, since, noted_at)
       VALUES ($1, 'claim/1', 'moveClaim', now(), now())`,
      [id],
    ],
    [
      `INSERT INTO core.idempotency_keys (company_id, scope, body_hash, expires_at)
       VALUES ($1, 'once', 'x', now() + interval '1 day')`,
      [id],
    ],
    [
      `INSERT INTO platform.refresh_tokens (id, company_id, user_id, family_id, token_hash, expires_at)
       VALUES ($1, $2, $3, $1, $4, now() + interval '1 day')`,
      [uuid(), id, admin.userId, hex(40)],
    ],
    [
      `INSERT INTO platform.password_reset_tokens (id, user_id, code_hash, expires_at)
       VALUES ($1, $2, $3, now())`,
      [uuid(), admin.userId, hex(40)],
    ],
    [
      `UPDATE platform.users SET password_hash = '$argon2id$x', first_name = $2,
         mfa_recovery_hashes = ARRAY['a,b', '"c"', 'NULL'] WHERE id = $1`,
      [admin.userId, oddText],
    ],
    [
      `UPDATE platform.memberships SET valid_to = 'infinity', delegate_user_id = $2,
         delegate_until = '2026-01-02 03:04:05.654321+00' WHERE company_id = $3 AND user_id = $1`,
      [admin.userId, holder.userId, id],
    ],
    [
      `INSERT INTO ${business}.customers (company_id, id, name) VALUES ($1, $2, $3)`,
      [id, customer, oddText],
    ],
    [
      `INSERT INTO ${business}.compliances (company_id, id, compliance_type, compliance_title, requirements)
       VALUES ($1, $2, 'infosec', $3, '[{"code":"A.5.1","text":"Åse"}]')`,
      [id, compliance, oddText],
    ],
    [
      `INSERT INTO ${business}.customer_compliances (company_id, id, customer_id, compliance_id,
         compliance_percentage, compliance_updated)
       VALUES ($1, $2, $3, $4, 33.33, '2026-01-02 03:04:05.123456+00')`,
      [id, customerCompliance, customer, compliance],
    ],
    [
      `INSERT INTO ${business}.templates (company_id, id, name, version_number, is_latest)
       VALUES ($1, $2, $3, 1, true)`,
      [id, template, oddText],
    ],
    [
      `INSERT INTO ${business}.compliance_policies (company_id, id, type, title, template_id, owner_id)
       VALUES ($1, $2, 'default', $3, $4, $5)`,
      [id, policy, oddText, template, admin.userId],
    ],
    [
      `INSERT INTO ${business}.compliance_policy_versions (company_id, id, policy_id, number, major, minor,
         content, content_sha256, requires_reack, quiz, authors, submitted_at)
       VALUES ($1, $2, $3, 1, 1, 0, $4, repeat('a', 64), true,
         '[{"question":"Åse?","options":["a","b"],"correct":1}]', jsonb_build_array($5::text),
         '2026-01-02 03:04:05.123456+00')`,
      [id, policyVersion, policy, oddText, admin.userId],
    ],
    [
      `INSERT INTO ${business}.approval_steps (company_id, id, version_id, round, approver_id, state,
         reason, decided_at)
       VALUES ($1, $2, $3, 1, $4, 'voided', $5, '2026-01-02 03:04:05.123456+00')`,
      [id, uuid(), policyVersion, admin.userId, oddText],
    ],
    [
      `INSERT INTO ${business}.policy_configurations (company_id, id, policy_id, key, value)
       VALUES ($1, $2, $3, 'vulnerability_sla', $4)`,
      [id, uuid(), policy, oddText],
    ],
    [
      // The manager comes after whoever reports to them, in a file too.
      `INSERT INTO ${business}.employees (company_id, id, customer_id, name, email, manager_id, join_date)
       VALUES ($1, $2, $4, $5, 'a@b.example', $3, '2026-01-02'),
         ($1, $3, $4, $5, 'c@d.example', NULL, '2026-01-02')`,
      [id, ...employees, customer, oddText],
    ],
    [
      `INSERT INTO ${business}.campaigns (company_id, id, policy_id, name, audience_customer_id,
         audience_role, due_days, settings, status, ended_at)
       VALUES ($1, $2, $3, $5, $4, $5, 14, '{"remindBefore": [5, 1]}', 'done',
         '2026-01-02 03:04:05.123456+00')`,
      [id, campaign, policy, customer, oddText],
    ],
    [
      `INSERT INTO ${business}.acknowledgements (company_id, id, policy_id, policy_version, employee_id,
         cycle, acknowledgement_type, status, customer_id, due_date, original_due_date, acknowledged_at,
         evidence, evidence_hash, campaign_id, paused_days)
       VALUES ($1, $2, $3, 1, $4, 1, 'manual', 'acknowledged', $5, '2026-01-02', '2026-01-02',
         '2026-01-02 03:04:05.123456+00', jsonb_build_object('statement', $6::text), repeat('a', 64),
         $7, 3)`,
      [id, acknowledgement, policy, employees[0], customer, oddText, campaign],
    ],
    [
      `INSERT INTO ${business}.acknowledgement_history (company_id, id, acknowledgement_id, field,
         new_value, actor_type, updated_at)
       VALUES ($1, $2, $3, 'status', $4, 'user', '2026-01-02 03:04:05.123456+00')`,
      [id, uuid(), acknowledgement, oddText],
    ],
    [
      `INSERT INTO ${business}.exemptions (company_id, id, acknowledgement_id, reason, valid_until)
       VALUES ($1, $2, $3, $4, '2026-01-02')`,
      [id, uuid(), acknowledgement, oddText],
    ],
    [
      `INSERT INTO ${business}.evidence_packs (company_id, id, customer_compliance_id, audit_date,
         acknowledged, pending, declined, exempted, compliance_percentage, sha256, created_at)
       VALUES ($1, $2, $3, '2026-01-02', 1, 0, 0, 0, 100, repeat('a', 64),
         '2026-01-02 03:04:05.123456+00')`,
      [id, evidencePack, customerCompliance],
    ],
    [
      `INSERT INTO ${business}.evidence_pack_lines (company_id, pack_id, place, acknowledgement_id,
         policy_id, policy_version, employee_id, status, acknowledged_at, evidence_hash)
       VALUES ($1, $2, 1, $3, $4, 1, $5, 'acknowledged', '2026-01-02 03:04:05.123456+00',
         repeat('a', 64))`,
      [id, evidencePack, acknowledgement, policy, employees[0]],
    ],
    [
      `INSERT INTO ${business}.reports (company_id, id, name, report_type, filters, format, schedule,
         status, report_data, generated_at, workflow_closed_at)
       VALUES ($1, $2, $3, 'renewal_pipeline', '{"policyType":"home"}', 'csv',
         '{"frequency":"daily","hour":7}', 'ready', '{"tables":[{"rows":[{"premium":"0.10"}]}]}',
         now(), now())`,
      [id, uuid(), oddText],
    ],
    [
      `INSERT INTO ${business}.properties (company_id, id, owner_id, name, description, address, latitude,
         longitude, price_per_night, currency, time_zone, check_in_time, check_out_time, max_guests,
         min_nights, max_nights, instant_book, cancellation_policy, status)
       VALUES ($1, $2, $3, $4, $4, $4, 90, -179.99999999, 9999999999.99, 'EUR', 'UTC', '15:00', '11:00',
         4, 1, 365, true, 'strict', 'unlisted')`,
      [id, property, admin.userId, oddText],
    ],
    [
      `INSERT INTO ${business}.payments (company_id, id, purpose, booking_id, user_id, payee_name, amount,
         currency, status, transaction_id, payment_date, idempotency_key, workflow_closed_at)
       VALUES ($1, $2, 'booking', $3, $4, $5, 30, 'EUR', 'completed', $6, '2026-01-02', $6, now())`,
      [id, charge, booking, holder.userId, oddText, hex(20)],
    ],
    [
      `INSERT INTO ${business}.bookings (company_id, id, property_id, guest_id, host_id, start_date,
         end_date, nights, guests, price_per_night, total_amount, currency, status, hold_expires_at,
         payment_id, paid_at, confirmed_at, completed_at, config, workflow_closed_at)
       VALUES ($1, $2, $3, $4, $5, '2026-01-03', '2026-01-06', 3, 2, 10, 30, 'EUR', 'completed',
         '2026-01-02 03:04:05.123456+00', $6, now(), now(), now(), '{"policy":"strict"}', now())`,
      [id, booking, property, holder.userId, admin.userId, charge],
    ],
    [
      `INSERT INTO ${business}.reviews (company_id, id, property_id, booking_id, reviewer_id, rating, comment)
       VALUES ($1, $2, $3, $4, $5, 4, $6)`,
      [id, uuid(), property, booking, holder.userId, oddText],
    ],
    [
      `INSERT INTO ${business}.reservations (company_id, id, property_id, start_date, end_date, booking_id)
       VALUES ($1, $2, $3, '2026-01-03', '2026-01-06', $4)`,
      [id, uuid(), property, booking],
    ],
    [
      `INSERT INTO ${business}.reservations (company_id, id, property_id, start_date, end_date, reason)
       VALUES ($1, $2, $3, '2026-07-01', '2026-07-08', $4)`,
      [id, uuid(), property, oddText],
    ],
    [
      `UPDATE ${business}.policies SET metadata = $2 WHERE company_id = $1`,
      [id, '{"huge":123456789012345678901234567890.123456789012345678900, "b":{"a":1e2}}'],
    ],
    [
      `INSERT INTO shared.policies (company_id, id, policy_number, policy_type, user_id, policyholder_name,
         policyholder_email, coverage_amount, premium, currency, start_date, end_date, status)
       VALUES ($1, $2, $3, 'home', $4, 'Ida', 'ida@example.com', 2, 1, 'EUR', '2026-01-01', '2027-01-01', 'draft')`,
      [neighbour.id, uuid(), hex(12), referred.userId],
    ],
  ] as const) {
    await database.sql(sql, [...values]);
  }
  await sealAll();
  return { company, alone: holder.userId, referredTo: referred.userId, shared: both.userId };
}

/** As whoever migrates: no superuser, and bound by row security. */
export async function migratorUrl({ adminUrl, sql }: TestDatabase): Promise<string> {
  const url = new URL(adminUrl);
  await sql(`ALTER ROLE app_migrate PASSWORD 'test-migrate'`);
  url.username = 'app_migrate';
  url.password = 'test-migrate';
  return url.toString();
}

export async function sealAll(): Promise<void> {
  while ((await sealNext()) === sealBatch);
}

export const schemaOf = (companyId: string): string =>
  `t_${companyId.replaceAll('-', '').slice(-16)}`;

/** Every row of every table of a company, each as exact text; the people whom it knows included. */
export async function rowsOf(
  database: TestDatabase,
  companyId: string,
): Promise<Record<string, string[]>> {
  const tables = await database.sql<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id' AND NOT a.attisdropped
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND n.nspname IN ('platform', 'core', 'shared', $1) ORDER BY 1, 2`,
    [schemaOf(companyId)],
  );
  const found: Record<string, string[]> = {};
  for (const { schema, name } of tables) {
    found[`${schema}.${name}`] = await textsOf(
      database,
      `SELECT row_to_json(t)::text AS row FROM ${schema}.${name} t WHERE company_id = $1 ORDER BY 1`,
      companyId,
    );
  }
  found['platform.companies'] = await textsOf(
    database,
    'SELECT row_to_json(t)::text AS row FROM platform.companies t WHERE id = $1',
    companyId,
  );
  found['platform.users'] = await textsOf(
    database,
    `SELECT row_to_json(t)::text AS row FROM platform.users t WHERE id IN (
       SELECT user_id FROM platform.memberships WHERE company_id = $1) ORDER BY 1`,
    companyId,
  );
  return found;
}

async function textsOf(database: TestDatabase, sql: string, companyId: string): Promise<string[]> {
  return (await database.sql<{ row: string }>(sql, [companyId])).map(({ row }) => row);
}

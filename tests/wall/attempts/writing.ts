import { v7 as uuid } from 'uuid';
import { nobody } from '../../../src/commands/identity.ts';
import { category, empty, marker, refused, type Attempt, type Scene } from './attempt.ts';

/** Rows of another company added, changed, taken over or guessed at by what is unique. */
export const writingAttempts = ({ ours, theirs }: Scene): Attempt[] => {
  const { companyId, planId, categoryId, userId } = theirs;
  const foreign = `company_id = '${companyId}'`;
  return [
    ...refused({
      INSERT: `INSERT INTO shared.property_categories ${category(companyId)}`,
      'INSERT of our rows as theirs': `INSERT INTO shared.property_categories (company_id, id, name, segment) SELECT '${companyId}', id, name, segment FROM shared.property_categories`,
    }),
    ...empty({
      UPDATE: `UPDATE shared.insurance_plans SET premium = 1 WHERE id = '${planId}'`,
    }),
    ...refused({
      'handing a row over': `UPDATE shared.insurance_plans SET company_id = '${companyId}'`,
      upsert: `INSERT INTO shared.property_categories ${category(companyId)} ON CONFLICT (company_id, id) DO UPDATE SET name = 'x'`,
      'upsert onto a row of theirs': `INSERT INTO shared.property_categories (company_id, id, name, segment) VALUES ('${companyId}', '${categoryId}', 'x', 'residential') ON CONFLICT (company_id, id) DO UPDATE SET name = 'x'`,
      'upsert that does nothing': `INSERT INTO core.idempotency_keys (company_id, scope, body_hash, expires_at) VALUES ('${companyId}', '${marker}', '', now()) ON CONFLICT DO NOTHING`,
    }),
    ...empty({
      'MERGE that changes': `MERGE INTO shared.insurance_plans p USING (VALUES ('${planId}'::uuid)) v (id) ON p.id = v.id WHEN MATCHED THEN UPDATE SET premium = 1`,
    }),
    ...refused({
      'MERGE that adds': `MERGE INTO shared.property_categories c USING (VALUES (1)) v ON false WHEN NOT MATCHED THEN INSERT ${category(companyId)}`,
    }),
    { what: 'COPY in', sql: 'COPY shared.property_categories FROM STDIN', outcome: '0A000' },
    ...empty({
      'COPY out': 'COPY shared.policies TO STDOUT',
      'DELETE where it is allowed': `DELETE FROM core.idempotency_keys WHERE ${foreign}`,
    }),
    ...refused({
      DELETE: 'DELETE FROM shared.policies',
    }),
    {
      what: 'a foreign key',
      sql: `UPDATE shared.insurance_plans SET property_category_id = '${categoryId}'`,
      outcome: '23503',
    },
    {
      what: 'a unique name',
      sql: `INSERT INTO shared.property_categories ${category(ours)}`,
      outcome: 1,
    },
    {
      what: 'a unique id',
      sql: `INSERT INTO shared.property_categories (company_id, id, name, segment) VALUES ('${ours}', '${categoryId}', 'free here', 'residential')`,
      outcome: 1,
    },
    ...refused({
      'an event of theirs': `INSERT INTO core.audit_logs (company_id, id, timestamp, actor_type, action, entity_type) VALUES ('${companyId}', '${uuid()}', now(), 'user', 'CREATE', 'user')`,
      'changing the audit': 'UPDATE core.audit_logs SET action = action',
      'emptying the audit': 'DELETE FROM core.audit_logs',
      'erasing what no line tells of': `SELECT app.erase_in_audit('${userId}', '{}', '{}', '${nobody}', 100)`,
      'erasing by the way of it': `SELECT app.erased_value('{"email": "x"}', false, repeat('0', 128))`,
      'a seal of our own': `INSERT INTO core.audit_seals (company_id, seq, audit_id, audit_timestamp, hash, prev_hash, sealed_at) VALUES ('${ours}', 1, '${uuid()}', now(), repeat('0', 64), repeat('0', 64), now())`,
      'changing seals': 'UPDATE core.audit_seals SET hash = prev_hash',
      'removing seals': 'DELETE FROM core.audit_seals',
      'another key for the audit': `INSERT INTO core.audit_keys (company_id, key) VALUES ('${ours}', decode(repeat('00', 64), 'hex'))`,
      'changing history': 'UPDATE core.transitions SET reason = reason',
      'a partition': 'SELECT * FROM core.audit_logs_default',
      "this month's partition": `SELECT * FROM core.audit_logs_${new Date().toISOString().slice(0, 7).replace('-', '_')}`,
      'a new role': `INSERT INTO platform.memberships (company_id, id, user_id, role) VALUES ('${ours}', '${uuid()}', '${userId}', 'tenant_admin')`,
      'a verified domain': `INSERT INTO platform.domains (id, company_id, domain, verified_at) VALUES ('${uuid()}', '${ours}', 'their.example', now())`,
      'verifying a domain': 'UPDATE platform.domains SET verified_at = now()',
      'a domain for another company': `INSERT INTO platform.domains (id, company_id, domain) VALUES ('${uuid()}', '${companyId}', 'their.example')`,
      'closing a company': `UPDATE platform.companies SET status = 'closed'`,
      TRUNCATE: 'TRUNCATE shared.policies',
    }),
  ];
};

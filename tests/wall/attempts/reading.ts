import { category, denied, empty, refused, type Attempt, type Scene } from './attempt.ts';

/** Rows of another company, or of all, asked for. */
export const readingAttempts = ({ ours, theirs }: Scene): Attempt[] => {
  const { companyId, planId, userId } = theirs;
  const foreign = `company_id = '${companyId}'`;
  return [
    {
      what: 'reading without a company',
      sql: 'SELECT * FROM shared.policies',
      outcome: denied,
      company: undefined,
    },
    {
      what: 'reading with an empty company',
      sql: 'SELECT * FROM shared.policies',
      outcome: denied,
      company: '',
    },
    {
      what: 'writing without a company',
      sql: `INSERT INTO shared.property_categories ${category(companyId)}`,
      outcome: denied,
      company: undefined,
    },
    {
      what: 'changing without a company',
      sql: 'UPDATE shared.policies SET premium = 0',
      outcome: denied,
      company: undefined,
    },
    {
      what: 'a company that is SQL',
      sql: 'SELECT * FROM shared.policies',
      outcome: '22P02',
      company: "' OR true --",
    },
    {
      what: 'a list of companies',
      sql: 'SELECT * FROM shared.policies',
      outcome: '22P02',
      company: `${ours},${companyId}`,
    },
    ...empty({
      'reading by company': `SELECT * FROM shared.policies WHERE ${foreign}`,
      'reading by id': `SELECT * FROM shared.insurance_plans WHERE id = '${planId}'`,
      'reading the outbox': `SELECT * FROM core.outbox WHERE ${foreign}`,
      'reading the audit': `SELECT * FROM core.audit_logs WHERE ${foreign}`,
      'reading seals': `SELECT * FROM core.audit_seals WHERE ${foreign}`,
      'reading keys of the audit': `SELECT * FROM core.audit_keys WHERE ${foreign}`,
      'reading stored answers': `SELECT * FROM core.idempotency_keys WHERE ${foreign}`,
      'reading notifications': `SELECT * FROM core.notifications WHERE ${foreign}`,
      'reading people': `SELECT id, email FROM platform.users WHERE id = '${userId}'`,
      'reading memberships': `SELECT * FROM platform.memberships WHERE ${foreign}`,
      'reading the company': `SELECT * FROM platform.companies WHERE id = '${companyId}'`,
    }),
    ...refused({
      'reading hashes': 'SELECT password_hash FROM platform.users',
      'reading all of a person': 'SELECT * FROM platform.users',
      'reading tokens': 'SELECT * FROM platform.refresh_tokens',
      'reading reset codes': 'SELECT * FROM platform.password_reset_tokens',
    }),
    {
      what: 'searching without a company',
      sql: `SELECT shared.search_policy_ids('%')`,
      outcome: denied,
      company: undefined,
    },
    ...empty({
      'searching before the wall': `SELECT shared.search_policy_ids('%')`,
      'searching claims before the wall': `SELECT shared.search_claim_ids('%')`,
      'searching properties before the wall': `SELECT shared.search_property_ids('{"ownerId": null}')`,
      'searching employees before the wall': `SELECT shared.search_employee_ids('%')`,
      'searching the newest before the wall': `SELECT shared.search_newest_policy_ids('%')`,
      locking: `SELECT * FROM shared.policies WHERE ${foreign} FOR UPDATE`,
      'reading by place': `SELECT * FROM shared.policies WHERE ctid = '(0,1)'`,
      'a sample': 'SELECT * FROM shared.policies TABLESAMPLE SYSTEM (100)',
      'a recursive query': `WITH RECURSIVE r AS (SELECT * FROM shared.policies UNION SELECT p.* FROM shared.policies p JOIN r ON true) SELECT * FROM r`,
    }),
  ];
};

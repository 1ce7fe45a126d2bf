import { empty, refused, type Attempt } from './attempt.ts';

/** What the server tells besides rows, and its files. */
export const serverAttempts = (): Attempt[] => [
  ...empty({
    'a cast that tells values': 'SELECT * FROM shared.policies WHERE policyholder_name::int = 1',
    'an operator that tells values':
      'SELECT * FROM shared.policies WHERE 1 / (length(policyholder_name) - length(policyholder_name)) = 1',
  }),
  {
    what: 'a query as XML',
    sql: `SELECT query_to_xml('SELECT * FROM shared.policies', true, true, '')`,
    outcome: 1,
  },
  ...refused({
    'a leaky function': `CREATE FUNCTION pg_temp.leak(text) RETURNS bool LANGUAGE plpgsql COST 0.001 AS 'BEGIN RAISE NOTICE ''%'', $1; RETURN true; END'`,
  }),
  ...empty({
    sequences: 'SELECT * FROM pg_sequences',
    statistics: `SELECT * FROM pg_stats WHERE schemaname IN ('shared', 'core', 'platform')`,
  }),
  ...refused({
    'raw statistics': 'SELECT * FROM pg_statistic',
    "other sessions' statements": 'SELECT * FROM pg_stat_activity',
    "other sessions' statements by function": 'SELECT * FROM pg_stat_get_activity(NULL)',
    'a large object': `SELECT lo_from_bytea(0, 'x')`,
    'an empty large object': 'SELECT lo_create(0)',
    'large objects': 'SELECT * FROM pg_largeobject',
    passwords: 'SELECT * FROM pg_authid',
    pg_read_file: `SELECT pg_read_file('PG_VERSION')`,
    pg_ls_dir: `SELECT pg_ls_dir('.')`,
    'COPY from a file': `COPY shared.policies FROM '/etc/passwd'`,
    'COPY to a program': `COPY (SELECT 1) TO PROGRAM 'cat'`,
  }),
];

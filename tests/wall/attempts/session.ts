import { denied, type Attempt, type Scene } from './attempt.ts';

/** Another role, or a company that was set elsewhere. */
export const sessionAttempts = ({ ours, theirs, superuser }: Scene): Attempt[] => {
  const { companyId } = theirs;
  return [
    {
      what: 'row_security off',
      sql: ['SET row_security = off', 'SELECT * FROM shared.policies'],
      outcome: denied,
    },
    ...[
      'app_owner',
      'app_migrate',
      'app_backup',
      'app_search',
      'pg_read_all_data',
      'pg_write_all_data',
      'pg_monitor',
      'pg_read_server_files',
      superuser,
    ].flatMap(refusedRole),
    ...['app_auth', 'app_global', 'app_relay', 'app_sealer'].map((door) =>
      doorSees(door, 'shared.policies'),
    ),
    doorSees('app_relay', 'platform.users'),
    doorSees('app_global', 'platform.refresh_tokens'),
    doorSees('app_auth', 'core.audit_logs'),
    {
      what: 'deleting promises that are still to keep through app_relay',
      sql: ['SET LOCAL ROLE app_relay', 'DELETE FROM core.outbox'],
      outcome: 0,
    },
    {
      what: 'a savepoint that was another company',
      sql: [
        'SAVEPOINT s',
        `SELECT set_config('app.current_company_id', '${companyId}', true)`,
        'ROLLBACK TO s',
        'SELECT * FROM shared.policies',
      ],
      outcome: 0,
    },
    {
      what: 'a statement prepared elsewhere',
      sql: [
        `SELECT set_config('app.current_company_id', '${companyId}', true)`,
        'PREPARE kept AS SELECT * FROM shared.policies',
        'COMMIT',
        'BEGIN',
        `SELECT set_config('app.current_company_id', '${ours}', true)`,
        'EXECUTE kept',
      ],
      outcome: 0,
    },
    {
      what: 'a cursor opened elsewhere',
      sql: [
        `SELECT set_config('app.current_company_id', '${companyId}', true)`,
        'DECLARE kept CURSOR FOR SELECT * FROM shared.policies',
        'COMMIT',
        'BEGIN',
        'FETCH ALL FROM kept',
      ],
      outcome: '34000',
    },
    {
      what: 'the next transaction',
      sql: ['COMMIT', 'BEGIN', 'SELECT * FROM shared.policies'],
      outcome: denied,
    },
  ];
};

/** Each way to become that role. */
const refusedRole = (role: string): Attempt[] => [
  { what: `SET ROLE ${role}`, sql: `SET ROLE ${role}`, outcome: denied },
  {
    what: `the setting role ${role}`,
    sql: `SELECT set_config('role', '${role}', true)`,
    outcome: denied,
  },
  {
    what: `SESSION AUTHORIZATION ${role}`,
    sql: `SET SESSION AUTHORIZATION ${role}`,
    outcome: denied,
  },
];

const doorSees = (role: string, table: string): Attempt => ({
  what: `${table} through ${role}`,
  sql: [`SET LOCAL ROLE ${role}`, `SELECT * FROM ${table}`],
  outcome: denied,
});

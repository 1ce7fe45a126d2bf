import pg from 'pg';

/** Passwords for the two login roles; a role without one keeps what it has. */
export interface LoginPasswords {
  readonly app_api?: string;
  readonly app_worker?: string;
}

const logins = ['app_api', 'app_worker'] as const;

/**
 * Roles that own or may see more than one company. The runtime logins may only step into
 * `doorRoles`, for one transaction, through a door of `database.ts`.
 */
const groups = ['app_owner', 'app_search', 'app_auth', 'app_global', 'app_relay', 'app_sealer'];
const doorRoles = ['app_auth', 'app_global', 'app_relay', 'app_sealer'];

/**
 * Creates what is missing of the cluster-wide roles and lets the connected user act as their owner.
 * Nothing is changed that is already right, so it runs before every migration.
 * @throws Error one sentence, when roles are missing and the user may not create them.
 */
export async function ensureRoles(client: pg.Client, passwords: LoginPasswords): Promise<void> {
  const { rows } = await client.query<{ rolname: string }>(
    `SELECT rolname FROM pg_roles WHERE rolname LIKE 'app\\_%'`,
  );
  const existing = new Set(rows.map(({ rolname }) => rolname));
  const missing = [...groups, ...logins, 'app_migrate', 'app_backup'].filter(
    (role) => !existing.has(role),
  );
  const { mayCreate, isSuperuser, version, database } = await whoAmI(client);
  if (!mayCreate) {
    if (missing.length === 0) return;
    throw new Error(
      `The database user may not create roles and ${missing.join(', ')} are missing: ` +
        'run the migration once as a user that may',
    );
  }

  const option = version >= 160_000 ? ' WITH INHERIT FALSE, SET TRUE' : '';
  const statements = [
    ...missing.map((role) => createRole(role)),
    ...logins.flatMap((login) => doorRoles.map((role) => `GRANT ${role} TO ${login}${option}`)),
    // So that the owner can hand the search functions over.
    `GRANT app_search TO app_owner${option}`,
    'GRANT app_owner TO app_migrate',
    'GRANT app_owner TO CURRENT_USER',
    `GRANT CONNECT, CREATE ON DATABASE ${pg.escapeIdentifier(database)} TO app_owner`,
    `GRANT CONNECT ON DATABASE ${pg.escapeIdentifier(database)} TO app_api, app_worker, app_migrate, app_backup`,
    // A dump reads every row; the right to grant that is a superuser's.
    ...(isSuperuser
      ? ['ALTER ROLE app_backup INHERIT', 'GRANT pg_read_all_data TO app_backup']
      : []),
    ...logins.flatMap((login) => {
      const password = passwords[login];
      return password ? [`ALTER ROLE ${login} PASSWORD ${pg.escapeLiteral(password)}`] : [];
    }),
  ];
  for (const statement of statements) await client.query(statement);
  await closeSideDoors(client, { isSuperuser, database });
}

/**
 * What everybody may do in a fresh database, and through which companies could reach each other
 * past their rows: temporary tables stay on a pooled connection, large objects belong to the role
 * that all companies share, and the activity view shows the statements of that role's sessions.
 */
async function closeSideDoors(
  client: pg.Client,
  { isSuperuser, database }: { isSuperuser: boolean; database: string },
): Promise<void> {
  const statements = [
    `REVOKE CREATE, TEMPORARY ON DATABASE ${pg.escapeIdentifier(database)} FROM PUBLIC`,
    ...(isSuperuser ? closingSideDoors : []),
  ];
  for (const statement of statements) await client.query(statement);
}

export const largeObjects = [
  'pg_catalog.lo_creat(integer)',
  'pg_catalog.lo_create(oid)',
  'pg_catalog.lo_from_bytea(oid, bytea)',
] as const;

export const activity = {
  view: 'pg_catalog.pg_stat_activity',
  functions: [
    'pg_catalog.pg_stat_get_activity(integer)',
    'pg_catalog.pg_stat_get_backend_activity(integer)',
  ],
} as const;

/** What a superuser alone may take from everybody. */
export const closingSideDoors: readonly string[] = [
  'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
  ...largeObjects.map((made) => `REVOKE EXECUTE ON FUNCTION ${made} FROM PUBLIC`),
  `REVOKE SELECT ON ${activity.view} FROM PUBLIC`,
  `GRANT SELECT ON ${activity.view} TO pg_monitor`,
  ...activity.functions.flatMap((read) => [
    `REVOKE EXECUTE ON FUNCTION ${read} FROM PUBLIC`,
    `GRANT EXECUTE ON FUNCTION ${read} TO pg_monitor`,
  ]),
];

function createRole(role: string): string {
  if (role === 'app_backup') return 'CREATE ROLE app_backup LOGIN BYPASSRLS INHERIT';
  const mayLogIn = role === 'app_migrate' || logins.some((login) => login === role);
  const inherits = role === 'app_migrate' ? 'INHERIT' : 'NOINHERIT';
  return `CREATE ROLE ${role} ${mayLogIn ? 'LOGIN' : 'NOLOGIN'} ${inherits} NOBYPASSRLS`;
}

async function whoAmI(client: pg.Client): Promise<{
  mayCreate: boolean;
  isSuperuser: boolean;
  version: number;
  database: string;
}> {
  const { rows } = await client.query<{
    may: boolean;
    super: boolean;
    version: number;
    database: string;
  }>(
    `SELECT rolsuper OR rolcreaterole AS may, rolsuper AS super,
            current_setting('server_version_num')::int AS version,
            current_database() AS database
     FROM pg_roles WHERE rolname = current_user`,
  );
  const [me] = rows;
  return {
    mayCreate: me?.may ?? false,
    isSuperuser: me?.super ?? false,
    version: me?.version ?? 0,
    database: me?.database ?? 'postgres',
  };
}

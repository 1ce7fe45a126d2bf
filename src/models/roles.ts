import pg from 'pg';

/** Passwords for the two login roles; a role without one keeps what it has. */
export interface LoginPasswords {
  readonly app_api?: string;
  readonly app_worker?: string;
}

const logins = ['app_api', 'app_worker'] as const;

/**
 * Roles that own or may see more than one company. The runtime logins may only step into the last
 * five, for one transaction, through a door of `database.ts`.
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
  const { mayCreate, version, database } = await whoAmI(client);
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
    'GRANT app_owner TO app_migrate',
    'GRANT app_owner TO CURRENT_USER',
    `GRANT CONNECT, CREATE ON DATABASE ${pg.escapeIdentifier(database)} TO app_owner`,
    `GRANT CONNECT ON DATABASE ${pg.escapeIdentifier(database)} TO app_api, app_worker, app_migrate, app_backup`,
    ...logins.flatMap((login) => {
      const password = passwords[login];
      return password ? [`ALTER ROLE ${login} PASSWORD ${pg.escapeLiteral(password)}`] : [];
    }),
  ];
  for (const statement of statements) await client.query(statement);
}

function createRole(role: string): string {
  if (role === 'app_backup') return 'CREATE ROLE app_backup LOGIN BYPASSRLS NOINHERIT';
  const mayLogIn = role === 'app_migrate' || logins.some((login) => login === role);
  const inherits = role === 'app_migrate' ? 'INHERIT' : 'NOINHERIT';
  return `CREATE ROLE ${role} ${mayLogIn ? 'LOGIN' : 'NOLOGIN'} ${inherits} NOBYPASSRLS`;
}

async function whoAmI(
  client: pg.Client,
): Promise<{ mayCreate: boolean; version: number; database: string }> {
  const { rows } = await client.query<{ may: boolean; version: number; database: string }>(
    `SELECT rolsuper OR rolcreaterole AS may,
            current_setting('server_version_num')::int AS version,
            current_database() AS database
     FROM pg_roles WHERE rolname = current_user`,
  );
  const [me] = rows;
  return {
    mayCreate: me?.may ?? false,
    version: me?.version ?? 0,
    database: me?.database ?? 'postgres',
  };
}

import { v7 as uuid } from 'uuid';
import { businessSchema } from '../../src/models/database.ts';
import { openCluster, type Cluster } from './cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await openCluster();
});
afterAll(() => cluster.close());

describe('the catalog', () => {
  const rowsOf = async (sql: string): Promise<unknown[]> =>
    (await cluster.admin.query({ text: sql, rowMode: 'array' })).rows;

  it('has forced row security and a policy on every table of ours', async () => {
    const open = await rowsOf(
      `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname IN ('platform', 'core', 'shared') AND c.relkind IN ('r', 'p')
         AND NOT (c.relrowsecurity AND c.relforcerowsecurity
           AND (c.relispartition OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)))`,
    );
    const tables = await rowsOf(
      `SELECT count(*)::int FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname IN ('platform', 'core', 'shared') AND c.relkind IN ('r', 'p')`,
    );

    expect(open).toEqual([]);
    expect(Number(tables.flat()[0])).toBeGreaterThan(15);
  });

  it('keys and indexes of tables with a company begin with the company', async () => {
    const others = await rowsOf(
      `SELECT i.indexrelid::regclass::text FROM pg_index i
         JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id'
       WHERE n.nspname IN ('platform', 'core', 'shared') AND i.indkey[0] <> a.attnum
         AND NOT c.relispartition ORDER BY 1`,
    );

    // Credentials, invitations and domains are found before a company is known; relay and sealer look
    // over all.
    expect(others.flat()).toEqual([
      'core.api_keys_prefix_key',
      'core.audit_logs_sealing_idx',
      'core.audit_seals_reach_idx',
      'core.invitations_token_key',
      'core.outbox_open_idx',
      'core.timers_overdue_idx',
      'platform.domains_domain_key',
      'platform.domains_pkey',
      'platform.memberships_user_idx',
      'platform.refresh_tokens_ended_idx',
      'platform.refresh_tokens_family_idx',
      'platform.refresh_tokens_pkey',
      'platform.refresh_tokens_token_hash_key',
    ]);
  });

  it('foreign keys between tables of companies carry the company', async () => {
    const loose = await rowsOf(
      `SELECT k.conname FROM pg_constraint k
         JOIN pg_attribute f ON f.attrelid = k.conrelid AND f.attname = 'company_id'
         JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attname = 'company_id'
       WHERE k.contype = 'f' AND NOT (f.attnum = ANY (k.conkey) AND t.attnum = ANY (k.confkey))`,
    );

    expect(loose).toEqual([]);
  });

  it('gives each role what it needs and nothing more', async () => {
    const grants = await rowsOf(
      `SELECT g.grantee::regrole::text || ': ' || c.oid::regclass::text || ' ' ||
         string_agg(left(g.privilege_type, 1), '' ORDER BY g.privilege_type)
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) g
       WHERE n.nspname IN ('platform', 'core', 'shared', 'migrations', 'limits') AND g.grantee <> c.relowner
       GROUP BY g.grantee, c.oid ORDER BY 1`,
    );

    const tenant = (table: string, rights: string): string[] => [
      `app_api: ${table} ${rights}`,
      `app_worker: ${table} ${rights}`,
    ];
    const designed = [
      ...[
        'outbox',
        'timers',
        'notifications',
        'counters',
        'calendars',
        'registration_requests',
        'api_keys',
        'invitations',
        'workflow_drifts',
        'bulk_operations',
        'bulk_items',
        'alert_rules',
        'alerts',
        'retried_steps',
        'notification_preferences',
        'notification_templates',
        'webhook_endpoints',
        'webhook_deliveries',
      ].flatMap((t) => tenant(`core.${t}`, 'ISU')),
      ...['audit_logs', 'transitions'].flatMap((t) => tenant(`core.${t}`, 'IS')),
      ...['audit_keys', 'audit_retired', 'audit_seals'].flatMap((t) => tenant(`core.${t}`, 'S')),
      ...['idempotency_keys', 'employee_import_lines'].flatMap((t) => tenant(`core.${t}`, 'DISU')),
      ...[
        'property_categories',
        'insurance_plans',
        'policies',
        'policy_subscriptions',
        'subscription_terms',
        'customers',
        'employees',
        'compliances',
        'customer_compliances',
        'templates',
        'compliance_policies',
        'compliance_policy_versions',
        'approval_steps',
        'policy_configurations',
        'acknowledgements',
        'exemptions',
        'campaigns',
        'compliance_counts',
        'documents',
        'claims',
        'document_requests',
        'reports',
        'payments',
        'payment_events',
        'premium_invoices',
        'claim_notes',
        'claim_recoveries',
        'fraud_flags',
        'claim_locations',
        'properties',
        'reservations',
        'bookings',
        'reviews',
      ].flatMap((t) => tenant(`shared.${t}`, 'ISU')),
      ...tenant('shared.acknowledgement_history', 'IS'),
      ...['evidence_packs', 'evidence_pack_lines'].flatMap((t) => tenant(`shared.${t}`, 'IS')),
      ...tenant('shared.claim_assignments', 'IS'),
      ...tenant('shared.claim_reserves', 'IS'),
      ...tenant('shared.ledger_entries', 'IS'),
      ...['companies', 'domains', 'memberships'].flatMap((t) => tenant(`platform.${t}`, 'S')),
      'app_api: limits.counters DISU',
      'app_auth: core.api_keys S',
      'app_auth: core.audit_logs I',
      'app_auth: core.idempotency_keys DIS',
      'app_auth: core.invitations SU',
      'app_auth: core.notifications I',
      'app_auth: core.outbox I',
      'app_auth: platform.companies S',
      'app_auth: platform.email_changes ISU',
      'app_auth: platform.memberships ISU',
      'app_auth: platform.password_reset_tokens ISU',
      'app_auth: platform.refresh_tokens DISU',
      'app_auth: platform.users ISU',
      'app_global: core.audit_logs IS',
      'app_global: platform.companies ISU',
      'app_global: platform.domains DISU',
      'app_global: platform.feature_flags DISU',
      'app_relay: core.outbox DSU',
      'app_relay: core.webhook_deliveries D',
      'app_sealer: core.audit_keys IS',
      'app_sealer: core.audit_logs S',
      'app_sealer: core.audit_seals IS',
    ];
    expect(grants.flat().toSorted()).toEqual(designed.toSorted());
  });

  it('lets a company change its own row and claim a domain by these columns, and no others', async () => {
    const columns = await rowsOf(
      `SELECT g.grantee::regrole::text || ': ' || c.oid::regclass::text || ' ' || g.privilege_type
         || ' ' || string_agg(a.attname, ' ' ORDER BY a.attname)
       FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid, aclexplode(a.attacl) g
       WHERE c.relnamespace::regnamespace::text IN ('platform', 'core', 'shared')
         AND g.privilege_type <> 'SELECT'
       GROUP BY g.grantee, c.oid, g.privilege_type ORDER BY 1`,
    );

    expect(columns.flat()).toEqual([
      'app_api: platform.companies UPDATE address contact_email contact_phone default_currency ' +
        'linkedin logo_url name settings time_zone updated_at updated_by version',
      'app_api: platform.domains INSERT company_id domain id verification_token',
      'app_api: shared.acknowledgement_history UPDATE reason',
      'app_auth: core.api_keys UPDATE last_used_at',
      'app_auth: core.registration_requests UPDATE admin_user_id',
    ]);
  });

  it('shows the relay of timers nothing but when scheduled ones are due', async () => {
    const seen = await rowsOf(
      `SELECT string_agg(a.attname, ' ' ORDER BY a.attname), g.privilege_type
       FROM pg_attribute a, aclexplode(a.attacl) g
       WHERE a.attrelid = 'core.timers'::regclass AND g.grantee::regrole::text = 'app_relay'
       GROUP BY 2`,
    );
    const policy = await rowsOf(
      `SELECT polcmd::text, pg_get_expr(polqual, polrelid) FROM pg_policy
       WHERE polrelid = 'core.timers'::regclass AND polname = 'relay'`,
    );

    expect(seen).toEqual([['due_at status', 'SELECT']]);
    expect(policy).toEqual([['r', "(status = 'scheduled'::text)"]]);
  });

  it('shows the relay of webhooks nothing but which companies have some', async () => {
    const seen = await rowsOf(
      `SELECT string_agg(a.attname, ' ' ORDER BY a.attname), g.privilege_type
       FROM pg_attribute a, aclexplode(a.attacl) g
       WHERE a.attrelid = 'core.webhook_endpoints'::regclass
         AND g.grantee::regrole::text = 'app_relay'
       GROUP BY 2`,
    );

    expect(seen).toEqual([['archived_at company_id is_enabled', 'SELECT']]);
  });

  it('shows the relay of what webhooks were told only when that was, once it was long ago', async () => {
    const seen = await rowsOf(
      `SELECT string_agg(a.attname, ' ' ORDER BY a.attname), g.privilege_type
       FROM pg_attribute a, aclexplode(a.attacl) g
       WHERE a.attrelid = 'core.webhook_deliveries'::regclass
         AND g.grantee::regrole::text = 'app_relay'
       GROUP BY 2`,
    );
    const policies = await rowsOf(
      `SELECT polcmd::text, pg_get_expr(polqual, polrelid) FROM pg_policy
       WHERE polrelid = 'core.webhook_deliveries'::regclass
         AND polroles = ARRAY['app_relay'::regrole::oid] ORDER BY 1`,
    );

    expect(seen).toEqual([['company_id created_at id last_attempt_at status', 'SELECT']]);
    const longAgo =
      /status <> 'queued'.* AND .*COALESCE\(last_attempt_at, created_at\) < .*'90 days'/;
    expect(policies).toEqual([
      ['d', expect.stringMatching(longAgo)],
      ['r', expect.stringMatching(longAgo)],
    ]);
  });

  it('shows the owner of the tables one company at a time, people and names of companies apart', async () => {
    const wider = await rowsOf(
      `SELECT tablename || ' ' || cmd FROM pg_policies
       WHERE 'app_owner' = ANY (roles) AND schemaname IN ('platform', 'core', 'shared')
         AND coalesce(qual, with_check) !~ 'company_id\\(\\)' ORDER BY 1`,
    );
    const unseen = await rowsOf(
      `SELECT c.oid::regclass::text FROM pg_class c
         JOIN pg_namespace n ON n.oid = c.relnamespace
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id'
       WHERE n.nspname IN ('platform', 'core', 'shared') AND c.relkind IN ('r', 'p')
         AND NOT c.relispartition AND NOT EXISTS (SELECT FROM pg_policy p
           WHERE p.polrelid = c.oid AND p.polcmd = '*'
             AND (SELECT oid FROM pg_roles WHERE rolname = 'app_owner') = ANY (p.polroles))`,
    );

    // The terms of the audit are of no company.
    expect(wider.flat()).toEqual([
      'audit_terms ALL',
      'companies SELECT',
      'memberships SELECT',
      'users INSERT',
      'users SELECT',
    ]);
    expect(unseen).toEqual([]);
  });

  it("knows a company's schema by the name that the doors use", async () => {
    const ids = Array.from({ length: 20 }, () => uuid());
    const names = await rowsOf(
      `SELECT app.business_schema(id) FROM unnest('{${ids.join()}}'::uuid[]) WITH ORDINALITY AS u (id, n)
       ORDER BY n`,
    );

    expect(names.flat()).toEqual(ids.map(businessSchema));
  });

  it("has the functions, extensions and owner's rights that we know", async () => {
    const functions = await rowsOf(
      `SELECT p.oid::regprocedure::text || CASE WHEN p.prosecdef THEN ' definer' ELSE '' END
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname IN ('app', 'platform', 'core', 'shared', 'public', 'migrations') ORDER BY 1`,
    );
    const extensions = await rowsOf('SELECT extname FROM pg_extension ORDER BY 1');

    expect(functions.flat()).toEqual([
      'app.business_schema(uuid)',
      'app.check_posting()',
      'app.company_id()',
      'app.create_audit_partition(date)',
      'app.drop_audit_month(integer)',
      'app.drop_unused_business_schema() definer',
      'app.ensure_audit_partitions() definer',
      'app.erase_in_audit(uuid,uuid[],text[],uuid,integer) definer',
      'app.erased_value(jsonb,boolean,text)',
      'app.hint_at_notifications()',
      'app.hint_at_reading()',
      'app.is_cut_off(uuid)',
      'app.prepare_business_schema() definer',
      'app.retire_audit_month() definer',
      'app.retire_audit_month(integer) definer',
      'shared.count_changed_acknowledgements()',
      'shared.count_new_acknowledgements()',
      'shared.move_acknowledgements()',
      'shared.search_claim_ids(text) definer',
      'shared.search_employee_ids(text) definer',
      'shared.search_newest_policy_ids(text) definer',
      'shared.search_policy_ids(text) definer',
      'shared.search_property_ids(jsonb) definer',
    ]);
    expect(extensions.flat()).toEqual(['btree_gin', 'btree_gist', 'pg_trgm', 'plpgsql']);
  });

  it("lets the workers' login alone make and drop schemas of companies and retire the audit", async () => {
    const may = await rowsOf(
      `SELECT p.proname, r FROM pg_proc p, unnest(ARRAY['app_api', 'app_worker', 'app_auth',
         'app_global', 'app_relay', 'app_sealer', 'app_search', 'app_backup']) AS r
       WHERE p.oid IN ('app.prepare_business_schema()'::regprocedure,
           'app.drop_unused_business_schema()'::regprocedure,
           'app.drop_audit_month(integer)'::regprocedure,
           'app.retire_audit_month()'::regprocedure)
         AND has_function_privilege(r, p.oid, 'EXECUTE') ORDER BY 1, 2`,
    );

    expect(may).toEqual([
      ['drop_unused_business_schema', 'app_worker'],
      ['prepare_business_schema', 'app_worker'],
      ['retire_audit_month', 'app_worker'],
    ]);
  });

  it('lets logins step into the four doors only, and the backup alone read all', async () => {
    const memberships = await rowsOf(
      `SELECT member::regrole::text, roleid::regrole::text FROM pg_auth_members
       WHERE member::regrole::text IN ('app_api', 'app_worker', 'app_auth', 'app_global', 'app_relay',
         'app_sealer', 'app_search', 'app_backup') ORDER BY 1, 2`,
    );
    const doors = ['app_auth', 'app_global', 'app_relay', 'app_sealer'];
    const temporary = await rowsOf(
      `SELECT has_database_privilege('app_api', current_database(), 'TEMP')`,
    );

    expect(memberships).toEqual([
      ...doors.map((door) => ['app_api', door]),
      ['app_backup', 'pg_read_all_data'],
      ...doors.map((door) => ['app_worker', door]),
    ]);
    expect(temporary).toEqual([[false]]);
  });
});

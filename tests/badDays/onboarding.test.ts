import { createHash } from 'node:crypto';
import { dataOf, newKey, openProduct, textIn, until, type Product } from './product.ts';

/** After each of these the worker dies; the last one tells the applicant. */
const steps = [
  'beginProvisioning',
  'createCompany',
  'addDomains',
  'createSchema',
  'seedCompany',
  'createAdministrator',
  'openCompany',
  'completeProvisioning',
] as const;

/** How they are taken back after the last of them has failed for good; then it is told. */
const undone = [
  'closeCompany',
  'disableAdministrator',
  'archiveSeed',
  'dropUnusedSchema',
  'releaseDomains',
  'archiveCompany',
  'failProvisioning',
] as const;

const password = 'Seven-Green-Otters-7';

describe('the worker that dies between the steps of setting a company up', () => {
  let product: Product;
  const registrations: string[] = [];

  beforeAll(async () => {
    product = await openProduct();
    for (const [index, step] of steps.entries()) {
      const answer = await product.as('global_admin').send({
        method: 'POST',
        path: '/register',
        body: {
          company_name: `Acme ${step}`,
          requested_domain: `acme${index}.example`,
          admin_email: `ada@acme${index}.example`,
          admin_username: `ada${index}`,
          admin_password: password,
        },
      });
      expect(answer.status).toBe(201);
      registrations.push(textIn(dataOf(answer), 'id'));
    }
  }, 300_000);
  afterAll(() => product.close(), 120_000);

  it.each(steps.map((step, index) => ({ step, index })))(
    'dies after $step',
    async ({ step, index }) => {
      await product.arm('worker', `activity.after:${step}#1`);

      // It may die before the approval is answered, which then is when it is back.
      const answered = product.as('global_admin').insist({
        method: 'POST',
        path: `/administration/registration-requests/${registrations[index]}/approve`,
        body: { isolation: step === 'createSchema' ? 'dedicated_schema' : 'shared' },
        key: newKey(),
      });
      await product.died('worker');
      await product.restart('worker');

      expect((await answered).status).toBe(200);
    },
    300_000,
  );

  it('takes a company back that dies at each undo, and sets it up after all', async () => {
    const [name, email] = ['Acme undone', 'ada@undone.example'];
    const answer = await product.as('global_admin').send({
      method: 'POST',
      path: '/register',
      body: {
        company_name: name,
        requested_domain: 'undone.example',
        admin_email: email,
        admin_username: 'undone',
        admin_password: password,
      },
    });
    const id = textIn(dataOf(answer), 'id');
    const ask = (act: 'approve' | 'retry', body: object) =>
      product.as('global_admin').insist({
        method: 'POST',
        path: `/administration/registration-requests/${id}/${act}`,
        body,
        key: newKey(),
      });
    const reaches = (status: string) =>
      until(
        `it is ${status}`,
        async () => {
          const [row] = await product.sql<{ status: string }>(
            'SELECT status FROM core.registration_requests WHERE id = $1',
            [id],
          );
          return row?.status === status;
        },
        120_000,
      );
    const made = () =>
      product.sql(
        `SELECT c.status, c.archived_at IS NOT NULL AS "isArchived", to_regnamespace(c.schema_name) IS NOT NULL AS "hasSchema",
           (SELECT count(*)::int FROM platform.domains d WHERE d.company_id = c.id) AS domains,
           (SELECT count(*)::int FROM core.calendars k WHERE k.company_id = c.id AND archived_at IS NULL) AS calendars,
           (SELECT count(*)::int FROM platform.memberships m WHERE m.company_id = c.id AND m.valid_to IS NULL) AS people,
           (SELECT count(DISTINCT event_key)::int FROM core.notifications n
            WHERE n.entity_id = r.id AND template_code = 'provisioning_failed') AS alerts
         FROM core.registration_requests r JOIN platform.companies c ON c.id = r.new_company_id
         WHERE r.id = $1`,
        [id],
      );
    // The last step fails: somebody else has the name by now.
    await product.sql(
      `INSERT INTO platform.companies (id, name, code) VALUES (gen_random_uuid(), $1, 'FIRST')`,
      [name],
    );

    await product.arm('worker', `activity.after:${undone[0]}#1`);
    const approved = ask('approve', { isolation: 'dedicated_schema' });
    for (const [index] of undone.entries()) {
      await product.died('worker');
      const next = undone[index + 1];
      if (next) await product.arm('worker', `activity.after:${next}#1`);
      else await product.restart('worker');
    }
    expect((await approved).status).toBe(200);
    await reaches('failed');

    expect(await made()).toEqual([
      {
        status: 'closed',
        isArchived: true,
        hasSchema: false,
        domains: 0,
        calendars: 0,
        people: 0,
        alerts: 1,
      },
    ]);

    await product.sql(`UPDATE platform.companies SET name = 'First of all' WHERE code = 'FIRST'`);
    expect((await ask('retry', { reason: 'The name is free' })).status).toBe(200);
    await reaches('active');
    expect(await made()).toEqual([
      {
        status: 'active',
        isArchived: false,
        hasSchema: true,
        domains: 1,
        calendars: 1,
        people: 1,
        alerts: 1,
      },
    ]);
  }, 300_000);

  it('sets every company up, each thing once', async () => {
    await until(
      'all of them are active',
      async () => {
        const [open] = await product.sql<{ n: number }>(
          `SELECT count(*)::int AS n FROM core.registration_requests WHERE status <> 'active'`,
        );
        return open?.n === 0;
      },
      120_000,
    );
    const companies = await product.sql<{ schema: string; name: string }>(
      `SELECT r.company_name AS name, c.status, c.archived_at,
         (SELECT count(*)::int FROM platform.domains d WHERE d.company_id = c.id) AS domains,
         c.schema_name AS schema,
         (SELECT count(*)::int FROM core.calendars k WHERE k.company_id = c.id) AS calendars,
         (SELECT count(*)::int FROM platform.memberships m WHERE m.company_id = c.id) AS people,
         r.admin_password_hash AS secret,
         (SELECT array_agg(t.event ORDER BY t.state_version) FROM core.transitions t
          WHERE t.entity_id = r.id) AS events
       FROM core.registration_requests r JOIN platform.companies c ON c.id = r.new_company_id
       WHERE r.admin_username <> 'undone' ORDER BY r.admin_email`,
    );

    const made = await Promise.all(
      companies.map(async ({ schema, ...company }) => {
        const [business] = await product.sql(
          `SELECT (SELECT count(*)::int FROM ${schema}.property_categories p
             WHERE p.company_id = c.id) AS categories,
             (SELECT count(*)::int FROM ${schema}.customers k WHERE k.company_id = c.id) AS customers,
             $1 = app.business_schema(c.id) AS "isAlone"
           FROM platform.companies c WHERE c.schema_name = $1 AND c.name = $2`,
          [schema, company.name],
        );
        return { ...company, ...business };
      }),
    );
    expect(made).toEqual(
      steps.map((step) => ({
        name: `Acme ${step}`,
        status: 'active',
        archived_at: null,
        domains: 1,
        categories: 6,
        customers: 1,
        isAlone: step === 'createSchema',
        calendars: 1,
        people: 1,
        secret: null,
        events: ['submit', 'approve', 'provision', 'complete'],
      })),
    );
  }, 300_000);

  it('tells each applicant once, and lets them in', async () => {
    const promised = await product.sql<{ key: string }>(
      `SELECT dedupe_key AS key FROM core.notifications
       WHERE template_code = 'company_ready' AND entity_id <>
         (SELECT id FROM core.registration_requests WHERE admin_username = 'undone') ORDER BY 1`,
    );
    const ids = promised.map(
      ({ key }) => `<${createHash('sha256').update(key).digest('base64url')}@surety>`,
    );
    expect(ids).toHaveLength(steps.length);
    await until(
      'the mails have arrived',
      () => ids.every((id) => product.messageIds().includes(id)),
      180_000,
    );

    for (const index of steps.keys()) {
      const email = `ada@acme${index}.example`;
      const answer = await product
        .as('global_admin')
        .send({ method: 'POST', path: '/auth/login', body: { email, password } });
      expect([email, answer.status]).toEqual([email, 200]);
    }
    expect(product.broken).toEqual([]);
  }, 300_000);
});

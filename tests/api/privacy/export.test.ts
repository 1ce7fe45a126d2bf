import { v7 as uuid } from 'uuid';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, comparable, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { writeLines } from '../../audit/chain.ts';
import { hire } from '../../support/acknowledgements.ts';
import { buildClaimRow } from '../../support/claimRows.ts';
import { buildPayment } from '../../support/payments.ts';
import { buildProperty, buildStayed } from '../../support/properties.ts';
import { buildAdmin, buy, join } from './build.ts';

let api: TestApi;
let companyId: string;
let admin: Awaited<ReturnType<typeof buildActor>>;
let person: Awaited<ReturnType<typeof buildActor>>;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  admin = await buildAdmin(api, companyId);
  person = await buildActor({ companyId });
});

const exported = (by = admin, id = person.userId) => api.as(by).get(`/users/${id}/export`);

describe('GET /users/:id/export', () => {
  it('tells all that the company knows of a person, as a file', async () => {
    const { id, policyId } = await buy(api, person);
    await api.as(admin).patch(`/users/${person.userId}`, { first_name: 'Grace' });

    const file = await exported();

    expect(file.status).toBe(200);
    expect(file.headers).toMatchObject({
      'content-type': expect.stringContaining('application/json'),
      'content-disposition': `attachment; filename="person-${person.userId}.json"`,
    });
    expect(file.body).toMatchObject({
      company: { id: companyId },
      person: { id: person.userId, email: person.email, first_name: 'Grace' },
      memberships: [{ role: 'policyholder' }],
      delegations_received: [],
      sessions: [{ session_id: expect.any(String), ip: null }],
      api_keys: [],
      invitations: [],
      policies: [
        { id: policyId, policyholder_email: person.email, premium: '365.00', status: 'active' },
      ],
      subscriptions: [{ id, policy_id: policyId, auto_renew: false }],
      terms: [{ subscription_id: id, term_no: 1 }],
      transitions: [{ subscription_id: id, event: 'subscribe' }],
      audit_about_them: [
        { action: 'UPDATE', before: { first_name: 'Ada' }, after: { first_name: 'Grace' } },
        { action: 'EXPORT' },
      ],
    });
    expect(file.body.timers.length).toBeGreaterThan(3);
    expect(file.body.notifications).toHaveLength(2);
    expect(file.body.audit_of_their_acts.map((line: { action: string }) => line.action)).toEqual([
      'CREATE',
      'CREATE',
    ]);
    expect(file.text).not.toMatch(/hash|token|mfa_secret|answer/);
  });

  it('tells how the person brought the company in, and not what else they brought in', async () => {
    const register = (name: string, newCompanyId: string) =>
      api.database.sql(
        `INSERT INTO core.registration_requests (company_id, id, company_name, business_type, contact_email,
           admin_email, admin_username, admin_phone, admin_password_hash, default_currency,
           subscription_plan, status, expires_at, new_company_id, admin_user_id)
         VALUES ($1, $2, $3, 'home', $4, $4, 'ada', '+441', 'secret', 'EUR', 'free', 'active', now(), $5, $6)`,
        [platformCompanyId, uuid(), name, person.email, newCompanyId, person.userId],
      );
    await register('This one', companyId);
    await register('Another one', uuid());

    const { body, text } = await exported();

    expect(body.registrations).toMatchObject([
      { company_name: 'This one', admin_email: person.email, admin_phone: '+441' },
    ]);
    expect(text).not.toMatch(/Another one|secret/);
  });

  it('tells what others did to all that counts as theirs, without what is about others alone', async () => {
    const { policyId } = await buy(api, person);
    const { claim } = await buildClaimRow({ companyId, policyId });
    const { payment } = await buildPayment({ companyId, userId: person.userId });
    const [employee] = await hire(companyId, 1, { userId: person.userId });
    const house = await buildProperty({ companyId, ownerId: person.userId });
    const guest = await buildActor({ companyId });
    const stay = await buildStayed({
      companyId,
      propertyId: house.id,
      guestId: guest.userId,
      hostId: person.userId,
    });
    const [document, block, review] = [uuid(), uuid(), uuid()];
    await api.database.sql(
      `INSERT INTO shared.documents (company_id, id, policy_id, document_type, file_name, mime, size,
         sha256, storage_key, uploaded_by, uploaded_at)
       VALUES ($1, $2, $3, 'other', 'a.txt', 'text/plain', 1, repeat('0', 64), 'key', $4, now())`,
      [companyId, document, policyId, admin.userId],
    );
    await api.database.sql(
      `INSERT INTO shared.reservations (company_id, id, property_id, start_date, end_date)
       VALUES ($1, $2, $3, '2020-01-01', '2020-01-02')`,
      [companyId, block, house.id],
    );
    await api.database.sql(
      `INSERT INTO shared.reviews (company_id, id, property_id, booking_id, reviewer_id, rating)
       VALUES ($1, $2, $3, $4, $5, 4)`,
      [companyId, review, house.id, stay.id, guest.userId],
    );
    await api.database.sql(
      `INSERT INTO core.transitions (company_id, id, entity_type, entity_id, state_version, event,
         from_status, to_status, command_id, actor_type, at)
       VALUES ($1, $2, 'booking', $3, 9, 'complete', 'confirmed', 'completed', 'end', 'workflow', now())`,
      [companyId, uuid(), stay.id],
    );
    const theirs = [
      ['claim', claim.id],
      ['payment', payment.id],
      ['employee', employee],
      ['property', house.id],
      ['booking', stay.id],
      ['document', document],
      ['availability_block', block],
      ['review', review],
    ];
    const facts = { status: 'x', rationale: 'Hm', guestId: guest.userId, reportReason: 'Rude' };
    await writeLines(companyId, [
      ...theirs.map(([entityType, entityId]) => ({
        entityType,
        entityId,
        actorId: admin.userId,
        before: null,
        after: facts,
      })),
      { entityType: 'claim', entityId: uuid(), actorId: admin.userId },
    ]);

    const { body, text } = await exported();

    const told = body.audit_about_them.filter(
      (line: { after: { status?: string } | null }) => line.after?.status === 'x',
    );
    expect(
      told.map((line: Record<string, unknown>) => [line['entity_type'], line['entity_id']]),
    ).toEqual(theirs);
    expect(told[0].after).toEqual({ status: 'x' });
    expect(told[1].after).toEqual({ status: 'x', rationale: 'Hm' });
    expect(text).not.toContain(guest.userId);
    expect(text).not.toContain('Rude');
    expect(body.booking_history).toMatchObject([{ booking_id: stay.id, event: 'complete' }]);
    expect(body.payment_history).toMatchObject([{ payment_id: payment.id }]);
  });

  it('is for the person too, and written down', async () => {
    const own = await exported(person);

    expect(own).toMatchObject({ status: 200, body: { person: { id: person.userId } } });
    expect(
      await api.database.sql(
        `SELECT actor_id, entity_type, entity_id FROM core.audit_logs
         WHERE company_id = $1 AND action = 'EXPORT'`,
        [companyId],
      ),
    ).toEqual([{ actor_id: person.userId, entity_type: 'user', entity_id: person.userId }]);
  });

  it('knows nobody to a colleague, and nobody of another company', async () => {
    const colleague = await buildActor({ companyId, role: 'hr' });
    const stranger = await buildActor({ companyId: (await buildCompany()).id });

    const [refused, unknownToColleague] = [
      await exported(colleague),
      await exported(colleague, uuid()),
    ];
    const [foreign, unknown] = [
      await exported(admin, stranger.userId),
      await exported(admin, uuid()),
    ];

    expect(refused.status).toBe(404);
    expect(comparable(refused)).toBe(comparable(unknownToColleague));
    expect(foreign.status).toBe(404);
    expect(comparable(foreign)).toBe(comparable(unknown));
  });

  it('tells nothing of other companies, nor of other people', async () => {
    const { id: otherId } = await buildCompany();
    await join(person.userId, otherId, 'tenant_admin');
    const elsewhere = { ...person, companyId: otherId };
    await buy(api, elsewhere);
    const colleague = await buildActor({ companyId });
    await join(person.userId, companyId, 'tenant_admin');
    await api.as(person).patch(`/users/${colleague.userId}`, { first_name: 'Secret' });

    const file = await exported();

    expect(file.body).toMatchObject({ policies: [], subscriptions: [], notifications: [] });
    expect(file.body.memberships).toHaveLength(2);
    expect(file.text).not.toContain(otherId);
    expect(file.text).not.toContain('Secret');
    expect(file.body.audit_of_their_acts).toMatchObject([
      { action: 'UPDATE', entity_id: colleague.userId, before: null, after: null },
    ]);
  });

  it('leaves out from where others acted', async () => {
    await api.database.sql(
      `INSERT INTO core.audit_logs
         (company_id, id, timestamp, actor_id, actor_type, action, entity_type, entity_id, ip)
       VALUES ($1, $2, now(), $3, 'user', 'UPDATE', 'user', $4, '192.0.2.199')`,
      [companyId, uuid(), admin.userId, person.userId],
    );

    expect((await exported()).text).not.toContain('192.0.2.199');
  });

  it('goes over many pages without losing or doubling a row', async () => {
    await api.database.sql(
      `INSERT INTO core.audit_logs (company_id, id, timestamp, actor_id, actor_type, action, entity_type)
       SELECT $1, gen_random_uuid(), now(), $2, 'user', 'LOGIN', 'user' FROM generate_series(1, 1250)`,
      [companyId, person.userId],
    );

    const { body } = await exported();

    const ids = body.audit_of_their_acts.map((line: { id: string }) => line.id);
    expect(ids).toHaveLength(1250);
    expect(new Set(ids).size).toBe(1250);
  });
});

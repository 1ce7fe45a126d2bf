import { v7 as uuid } from 'uuid';
import { platformCompanyId } from '../../../src/models/database.ts';
import { openTestApi, comparable, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { buildClaimRow } from '../../support/claimRows.ts';
import { buildPayment } from '../../support/payments.ts';
import { buildProperty, buildStayed } from '../../support/properties.ts';
import { sealAll } from '../../audit/chain.ts';
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

const body = { reason: 'Letter of 2 March' };
const erase = (id = person.userId, by = admin, headers = {}) =>
  api.as(by).post(`/users/${id}/erase`, body, headers);
const accountOf = async (id: string) =>
  (await api.database.sql('SELECT * FROM platform.users WHERE id = $1', [id]))[0];
const rowsOf = (sql: string, ...values: unknown[]) => api.database.sql(sql, values);

describe('POST /users/:id/erase', () => {
  it('leaves of whoever is of this company alone an id', async () => {
    await api.as(person).get('/auth/me');

    const erased = await erase();

    expect(erased).toMatchObject({
      status: 200,
      body: { data: { id: person.userId, account_erased: true } },
    });
    expect(await accountOf(person.userId)).toMatchObject({
      email: `erased-${person.userId}@erased.invalid`,
      username: `erased-${person.userId.replaceAll('-', '').slice(-23)}`,
      first_name: '',
      last_name: '',
      password_hash: null,
      is_active: false,
      erased_at: expect.any(Date),
    });
    expect((await api.as(person).get('/auth/me')).status).toBe(401);
    expect(
      await rowsOf('SELECT 1 FROM platform.refresh_tokens WHERE user_id = $1', person.userId),
    ).toEqual([]);
  });

  it('keeps the account of whoever also belongs to another company, and its roles there', async () => {
    const { id: otherId } = await buildCompany();
    await join(person.userId, otherId);
    const elsewhere = { ...person, companyId: otherId };
    const known = await accountOf(person.userId);

    const erased = await erase();

    expect(erased.body.data).toMatchObject({ account_erased: false });
    expect(await accountOf(person.userId)).toEqual(known);
    expect((await api.as(elsewhere).get('/auth/me')).status).toBe(200);
    expect((await api.as(person).get('/auth/me')).status).toBe(401);
    expect((await api.as(admin).get(`/users/${person.userId}`)).body.data).toMatchObject({
      roles: [],
      erased_at: expect.any(String),
    });
  });

  it('does the same once: again it answers what it did, with a key and without', async () => {
    const first = await erase(person.userId, admin, { 'Idempotency-Key': 'a' });

    const again = await erase();
    const replayed = await erase(person.userId, admin, { 'Idempotency-Key': 'a' });

    expect(again.body.data).toEqual(first.body.data);
    expect(replayed.body.data).toEqual(first.body.data);
    expect(replayed.headers['idempotent-replayed']).toBe('true');
    expect(
      await rowsOf(
        `SELECT actor_id, before, after FROM core.audit_logs
         WHERE company_id = $1 AND entity_id = $2 AND action = 'ERASE'`,
        companyId,
        person.userId,
      ),
    ).toEqual([{ actor_id: admin.userId, before: null, after: body }]);
  });

  it('is done once by two who ask at the same moment', async () => {
    const [one, other] = await Promise.all([erase(), erase()]);

    expect(one.body.data).toMatchObject({ account_erased: true });
    expect(other.body.data).toEqual(one.body.data);
  });

  it('reaches what the platform noted, also when it was cut off before that', async () => {
    const { email, userId } = person;
    const noted = uuid();
    const registration = uuid();
    await erase();
    await rowsOf(
      `INSERT INTO core.audit_logs
         (company_id, id, timestamp, actor_type, action, entity_type, entity_id, ip)
       VALUES ($1, $2, now(), 'system', 'PASSWORD_RESET_REQUEST', 'user', $3, '192.0.2.9')`,
      platformCompanyId,
      noted,
      userId,
    );
    await rowsOf(
      `INSERT INTO core.registration_requests (company_id, id, company_name, business_type,
         contact_email, admin_email, admin_username, admin_phone, default_currency,
         subscription_plan, status, expires_at, new_company_id, admin_user_id)
       VALUES ($1, $2, 'A', 'home', 'office@a.example', $3, 'ada', '+441', 'EUR', 'free', 'active',
         now(), $4, $5)`,
      platformCompanyId,
      registration,
      email,
      companyId,
      userId,
    );

    await erase();

    expect(await rowsOf('SELECT ip FROM core.audit_logs WHERE id = $1', noted)).toEqual([
      { ip: expect.stringMatching(/^~/) },
    ]);
    expect(
      await rowsOf('SELECT * FROM core.registration_requests WHERE id = $1', registration),
    ).toMatchObject([
      {
        contact_email: 'office@a.example',
        admin_email: `erased-${registration}@erased.invalid`,
        admin_phone: null,
      },
    ]);
  });

  describe('and the registrations with the address', () => {
    beforeEach(() =>
      rowsOf('UPDATE platform.users SET email_confirmed_at = now() WHERE id = $1', person.userId),
    );

    const register = async (status: string) => {
      const id = uuid();
      await rowsOf(
        `INSERT INTO core.registration_requests (company_id, id, company_name, business_type,
           contact_email, admin_email, admin_username, admin_phone, default_currency,
           subscription_plan, status, expires_at, new_company_id)
         VALUES ($1, $2, $4, 'home', $3, $3, 'ada', '+441', 'EUR', 'free', $5, now(), $6)`,
        platformCompanyId,
        id,
        person.email,
        `Acme ${id}`,
        status,
        uuid(),
      );
      return id;
    };
    const shown = async (id: string) =>
      (
        await rowsOf(
          `SELECT contact_email, admin_email, admin_username, admin_phone, admin_user_id
           FROM core.registration_requests WHERE id = $1`,
          id,
        )
      )[0];
    const told = async (id: string) => {
      await rowsOf(
        `INSERT INTO core.notifications (company_id, id, channel, template_code, payload, event_key,
           dedupe_key, status, recipient_address, entity_type, entity_id)
         VALUES ($1, $2, 'email', 'registration_rejected', '{}', $3, $3, 'sent', $4, 'registration', $5)`,
        platformCompanyId,
        uuid(),
        `told/${id}`,
        person.email,
        id,
      );
      return async () =>
        (
          await rowsOf('SELECT recipient_address FROM core.notifications WHERE entity_id = $1', id)
        )[0];
    };

    it.each(['rejected', 'expired'])('loses what was %s of the person', async (status) => {
      const id = await register(status);
      const message = await told(id);

      await erase();

      const email = `erased-${id}@erased.invalid`;
      expect(await shown(id)).toEqual({
        contact_email: email,
        admin_email: email,
        admin_username: `erased-${id.replaceAll('-', '').slice(-23)}`,
        admin_phone: null,
        admin_user_id: person.userId,
      });
      expect(await message()).toEqual({ recipient_address: email });
    });

    it('keeps those of whoever applied with an address that the person never showed to be theirs', async () => {
      await rowsOf(
        'UPDATE platform.users SET email_confirmed_at = NULL WHERE id = $1',
        person.userId,
      );
      const id = await register('rejected');
      const message = await told(id);
      const known = [await shown(id), await message()];

      const erased = await erase();

      expect(erased.body.data).toMatchObject({ account_erased: true });
      expect([await shown(id), await message()]).toEqual(known);
    });

    it('keeps one that is open beside one that was rejected, and what was told of it', async () => {
      const [open, rejected] = [await register('pending'), await register('rejected')];
      const [ofOpen, ofRejected] = [await told(open), await told(rejected)];
      const known = [await shown(open), await ofOpen()];

      await erase();

      expect([await shown(open), await ofOpen()]).toEqual(known);
      const email = `erased-${rejected}@erased.invalid`;
      expect([await shown(rejected), await ofRejected()]).toMatchObject([
        { admin_email: email },
        { recipient_address: email },
      ]);
    });

    it('keeps one that is open, and all of whoever keeps the account or is not erased', async () => {
      const ids = [await register('pending'), await register('rejected')];
      const known = await Promise.all(ids.map(shown));
      await buy(api, person, { isOver: false });
      const refused = await erase();
      const afterRefusal = await Promise.all(ids.map(shown));
      await rowsOf(
        `UPDATE shared.policy_subscriptions SET status = 'expired' WHERE user_id = $1`,
        person.userId,
      );
      await join(person.userId, (await buildCompany()).id);

      const erased = await erase();

      expect(refused.status).toBe(409);
      expect(afterRefusal).toEqual(known);
      expect(erased.body.data).toMatchObject({ account_erased: false });
      expect(await Promise.all(ids.map(shown))).toEqual(known);
    });
  });

  it('takes out, asked again, what a request under way noted meanwhile', async () => {
    await erase();
    const id = uuid();
    await rowsOf(
      `INSERT INTO core.audit_logs
         (company_id, id, timestamp, actor_id, actor_type, action, entity_type, ip)
       VALUES ($1, $2, now(), $3, 'user', 'ACCESS_DENIED', 'route', '192.0.2.9')`,
      companyId,
      id,
      person.userId,
    );

    await erase();

    expect(await rowsOf('SELECT ip FROM core.audit_logs WHERE id = $1', id)).toEqual([
      { ip: expect.stringMatching(/^~/) },
    ]);
  });

  it.each([
    ['is active', {}],
    ['waits for its first payment', { status: 'pending_payment' }],
    ['is in its days of grace', { status: 'grace' }],
  ])('refuses while a subscription %s, and changes nothing', async (_state, changes) => {
    const { id } = await buy(api, person, { isOver: false });
    for (const [column, value] of Object.entries(changes)) {
      await rowsOf(
        `UPDATE shared.policy_subscriptions SET ${column} = $2 WHERE id = $1`,
        id,
        value,
      );
    }
    const known = await accountOf(person.userId);

    const refused = await erase();

    expect(refused).toMatchObject({ status: 409, body: { code: 'SUBSCRIPTION_RUNNING' } });
    expect(await accountOf(person.userId)).toEqual(known);
    expect((await api.as(person).get('/auth/me')).status).toBe(200);
  });

  it.each([
    ['guest', 'pending'],
    ['guest', 'confirmed'],
    ['host', 'pending'],
    ['host', 'confirmed'],
  ] as const)('refuses while the person is %s of a stay that is %s', async (as, status) => {
    const other = await buildActor({ companyId });
    const [hostId, guestId] =
      as === 'host' ? [person.userId, other.userId] : [other.userId, person.userId];
    const property = await buildProperty({ companyId, ownerId: hostId });
    const stay = await buildStayed({ companyId, propertyId: property.id, guestId, hostId });
    const become = (to: string) =>
      rowsOf('UPDATE shared.bookings SET status = $2 WHERE id = $1', stay.id, to);
    await become(status);
    const known = await accountOf(person.userId);

    const refused = await erase();

    expect(refused).toMatchObject({ status: 409, body: { code: 'BOOKING_RUNNING' } });
    expect(await accountOf(person.userId)).toEqual(known);
    expect(
      await rowsOf('SELECT address FROM shared.properties WHERE id = $1', property.id),
    ).toEqual([{ address: property.address }]);
    await become('completed');
    expect((await erase()).status).toBe(200);
  });

  it('refuses while a claim on a policy of the person, or made in their name, is not closed', async () => {
    const { policyId } = await buy(api, person);
    const held = await buildClaimRow({ companyId, policyId });
    const made = await buildClaimRow({ companyId });
    await rowsOf(
      'UPDATE shared.claims SET claimant_email = $2 WHERE id = $1',
      made.claim.id,
      person.email,
    );
    const close = (id: string) =>
      rowsOf('UPDATE shared.claims SET workflow_closed_at = now() WHERE id = $1', id);

    const whileBoth = await erase();
    await close(held.claim.id);
    const whileMade = await erase();

    for (const refused of [whileBoth, whileMade]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'CLAIM_RUNNING' } });
    }
    expect(await accountOf(person.userId)).toMatchObject({ email: person.email, erased_at: null });
    expect(
      await rowsOf('SELECT claimant_name FROM shared.claims WHERE id = $1', held.claim.id),
    ).toEqual([{ claimant_name: held.claim.claimantName }]);
    await close(made.claim.id);
    expect((await erase()).status).toBe(200);
  });

  it('refuses while money of the person is under way, to their account or their address', async () => {
    const pay = async (to: { userId?: string; payeeEmail?: string }) =>
      (await buildPayment({ companyId, idempotencyKey: uuid(), ...to })).payment;
    const own = await pay({ userId: person.userId });
    const mailed = await pay({ payeeEmail: person.email });
    const giveUp = (id: string) =>
      rowsOf(
        `UPDATE shared.payments SET status = 'failed', failure_code = 'declined' WHERE id = $1`,
        id,
      );

    const whileBoth = await erase();
    await giveUp(own.id);
    const whileMailed = await erase();

    for (const refused of [whileBoth, whileMailed]) {
      expect(refused).toMatchObject({ status: 409, body: { code: 'PAYMENT_RUNNING' } });
    }
    expect(await rowsOf('SELECT payee_name FROM shared.payments WHERE id = $1', mailed.id)).toEqual(
      [{ payee_name: mailed.payeeName }],
    );
    await giveUp(mailed.id);
    expect((await erase()).status).toBe(200);
  });

  it('refuses oneself and the last administrator', async () => {
    const second = await buildActor({ companyId, role: 'tenant_admin' });

    const own = await erase(admin.userId);
    const last = await erase(admin.userId, second);

    expect(own).toMatchObject({ status: 409, body: { code: 'OWN_ACCOUNT' } });
    expect(last).toMatchObject({ status: 409, body: { code: 'LAST_ADMIN' } });
    expect(await accountOf(admin.userId)).toMatchObject({ email: admin.email, erased_at: null });
  });

  it('refuses whoever does not manage people, and knows nobody of other companies', async () => {
    const { id: otherId } = await buildCompany();
    const stranger = await buildActor({ companyId: otherId });
    const colleague = await buildActor({ companyId, role: 'hr' });

    const refused = await erase(person.userId, colleague);
    const foreign = await erase(stranger.userId);
    const unknown = await erase(uuid());

    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(foreign.status).toBe(404);
    expect(comparable(foreign)).toBe(comparable(unknown));
    expect(await accountOf(stranger.userId)).toMatchObject({ email: stranger.email });
  });

  it('wants a reason that does not name the person', async () => {
    const send = (reason?: string) =>
      api.as(admin).post(`/users/${person.userId}/erase`, reason === undefined ? {} : { reason });

    expect(await send()).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR' } });
    for (const reason of [`Wish of ${person.email}`, 'Wish of ADA LOVELACE']) {
      expect(await send(reason)).toMatchObject({
        status: 422,
        body: { details: [{ field: 'reason', code: 'NAMES_THE_PERSON' }] },
      });
    }
    expect(await accountOf(person.userId)).toMatchObject({ email: person.email });
  });

  it('takes the holder out of contracts and messages, and leaves the contract', async () => {
    const { id, policyId } = await buy(api, person);
    const { email } = person;
    await rowsOf(
      `INSERT INTO core.notifications
         (company_id, id, recipient_address, channel, template_code, payload, status, dedupe_key)
       VALUES ($1, $2, $3, 'email', 'welcome', '{"a": 1}', 'queued', $4)`,
      companyId,
      uuid(),
      email,
      `mail/1/email/${email}`,
    );

    await erase();

    expect(await rowsOf('SELECT * FROM shared.policies WHERE id = $1', policyId)).toMatchObject([
      {
        policyholder_name: '[erased]',
        policyholder_email: `erased-${person.userId}@erased.invalid`,
        policyholder_phone: null,
        user_id: person.userId,
        premium: '365.00',
      },
    ]);
    expect((await api.as(admin).get(`/subscriptions/${id}`)).status).toBe(200);
    expect(
      await rowsOf(
        `SELECT status, payload, position($2 IN n::text) AS at FROM core.notifications n
         WHERE company_id = $1 AND channel = 'email'`,
        companyId,
        email,
      ),
    ).toEqual([
      { status: 'suppressed', payload: {}, at: 0 },
      { status: 'suppressed', payload: {}, at: 0 },
    ]);
    expect((await erase()).status).toBe(200);
  });

  it("leaves another person's mails to an address that was wished for or left", async () => {
    const other = await buildActor({ companyId });
    await rowsOf(
      `INSERT INTO core.audit_logs
         (company_id, id, timestamp, actor_id, actor_type, action, entity_type, entity_id, before, after)
       VALUES ($1, $2, now(), $3, 'user', 'EMAIL_CHANGE', 'user', $3, $4, '{"email": "b@b.example"}')`,
      companyId,
      uuid(),
      person.userId,
      JSON.stringify({ email: other.email }),
    );
    const id = uuid();
    await rowsOf(
      `INSERT INTO core.notifications
         (company_id, id, recipient_address, channel, template_code, status, dedupe_key)
       VALUES ($1, $2, $3, 'email', 'welcome', 'queued', $4)`,
      companyId,
      id,
      other.email,
      id,
    );

    await erase();

    expect(await rowsOf('SELECT * FROM core.notifications WHERE id = $1', id)).toMatchObject([
      { status: 'queued', recipient_address: other.email },
    ]);
  });

  it('forgets what the person did not want to be told, and nobody else’s wish', async () => {
    const mute = { preferences: [{ event: 'report_ready', email: false, in_app: true }] };
    const other = await buildActor({ companyId });
    await api.as(person).put('/notification-preferences', mute);
    await api.as(other).put('/notification-preferences', mute);

    await erase();

    const mutedOf = (userId: string) =>
      rowsOf('SELECT muted FROM core.notification_preferences WHERE user_id = $1', userId);
    expect(await mutedOf(person.userId)).toEqual([{ muted: { email: [], in_app: [] } }]);
    expect(await mutedOf(other.userId)).toEqual([
      { muted: { email: ['report_ready'], in_app: [] } },
    ]);
  });

  it('ends a delegation from and to the person', async () => {
    const [standIn, absent] = [
      await buildActor({ companyId, role: 'hr' }),
      await buildActor({ companyId, role: 'hr' }),
    ];
    await rowsOf(
      `UPDATE platform.memberships SET delegate_user_id = $2, delegate_until = now() + interval '1 day'
       WHERE company_id = $1 AND user_id = $3`,
      companyId,
      person.userId,
      absent.userId,
    );
    await rowsOf(
      `UPDATE platform.memberships SET delegate_user_id = $2, delegate_until = now() + interval '1 day'
       WHERE company_id = $1 AND user_id = $3`,
      companyId,
      standIn.userId,
      person.userId,
    );

    await erase();

    expect(
      await rowsOf(
        'SELECT 1 FROM platform.memberships WHERE company_id = $1 AND delegate_user_id IS NOT NULL',
        companyId,
      ),
    ).toEqual([]);
  });

  it('cannot be taken back, but the person may come again', async () => {
    const { id: otherId } = await buildCompany();
    await join(person.userId, otherId);
    await erase();

    const restored = await api.as(admin).post(`/users/${person.userId}/restore`);
    const added = await api.as(admin).post('/users', { email: person.email, role: 'hr' });

    expect(restored).toMatchObject({ status: 409, body: { code: 'USER_ERASED' } });
    expect(added).toMatchObject({
      status: 201,
      body: { data: { roles: ['hr'], erased_at: null } },
    });
    expect((await erase()).body.data).toMatchObject({ account_erased: false });
  });

  it('keeps the chain of the audit, in which values are told as erased', async () => {
    await api.as(admin).patch(`/users/${person.userId}`, { first_name: 'Grace' });
    await sealAll();
    await erase();
    await sealAll();

    const verified = await api.as(admin).get('/audit-logs/verify');
    const lines = await api.as(admin).get('/audit-logs', { entity_id: person.userId });

    expect(verified.body.data).toMatchObject({ valid: true, unsealed: 0 });
    expect(
      lines.body.items.find((line: { action: string }) => line.action === 'UPDATE'),
    ).toMatchObject({
      before: { first_name: '[erased]' },
      after: { first_name: '[erased]' },
      actor_id: admin.userId,
    });
    expect(lines.text).not.toContain('Grace');
  });
});

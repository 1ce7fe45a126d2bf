import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import {
  buildAccount,
  buildIdentity,
  buildKnownCompany,
  from,
  goodPassword,
  newEmail,
  outcomeOf,
} from './build.ts';

let database: TestDatabase;
const { auth, work, dispatched } = buildIdentity();

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

let asked = 0;
const buildRegistration = (
  overrides: { email?: string; username?: string; password?: string } = {},
) => ({
  username: `ada${(asked += 1)}`,
  email: newEmail(),
  password: goodPassword,
  firstName: 'Ada',
  lastName: 'Lovelace',
  ...overrides,
});

const mailsTo = (email: string) =>
  database.sql<{ template_code: string; id: string }>(
    `SELECT template_code, id FROM core.notifications WHERE recipient_address = $1 ORDER BY created_at`,
    [email],
  );

const accountOf = async (email: string) => {
  const [row] = await database.sql('SELECT * FROM platform.users WHERE email = $1', [email]);
  return row;
};

describe('register', () => {
  it('makes an account that can sign in as policyholder, and promises a welcome', async () => {
    const company = await buildKnownCompany();
    const person = buildRegistration();

    await from({}, () => auth.register(company, person));

    const signedIn = await auth.login(person, 'localhost');
    expect(signedIn.account).toMatchObject({
      companyId: company.id,
      roles: ['policyholder'],
      user: { email: person.email, username: person.username, firstName: 'Ada' },
    });
    const [mail, ...others] = await mailsTo(person.email);
    expect(mail).toMatchObject({ template_code: 'welcome' });
    expect(others).toEqual([]);
    expect(dispatched.at(-1)).toMatchObject({
      workflowType: 'notificationDelivery',
      workflowId: `notification/${company.id}/${mail?.id}`,
      input: { v: 1, companyId: company.id, notificationId: mail?.id },
    });
    const promised = await database.sql(
      'SELECT workflow_id FROM core.outbox WHERE entity_id = $1',
      [mail?.id],
    );
    expect(promised).toHaveLength(1);
    const audits = await database.sql(
      `SELECT entity_type FROM core.audit_logs WHERE company_id = $1 AND action = 'CREATE'`,
      [company.id],
    );
    expect(audits).toEqual(
      expect.arrayContaining([{ entity_type: 'user' }, { entity_type: 'membership' }]),
    );
  });

  it('answers a known address like a new one, after the same hash work, and changes nothing', async () => {
    const company = await buildKnownCompany();
    const known = buildRegistration();
    const before = { ...work };
    const first = await auth.register(company, known);
    const costOfNew = work.hashed - before.hashed;
    const row = await accountOf(known.email);

    const again = buildRegistration({ email: known.email, password: 'Other-Green-Otters-7' });
    const second = await auth.register(company, again);

    expect(second).toEqual(first);
    expect(costOfNew).toBe(1);
    expect(work.hashed - before.hashed).toBe(2);
    expect(await accountOf(known.email)).toEqual(row);
    expect((await mailsTo(known.email)).map((mail) => mail.template_code)).toEqual([
      'welcome',
      'account_exists',
    ]);
  });

  it('of one address ten times at once makes one account and refuses nobody', async () => {
    const company = await buildKnownCompany();
    const email = newEmail();

    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () =>
        outcomeOf(auth.register(company, buildRegistration({ email }))),
      ),
    );

    expect(new Set(outcomes)).toEqual(new Set(['done']));
    const templates = (await mailsTo(email)).map((mail) => mail.template_code);
    expect(templates.filter((code) => code === 'welcome')).toHaveLength(1);
    // The owner is not flooded by whoever types the address again and again.
    expect(templates.length).toBeLessThanOrEqual(6);
    expect(new Set(templates)).toEqual(new Set(['welcome', 'account_exists']));
  });

  it('refuses a taken username whether or not the address is known', async () => {
    const company = await buildKnownCompany();
    const { username, email } = buildRegistration();
    await auth.register(company, buildRegistration({ username, email }));
    const taken = { status: 409, code: 'USERNAME_TAKEN' };

    for (const address of [email, newEmail()]) {
      const person = buildRegistration({ username: username.toUpperCase(), email: address });
      await expect(auth.register(company, person)).rejects.toMatchObject(taken);
    }
  });

  it('refuses a weak password before any work, by the company’s own rule', async () => {
    const company = await buildKnownCompany();
    const lenient = { ...company, settings: { password: { requireClasses: false } } };
    const plain = buildRegistration({ password: 'seven green otters' });
    const before = { ...work };

    await expect(auth.register(company, plain)).rejects.toMatchObject({
      status: 422,
      details: expect.arrayContaining([
        expect.objectContaining({ field: 'password', code: 'PASSWORD_NEEDS_DIGIT' }),
      ]),
    });
    expect(work).toEqual(before);
    expect(await accountOf(plain.email)).toBeUndefined();
    await expect(auth.register(lenient, plain)).resolves.toEqual({ email: plain.email });
  });

  it('gives a person of another company no role here', async () => {
    const [here, elsewhere] = [await buildKnownCompany(), await buildKnownCompany()];
    const { id, email } = await buildAccount({ companyIds: [elsewhere.id], passwordHash: null });

    await auth.register(here, buildRegistration({ email }));

    const places = await database.sql(
      'SELECT company_id FROM platform.memberships WHERE user_id = $1',
      [id],
    );
    expect(places).toEqual([{ company_id: elsewhere.id }]);
    expect(await mailsTo(email)).toMatchObject([{ template_code: 'account_exists' }]);
  });
});

import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { createApiKeys } from '../../../src/commands/apiKeys.ts';
import { newKey, prefixOf } from '../../../src/commands/keyFormat.ts';
import type { Actor } from '../../../src/context.ts';
import type { Permission } from '../../../src/rules/permissions.ts';
import { newSecret } from '../../../src/secrets.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { from, lastHeldMs, outcomeOf, testConfig } from './build.ts';

let database: TestDatabase;
const log = pino({ level: 'silent' });
const build = () => createApiKeys({ config: testConfig(), log });
const apiKeys = build();
const refused = { status: 401, code: 'UNAUTHENTICATED', message: 'The API key is not valid' };
const scopes: readonly Permission[] = ['policy:read', 'subscription:read_all'];

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => {
  await apiKeys.close();
  await database.close();
});

async function buildKey(wish: { scopes?: readonly Permission[]; expiresAt?: Date } = {}) {
  const { id: companyId } = await buildCompany();
  const admin = await buildActor({ companyId, role: 'tenant_admin' });
  const made = await from({}, () => apiKeys.create(admin, { name: 'Export', scopes, ...wish }));
  return { admin, companyId, made };
}

const seen = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);
const actorOf = (text: string): Promise<unknown> => seen(apiKeys.actorOf(text));

describe('the form of a key', () => {
  it('says what it is, and a typing error is seen without a query', () => {
    const { text, prefix } = newKey('test');

    expect(text).toMatch(/^surety_test_[0-9a-f]{12}_[\w-]{43}_[0-9a-f]{6}$/);
    expect(prefixOf(text, 'test')).toBe(prefix);
    expect(prefixOf(text, 'live')).toBeUndefined();
    for (let at = 0; at < text.length; at += 1) {
      const other = text[at] === 'x' ? 'y' : 'x';
      expect(prefixOf(`${text.slice(0, at)}${other}${text.slice(at + 1)}`, 'test')).toBeUndefined();
    }
  });
});

describe('a key', () => {
  it('acts for its company with its scopes, without a user and roles', async () => {
    const { made, companyId } = await buildKey();

    expect(await apiKeys.actorOf(made.key)).toEqual({
      type: 'api_key',
      userId: null,
      companyId,
      roles: [],
      sessionId: null,
      key: { id: made.id, scopes: ['subscription:read_all', 'policy:read'] },
    } satisfies Actor);
  });

  it('is stored nowhere', async () => {
    const { made, companyId } = await buildKey();
    // The secret may have underscores of its own.
    const secret = made.key.slice(made.prefix.length + 1, -'_123456'.length);

    const [stored] = await database.sql<{ text: string }>(
      `SELECT (SELECT string_agg(k::text, '') FROM core.api_keys k WHERE company_id = $1) ||
         (SELECT string_agg(a::text, '') FROM core.audit_logs a WHERE company_id = $1) AS text`,
      [companyId],
    );

    expect(secret).toHaveLength(43);
    expect(stored?.text).toContain(made.prefix);
    expect(stored?.text).not.toContain(secret);
  });

  it('with the id of one and the secret of another is nobody', async () => {
    const [one, other] = [await buildKey(), await buildKey()];
    const body = `${one.made.prefix}_${newSecret()}`;
    const mixed = `${body}_${createHash('sha256').update(body).digest('hex').slice(0, 6)}`;
    expect(prefixOf(mixed, 'test')).toBe(one.made.prefix);

    for (const text of [mixed, '', 'x'.repeat(9000), newKey('test').text]) {
      expect(await actorOf(text)).toMatchObject(refused);
    }
    expect(await actorOf(other.made.key)).toMatchObject({ companyId: other.companyId });
  });

  it('is refused at once here and within 5 s elsewhere when it is revoked', async () => {
    const { made, admin } = await buildKey();
    const elsewhere = build();
    await Promise.all([apiKeys.actorOf(made.key), elsewhere.actorOf(made.key)]);

    await from({}, () => apiKeys.revoke(admin, made.id));

    expect(await actorOf(made.key)).toMatchObject(refused);
    const isGood = async () => (await outcomeOf(elsewhere.actorOf(made.key))) === 'done';
    expect(await lastHeldMs(isGood)).toBeLessThan(5000);
    expect(await seen(elsewhere.actorOf(made.key))).toMatchObject(refused);
    await elsewhere.close();
  });

  it.each([
    ['it has expired', `UPDATE core.api_keys SET expires_at = now() WHERE company_id = $1`],
    ['its company is closed', `UPDATE platform.companies SET status = 'closed' WHERE id = $1`],
  ])('is refused when %s', async (_what, sql) => {
    const { made, companyId } = await buildKey();
    await database.sql(sql, [companyId]);

    expect(await actorOf(made.key)).toMatchObject(refused);
  });

  it('tells when it was last used, once a minute', async () => {
    const { made } = await buildKey();
    const own = build();
    const lastUsed = async () =>
      (
        await database.sql<{ at: Date | null }>(
          'SELECT last_used_at AS at FROM core.api_keys WHERE id = $1',
          [made.id],
        )
      )[0]?.at;
    expect(await lastUsed()).toBeNull();

    await own.actorOf(made.key);
    await own.close();
    const first = await lastUsed();
    await own.actorOf(made.key);
    await own.close();

    expect(first).toBeInstanceOf(Date);
    expect(await lastUsed()).toEqual(first);
  });
});

describe('making a key', () => {
  it('gives nothing that its maker lacks, and no personal permission', async () => {
    const { admin, companyId } = await buildKey();
    const auditor = await buildActor({ companyId, role: 'auditor' });
    const make = (actor: Actor, ...wanted: Permission[]) =>
      outcomeOf(from({}, () => apiKeys.create(actor, { name: 'More', scopes: wanted })));

    expect(await make(admin, 'policy:read', 'workflow:operate')).toMatchObject({ status: 403 });
    expect(await make(auditor, 'plan:write')).toMatchObject({ status: 403 });
    expect(await make(admin, 'apikey:manage')).toMatchObject({ status: 403 });
  });

  it('is for a year at most', async () => {
    const { admin, made } = await buildKey();
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
    const until = (expiresAt: Date) =>
      seen(from({}, () => apiKeys.create(admin, { name: 'Long', scopes, expiresAt })));

    expect(Math.round((made.expiresAt.getTime() - Date.now()) / 86_400_000)).toBe(90);
    expect(await until(inDays(366))).toMatchObject({ status: 422 });
    expect(await until(inDays(-1))).toMatchObject({ status: 422 });
    expect(await until(inDays(364))).toMatchObject({ name: 'Long' });
  });
});

describe('rotating a key', () => {
  it('makes another of equal rights, and the old one works on for the overlap', async () => {
    const { made, admin } = await buildKey();

    const next = await from({}, () => apiKeys.rotate(admin, made.id, { overlapHours: 2 }));

    expect(next).toMatchObject({ name: 'Export', scopes: made.scopes, replacesId: made.id });
    for (const { key } of [made, next])
      expect(await actorOf(key)).toMatchObject({ type: 'api_key' });
    const { items } = await apiKeys.list(admin, { page: 1, size: 20 });
    const old = items.find(({ id }) => id === made.id);
    expect(Math.round(((old?.expiresAt.getTime() ?? 0) - Date.now()) / 3_600_000)).toBe(2);
    const again = await outcomeOf(from({}, () => apiKeys.rotate(admin, made.id, {})));
    expect(again).toMatchObject({ status: 409, code: 'KEY_ROTATED' });
  });

  it('without an overlap ends the old one', async () => {
    const { made, admin } = await buildKey();
    await apiKeys.actorOf(made.key);

    await from({}, () => apiKeys.rotate(admin, made.id, { overlapHours: 0 }));

    expect(await actorOf(made.key)).toMatchObject(refused);
  });

  it('needs a key that has not ended, of the own company', async () => {
    const { made, admin } = await buildKey();
    const stranger = await buildKey();
    const rotate = (actor: Actor) => outcomeOf(from({}, () => apiKeys.rotate(actor, made.id, {})));
    const revoke = (actor: Actor) => outcomeOf(from({}, () => apiKeys.revoke(actor, made.id)));

    expect(await rotate(stranger.admin)).toMatchObject({ status: 404 });
    expect(await revoke(stranger.admin)).toMatchObject({ status: 404 });
    expect(await actorOf(made.key)).toMatchObject({ type: 'api_key' });
    expect([await revoke(admin), await revoke(admin)]).toEqual(['done', 'done']);
    expect(await rotate(admin)).toMatchObject({ status: 409, code: 'KEY_ENDED' });
    const lines = await database.sql<{ action: string }>(
      'SELECT action FROM core.audit_logs WHERE entity_id = $1 ORDER BY timestamp, id',
      [made.id],
    );
    expect(lines.map(({ action }) => action)).toEqual(['CREATE', 'KEY_REVOKED']);
  });
});

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createPasswords } from '../../../src/commands/passwords.ts';
import { readConfig } from '../../../src/config.ts';
import { openApiProcess, type ApiProcess } from '../../support/apiProcess.ts';
import { buildCompany } from '../../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { buildAccount, goodPassword } from '../../commands/identity/build.ts';

const pair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
const [old, young, foreign] = [pair(), pair(), pair()];
const logs = mkdtempSync(path.join(os.tmpdir(), 'surety-rotation-'));

let database: TestDatabase;
let email: string;
const opened: ApiProcess[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
  const passwords = createPasswords(readConfig({ DATABASE_URL: database.apiUrl }));
  const { id } = await buildCompany();
  const passwordHash = await passwords.hash(goodPassword);
  ({ email } = await buildAccount({ companyIds: [id], passwordHash }));
});

afterAll(async () => {
  await Promise.all(opened.map((api) => api.stop()));
  await database.close();
  rmSync(logs, { recursive: true, force: true });
});

/** An API process that is restarted with other keys on the same port. */
async function openProcess(name: string) {
  const api = await openApiProcess(name, { database, logs });
  opened.push(api);
  return {
    isUp: api.isUp,
    restart: (keys: NodeJS.ProcessEnv) => api.restart({ JWT_ALGORITHM: 'RS256', ...keys }),
    login: () => api.login(email, goodPassword),
    async me(token: string): Promise<number> {
      const headers = { Authorization: `Bearer ${token}` };
      return (await api.send({ path: '/auth/me', headers })).status;
    },
    async published(): Promise<string[]> {
      const { headers, body } = await api.send({ path: '/.well-known/jwks.json' });
      expect(headers.get('cache-control')).toBe('public, max-age=300');
      expect(headers.get('content-type')).toMatch('application/json');
      const { keys }: { keys: { kid: string }[] } = JSON.parse(JSON.stringify(body));
      return keys.map(({ kid }) => kid);
    },
  };
}

const kidOf = (token: string): string => {
  const header = Buffer.from(token.split('.')[0] ?? '', 'base64url').toString();
  const { kid }: { kid: string } = JSON.parse(header);
  return kid;
};

it('the signing key is exchanged while people work, and nobody is refused', async () => {
  const before = { JWT_PRIVATE_KEY: old.privateKey, JWT_NEXT_PUBLIC_KEYS: young.publicKey };
  const after = { JWT_PRIVATE_KEY: young.privateKey, JWT_PREVIOUS_PUBLIC_KEYS: old.publicKey };
  const [one, two] = await Promise.all([openProcess('one'), openProcess('two')]);
  await Promise.all([one.restart(before), two.restart(before)]);
  const held = [await one.login()];
  const published = await two.published();
  const statuses = new Set<number>();
  let isOver = false;
  const work = async (): Promise<void> => {
    while (!isOver) {
      for (const api of [one, two]) {
        for (const token of held) {
          // As behind a load balancer: what no longer listens is not asked.
          const status = await api.me(token).catch((error: unknown) => {
            if (api.isUp()) throw error;
          });
          if (status !== undefined) statuses.add(status);
        }
      }
      await pause(20);
    }
  };
  const exchange = async (): Promise<void> => {
    for (const api of [one, two]) {
      await api.restart(after);
      held.push(await api.login());
    }
    isOver = true;
  };

  await Promise.all([work(), exchange()]);
  for (const api of [one, two]) for (const token of held) statuses.add(await api.me(token));

  expect([...statuses]).toEqual([200]);
  const kids = held.map(kidOf);
  expect(kids[1]).toBe(kids[2]);
  expect(kids[0]).not.toBe(kids[1]);
  expect(published.toSorted()).toEqual([...new Set(kids)].toSorted());

  // A key that leaked is left out at once.
  await two.restart({ JWT_PRIVATE_KEY: young.privateKey });
  expect(await Promise.all(held.map((token) => two.me(token)))).toEqual([401, 200, 200]);
  expect(await two.published()).toEqual([kids[1]]);
  await one.restart({ JWT_PRIVATE_KEY: foreign.privateKey });
  expect(await two.me(await one.login())).toBe(401);
}, 180_000);

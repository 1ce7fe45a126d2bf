import { setTimeout as pause } from 'node:timers/promises';
import { createGate, createPasswords, type Passwords } from '../../../src/commands/passwords.ts';
import { createRegistrations } from '../../../src/commands/registrations.ts';
import { openTestApi } from '../../support/api.ts';
import { buildActor, buildCompany } from '../../support/build.ts';
import { openTestDatabase } from '../../support/database.ts';
import { aRegistration, testLinks } from '../../support/onboarding.ts';
import {
  buildAccount,
  buildIdentity,
  buildKnownCompany,
  from,
  goodPassword,
  newEmail,
  outcomeOf,
  testConfig,
} from './build.ts';

/** Passwords whose work goes on until it is released. */
function heldPasswords(atOnce = 100) {
  const gate = createGate({ atOnce, waiting: 0 });
  const real = createPasswords(testConfig());
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const held = { atWork: 0, release };
  const passwords: Passwords = {
    ...real,
    refuseIfBusy: () => gate.refuseIfFull(),
    hash: (password) =>
      gate.run(async () => {
        held.atWork += 1;
        await released;
        return real.hash(password);
      }),
    verify: (password, hash) =>
      gate.run(async () => {
        held.atWork += 1;
        await released;
        return real.verify(password, hash);
      }),
  };
  return { held, passwords };
}

let asked = 0;
const aPerson = () => ({
  username: `eve${(asked += 1)}`,
  email: newEmail(),
  password: goodPassword,
});

describe('hashing', () => {
  it('holds no connection: with two of them, others are answered while ten are hashed', async () => {
    const database = await openTestDatabase({ poolMax: 2, acquireTimeoutMs: 20_000 });
    try {
      const { held, passwords } = heldPasswords();
      const { auth } = buildIdentity({}, [passwords]);
      const registrations = createRegistrations({
        config: testConfig(),
        passwords,
        links: testLinks,
        dispatcher: { dispatch: () => undefined, drained: () => Promise.resolve() },
        workflows: { command: () => Promise.reject(new Error('There is no workflow here')) },
      });
      const company = await buildKnownCompany();
      const passwordHash = await createPasswords(testConfig()).hash(goodPassword);
      const { email } = await buildAccount({ companyIds: [company.id], passwordHash });
      const reader = await buildActor({ companyId: company.id });
      const newcomers: (() => Promise<unknown>)[] = [
        ...Array.from({ length: 5 }, () => () => auth.register(company, aPerson())),
        ...Array.from({ length: 3 }, () => () => registrations.submit(aRegistration())),
        () => auth.login({ email, password: goodPassword }, 'localhost'),
        () => auth.login({ email: newEmail(), password: goodPassword }, 'localhost'),
      ];

      const outcomes = Promise.all(newcomers.map((come) => outcomeOf(from({}, come))));
      const deadline = Date.now() + 30_000;
      while (held.atWork < newcomers.length && Date.now() < deadline) await pause(20);
      const atWork = held.atWork;
      const others = await Promise.all(
        Array.from({ length: 20 }, () => outcomeOf(auth.me(reader))),
      );
      held.release();

      expect(atWork).toBe(newcomers.length);
      expect(new Set(others)).toEqual(new Set(['done']));
      const refused = expect.objectContaining({ status: 401 });
      expect(await outcomes).toEqual([
        ...Array.from({ length: newcomers.length - 1 }, () => 'done'),
        refused,
      ]);
    } finally {
      await database.close();
    }
  });

  it('turns away who finds no room to wait before the database is asked', async () => {
    const database = await openTestDatabase();
    try {
      const { held, passwords } = heldPasswords(1);
      const { auth } = buildIdentity({}, [passwords]);
      const registrations = createRegistrations({
        config: testConfig(),
        passwords,
        links: testLinks,
        dispatcher: { dispatch: () => undefined, drained: () => Promise.resolve() },
        workflows: { command: () => Promise.reject(new Error('There is no workflow here')) },
      });
      const company = await buildKnownCompany();
      const login = () => auth.login({ email: newEmail(), password: goodPassword }, 'localhost');
      const first = outcomeOf(from({}, login));
      while (held.atWork === 0) await pause(10);

      let others: unknown;
      const sent = await database.statementsOf(async () => {
        others = await Promise.all(
          [
            login,
            () => auth.register(company, aPerson()),
            () => registrations.submit(aRegistration()),
          ].map((come: () => Promise<unknown>) => outcomeOf(from({}, come))),
        );
      });
      held.release();

      const busy = expect.objectContaining({ status: 503, code: 'SERVICE_UNAVAILABLE' });
      expect(others).toEqual([busy, busy, busy]);
      expect(sent).toEqual([]);
      expect(await first).toMatchObject({ status: 401 });
    } finally {
      await database.close();
    }
  });

  it('of ten people and ten companies at once leaves a small pool to everybody', async () => {
    const api = await openTestApi({ DATABASE_POOL_SIZE: '2', DATABASE_MAX_OVERFLOW: '0' });
    try {
      const { id: companyId } = await buildCompany();
      const reader = api.as(await buildActor({ companyId }));
      await api.visiting(companyId).get('/plans');
      const names = { first_name: 'Eve', last_name: 'Adams' };
      const company = () => {
        const { adminUsername: name, adminEmail, adminPassword } = aRegistration();
        return {
          company_name: `Company ${name}`,
          admin_email: adminEmail,
          admin_username: name,
          admin_password: adminPassword,
        };
      };

      const flood = { isOver: false };
      const registrations = Promise.all(
        Array.from({ length: 10 }, () => [
          api.visiting(companyId).post('/auth/register', { ...aPerson(), ...names }),
          api.nowhere.post('/register', company()),
        ]).flat(),
      ).finally(() => (flood.isOver = true));
      const meanwhile: number[] = [];
      while (!flood.isOver) {
        const read = await Promise.all([reader.get('/plans'), reader.get('/auth/me')]);
        meanwhile.push(...read.map(({ status }) => status));
      }

      expect((await registrations).map(({ status }) => status)).toEqual(Array(20).fill(201));
      expect(new Set(meanwhile)).toEqual(new Set([200]));
    } finally {
      await api.close();
    }
  });
});

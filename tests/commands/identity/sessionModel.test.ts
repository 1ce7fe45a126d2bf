import fc from 'fast-check';
import { decodeJwt } from 'jose';
import type { SignedIn } from '../../../src/commands/auth.ts';
import { createUsers } from '../../../src/commands/users.ts';
import type { Actor } from '../../../src/context.ts';
import { seed } from '../../rules/property.ts';
import { as } from '../../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../../support/database.ts';
import { walkBoth } from '../../support/model.ts';
import {
  buildAccount,
  buildIdentity,
  buildKnownCompany,
  from,
  goodPassword,
  outcomeOf,
} from './build.ts';

type Client = keyof typeof clients;

const clients = {
  owner: { ip: '192.0.2.1', userAgent: 'browser' },
  thief: { ip: '198.51.100.66', userAgent: 'curl' },
};

/**
 * What may happen to somebody's sessions in two companies. `which` names one of them; `back` says how
 * many uses ago its token was the newest, so that 0 is the one that is good.
 */
type Act =
  | { readonly kind: 'login'; readonly at: number; readonly by: Client }
  | {
      readonly kind: 'refresh';
      readonly which: number;
      readonly back: number;
      readonly by: Client;
    }
  /** The newest token twice at once. */
  | { readonly kind: 'race'; readonly which: number; readonly by: readonly [Client, Client] }
  /** The newest token at the moment in which its session is ended. */
  | { readonly kind: 'meet'; readonly which: number }
  | { readonly kind: 'logout'; readonly which: number }
  /** From another session of the same person. */
  | { readonly kind: 'end'; readonly which: number }
  | { readonly kind: 'endAll'; readonly at: number }
  | { readonly kind: 'setActive'; readonly at: number; readonly isActive: boolean }
  | { readonly kind: 'runOut'; readonly which: number }
  /** No two or three of these make ten seconds, so that nothing hangs on an instant. */
  | { readonly kind: 'pass'; readonly seconds: 4 | 11 };

const at = fc.nat(1);
const which = fc.nat(9);
const by: fc.Arbitrary<Client> = fc.constantFrom('owner', 'owner', 'owner', 'thief');
const of = <const K extends Act['kind']>(kind: K) => fc.constant(kind);

const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: of('login'), at, by }) },
  {
    weight: 9,
    arbitrary: fc.record({ kind: of('refresh'), which, back: fc.constant(0), by }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: of('refresh'), which, back: fc.constantFrom(1, 1, 1, 2, 3), by }),
  },
  { weight: 3, arbitrary: fc.record({ kind: of('race'), which, by: fc.tuple(by, by) }) },
  { weight: 1, arbitrary: fc.record({ kind: of('meet'), which }) },
  { weight: 1, arbitrary: fc.record({ kind: of('logout'), which }) },
  { weight: 1, arbitrary: fc.record({ kind: of('end'), which }) },
  { weight: 1, arbitrary: fc.record({ kind: of('endAll'), at }) },
  { weight: 2, arbitrary: fc.record({ kind: of('setActive'), at, isActive: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: of('runOut'), which }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: of('pass'), seconds: fc.constantFrom(4 as const, 11 as const) }),
  },
);

/** A session as simply as it can be said. */
class SessionModel {
  readonly place: number;
  /** To whom its newest token was given. */
  client: Client;
  uses = 0;
  /** Since the last use of one of its tokens. */
  secondsSince = 0;
  isLive = true;
  hasRunOut = false;

  constructor(place: number, client: Client) {
    this.place = place;
    this.client = client;
  }

  /** Each token is good once; a used one that turns up again ends the session, but for a lost race. */
  refresh(back: number, client: Client): 'done' | 'refused' | 'betrayed' {
    if (!this.isLive || back > this.uses) return 'refused';
    if (back === 0) {
      if (this.hasRunOut) return 'refused';
      Object.assign(this, { client, uses: this.uses + 1, secondsSince: 0 });
      return 'done';
    }
    if (back === 1 && this.secondsSince < 10 && this.client === client) return 'refused';
    this.isLive = false;
    return 'betrayed';
  }
}

/** Somebody with their sessions, and what must have been written about them. */
class PersonModel {
  readonly sessions: SessionModel[] = [];
  readonly isActive: [boolean, boolean] = [true, true];
  readonly written = { LOGIN: 0, LOGOUT: 0, TOKEN_REUSE: 0 };

  /** What comes of an act: of a race of two, both outcomes in the order of the alphabet. */
  foresee(act: Act): string {
    switch (act.kind) {
      case 'login':
        if (!this.isActive[act.at]) return 'refused';
        this.sessions.push(new SessionModel(act.at, act.by));
        this.written.LOGIN += 1;
        return 'done';
      case 'refresh':
        return this.refresh(act.which, act.back, act.by);
      case 'race': {
        const session = this.sessionAt(act.which);
        const first = this.refresh(act.which, 0, act.by[0]);
        if (first !== 'done') return 'refused refused';
        // Whoever of the two comes second, they are two clients or one.
        const isOneClient = act.by[0] === act.by[1];
        if (!isOneClient) {
          session.isLive = false;
          this.written.TOKEN_REUSE += 1;
        }
        return 'done refused';
      }
      case 'meet':
      case 'logout':
        return this.end(act.which) ? 'done' : 'refused';
      case 'end':
        return this.end(act.which) ? 'done' : 'unknown';
      case 'endAll':
        for (const session of this.sessions) session.isLive = false;
        this.written.LOGOUT += 1;
        return 'done';
      case 'setActive':
        this.isActive[act.at === 0 ? 0 : 1] = act.isActive;
        for (const session of this.sessions) {
          if (session.place === act.at && !act.isActive) session.isLive = false;
        }
        return 'done';
      case 'runOut':
        this.sessionAt(act.which).hasRunOut = true;
        return 'done';
      case 'pass':
        for (const session of this.sessions) session.secondsSince += act.seconds;
        return 'done';
      default:
        return act satisfies never;
    }
  }

  get live(): boolean[] {
    return this.sessions.map(({ isLive }) => isLive);
  }

  sessionAt(index: number): SessionModel {
    return chosen(this.sessions, index);
  }

  private refresh(index: number, back: number, client: Client): string {
    const outcome = this.sessionAt(index).refresh(back, client);
    if (outcome === 'betrayed') this.written.TOKEN_REUSE += 1;
    return outcome === 'done' ? 'done' : 'refused';
  }

  private end(index: number): boolean {
    const session = this.sessionAt(index);
    if (!session.isLive) return false;
    session.isLive = false;
    this.written.LOGOUT += 1;
    return true;
  }
}

function chosen<T>(all: readonly T[], index: number): T {
  const found = all[index % all.length];
  if (!found) throw new Error('There is none');
  return found;
}

const firstAct: Act = { kind: 'login', at: 0, by: 'owner' };

describe("somebody's sessions", () => {
  let database: TestDatabase;
  const identity = buildIdentity();
  const { auth, ownSessions, passwords, sessions } = identity;
  const users = createUsers(identity);
  let passwordHash: string;
  let places: { id: string; code: string; admin: Actor }[];
  let bystander: SignedIn;

  const logIn = (email: string, company: string, client: Client) =>
    from(clients[client], () =>
      auth.login({ email, password: goodPassword, company }, 'localhost'),
    );

  beforeAll(async () => {
    database = await openTestDatabase({ poolMax: 10 });
    passwordHash = await passwords.hash(goodPassword);
    places = await Promise.all(
      [0, 1].map(async () => {
        const { id, code } = await buildKnownCompany();
        const role = 'tenant_admin';
        const { id: userId } = await buildAccount({ companyIds: [id], passwordHash: 'x', role });
        const admin: Actor = {
          type: 'user',
          userId,
          companyId: id,
          roles: [role],
          sessionId: null,
        };
        return { id, code, admin };
      }),
    );
    const [{ id, code }] = [chosen(places, 0)];
    const { email } = await buildAccount({ companyIds: [id], passwordHash });
    bystander = await logIn(email, code, 'owner');
  });

  afterAll(async () => {
    sessions.close();
    await database.close();
  });

  /** The product as the model's twin. */
  async function openTwin() {
    const account = await buildAccount({ companyIds: places.map(({ id }) => id), passwordHash });
    const signedIn: { actor: Actor; accessToken: string; tokens: string[] }[] = [];
    const clock = async (): Promise<Date | undefined> =>
      (await database.sql<{ now: Date }>('SELECT clock_timestamp() AS now'))[0]?.now;
    let stoppedAt = await clock();

    /** Only `pass` lets time go by for the tokens, however long an act takes. */
    const shift = (interval: string, values: unknown[]) =>
      database.sql(
        `UPDATE platform.refresh_tokens SET rotated_at = rotated_at + (${interval})
         WHERE user_id = $1 AND rotated_at IS NOT NULL`,
        [account.id, ...values],
      );
    const refresh = async (index: number, token: string, client: Client): Promise<string> => {
      const outcome = await outcomeOf(
        from(clients[client], async () => {
          const next = await auth.refresh(token);
          chosen(signedIn, index).tokens.unshift(next.refreshToken);
        }),
      );
      return wordFor(outcome);
    };
    const done = async (work: Promise<unknown>): Promise<string> => wordFor(await outcomeOf(work));

    const carryOut = async (act: Act): Promise<string> => {
      switch (act.kind) {
        case 'login': {
          const { code } = chosen(places, act.at);
          return done(
            logIn(account.email, code, act.by).then(async ({ accessToken, refreshToken }) => {
              const actor = await sessions.actorOf(decodeJwt(accessToken));
              signedIn.push({ actor, accessToken, tokens: [refreshToken] });
            }),
          );
        }
        case 'refresh': {
          const { tokens } = chosen(signedIn, act.which);
          return refresh(act.which, tokens[act.back] ?? 'never issued', act.by);
        }
        case 'race': {
          const [token = ''] = chosen(signedIn, act.which).tokens;
          const both = act.by.map((client) => refresh(act.which, token, client));
          return (await Promise.all(both)).toSorted().join(' ');
        }
        case 'meet': {
          const { actor, accessToken, tokens } = chosen(signedIn, act.which);
          const wasLive = await isLive(accessToken);
          await Promise.all([
            refresh(act.which, tokens[0] ?? '', 'owner'),
            from(clients.owner, () => auth.logout(actor)),
          ]);
          return wasLive ? 'done' : 'refused';
        }
        case 'logout': {
          const { accessToken } = chosen(signedIn, act.which);
          return done(
            sessions
              .actorOf(decodeJwt(accessToken))
              .then((actor) => from(clients.owner, () => auth.logout(actor))),
          );
        }
        case 'end': {
          const { actor } = chosen(signedIn, act.which);
          const other = { ...actor, sessionId: null };
          return done(as(other, () => ownSessions.end(other, String(actor.sessionId))));
        }
        case 'endAll': {
          const other = { ...chosen(signedIn, 0).actor, companyId: chosen(places, act.at).id };
          return done(as(other, () => ownSessions.endAll(other)));
        }
        case 'setActive': {
          const { admin } = chosen(places, act.at);
          const { isActive } = act;
          return done(as(admin, () => users.edit(admin, account.id, { isActive }, undefined)));
        }
        case 'runOut': {
          const { sessionId } = chosen(signedIn, act.which).actor;
          await database.sql(
            `UPDATE platform.refresh_tokens SET expires_at = now()
             WHERE family_id = $1 AND rotated_at IS NULL`,
            [sessionId],
          );
          return 'done';
        }
        case 'pass':
          await shift("$2::integer * interval '-1 second'", [act.seconds]);
          return 'done';
        default:
          return act satisfies never;
      }
    };

    return {
      account,
      async carryOut(act: Act): Promise<string> {
        await shift('clock_timestamp() - $2::timestamptz', [stoppedAt]);
        const outcome = await carryOut(act);
        stoppedAt = await clock();
        return outcome;
      },
      live: () => Promise.all(signedIn.map(({ accessToken }) => isLive(accessToken))),
      refresh: (index: number) => refresh(index, chosen(signedIn, index).tokens[0] ?? '', 'owner'),
    };
  }

  const isLive = async (accessToken: string): Promise<boolean> =>
    (await outcomeOf(sessions.actorOf(decodeJwt(accessToken)))) === 'done';

  const writtenOf = async (userId: string): Promise<Record<string, number>> => {
    const rows = await database.sql<{ action: string; n: number }>(
      `SELECT action, count(*)::integer AS n FROM core.audit_logs
       WHERE entity_id = $1 AND action IN ('LOGIN', 'LOGOUT', 'TOKEN_REUSE') GROUP BY 1`,
      [userId],
    );
    const zero = { LOGIN: 0, LOGOUT: 0, TOKEN_REUSE: 0 };
    return { ...zero, ...Object.fromEntries(rows.map(({ action, n }) => [action, n])) };
  };

  const warningsTo = async (email: string): Promise<number> =>
    (
      await database.sql(
        `SELECT 1 FROM core.notifications
         WHERE template_code = 'session_revoked' AND recipient_address = $1`,
        [email],
      )
    ).length;

  it('live and die as the model says, through a hundred lives of thirty acts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(acts, { minLength: 30, maxLength: 30 }), async (steps) => {
        const model = new PersonModel();
        const twin = await openTwin();

        await walkBoth([firstAct, ...steps], async (act) => {
          const outcome = await twin.carryOut(act);
          const expected = model.foresee(act);
          return [
            { outcome: expected, live: model.live },
            { outcome, live: await twin.live() },
          ];
        });

        expect(await writtenOf(twin.account.id)).toEqual(model.written);
        expect(await warningsTo(twin.account.email)).toBe(model.written.TOKEN_REUSE);
        for (const [index, { isLive: mayGoOn, hasRunOut }] of model.sessions.entries()) {
          expect(await twin.refresh(index)).toBe(mayGoOn && !hasRunOut ? 'done' : 'refused');
        }
      }),
      { seed, numRuns: 100, endOnFailure: true },
    );

    expect(await isLive(bystander.accessToken)).toBe(true);
    await expect(auth.refresh(bystander.refreshToken)).resolves.toBeDefined();
  }, 900_000);
});

const wordFor = (outcome: unknown): string => {
  if (outcome === 'done') return 'done';
  const known = new Map<unknown, string>([
    [401, 'refused'],
    [404, 'unknown'],
  ]);
  const status = outcome instanceof Error && 'status' in outcome ? outcome.status : undefined;
  const word = known.get(status);
  if (!word) throw outcome;
  return word;
};

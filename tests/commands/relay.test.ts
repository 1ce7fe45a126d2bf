import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import { v7 as uuid } from 'uuid';
import { openTemporal } from '../../src/commands/temporal.ts';
import { Unavailable } from '../../src/errors.ts';
import { withTenant } from '../../src/models/database.ts';
import { OutboxEntry, type WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { startRelay } from '../../worker/relay.ts';
import { buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';

/** The discard port: whoever connects is refused. */
const nobodyThere = {
  address: '127.0.0.1:9',
  namespace: 'default',
  taskQueue: 'surety',
  uiUrl: '',
  tls: false,
  apiKey: undefined,
};

type Start = (entry: WorkflowStart) => Promise<void>;

describe('the relay', () => {
  let database: TestDatabase;
  let errors: object[];
  const log = pino({ level: 'error' }, { write: (line) => void errors.push(JSON.parse(line)) });

  beforeEach(async () => {
    errors = [];
    database = await openTestDatabase({ poolMax: 10 });
  });

  afterEach(() => database.close());

  /** Promised starts whose time has come, oldest first; several may be about one entity. */
  async function owe(entityIds: readonly string[]): Promise<string[]> {
    const { id: companyId } = await buildCompany();
    const ids: string[] = [];
    for (const entityId of entityIds) {
      const { id } = await withTenant(companyId, async () =>
        OutboxEntry.promise({
          companyId,
          entityType: 'subscription',
          entityId,
          workflowType: 'subscriptionLifecycle',
          workflowId: `subscription/${companyId}/${entityId}`,
          input: {},
          summary: '',
          attributes: {},
        }),
      );
      ids.push(id);
    }
    await due();
    return ids;
  }

  const due = () =>
    database.sql(`UPDATE core.outbox SET not_before = now() - interval '1 second'
                  WHERE dispatched_at IS NULL`);

  interface Entry {
    readonly id: string;
    readonly tries: number;
    readonly isParked: boolean;
    readonly isDone: boolean;
    readonly lastError: string | null;
  }

  const entries = (): Promise<Entry[]> =>
    database.sql<Entry>(
      `SELECT id, tries, parked_at IS NOT NULL AS "isParked", last_error AS "lastError",
         dispatched_at IS NOT NULL AS "isDone" FROM core.outbox ORDER BY id`,
    );

  /** Relays at work until what is waited for is so. */
  async function relay(
    start: Start,
    isReached: (rows: Entry[]) => boolean,
    howMany = 1,
  ): Promise<void> {
    const relays = Array.from({ length: howMany }, () => startRelay({ temporal: { start }, log }));
    try {
      const until = Date.now() + 50_000;
      while (!isReached(await entries())) {
        if (Date.now() > until) throw new Error(JSON.stringify(await entries()));
        await setTimeout(20);
      }
    } finally {
      await Promise.all(relays.map((each) => each.stop()));
    }
  }

  const allDone = (rows: Entry[]): boolean => rows.every(({ isDone }) => isDone);

  it('starts what is owed once, and marks it', async () => {
    const ids = await owe([uuid(), uuid(), uuid()]);
    const started: string[] = [];

    await relay(async ({ id }) => void started.push(id), allDone);

    expect(started.toSorted()).toEqual(ids.toSorted());
  });

  it('leaves a fresh entry to the inline dispatch', async () => {
    await owe([uuid()]);
    await database.sql(`UPDATE core.outbox SET not_before = now() + interval '1 hour'`);
    const older = uuid();
    const started: string[] = [];
    await database.sql(
      `INSERT INTO core.outbox (company_id, id, entity_type, entity_id, workflow_type, workflow_id,
         input, not_before)
       SELECT company_id, $1, entity_type, $1, workflow_type, 'other', '{}', now() FROM core.outbox`,
      [older],
    );

    await relay(
      async ({ id }) => void started.push(id),
      (rows) => rows.some(({ isDone }) => isDone),
    );

    expect(started).toEqual([older]);
  });

  it('keeps the order of one entity, and lets no other wait for it', async () => {
    const entity = uuid();
    const [first, second, other] = await owe([entity, entity, uuid()]);
    const started: string[] = [];
    let isFirstBroken = true;

    await relay(
      async ({ id }) => {
        if (id === first && isFirstBroken) throw new Error('not yet');
        started.push(id);
      },
      (rows) => rows.some(({ tries }) => tries > 0) && rows.some(({ isDone }) => isDone),
    );
    const whileBroken = [...started];
    isFirstBroken = false;
    await due();
    await relay(async ({ id }) => void started.push(id), allDone);

    expect(whileBroken).toEqual([other]);
    expect(started).toEqual([other, first, second]);
  });

  it('parks an entry after twenty tries, tells which and why, and lets the next one pass', async () => {
    const entity = uuid();
    const [poison, next] = await owe([entity, entity]);
    const tried: string[] = [];
    const start: Start = async ({ id }) => {
      tried.push(id);
      if (id === poison) throw new Error('no such workflow type');
    };

    for (let round = 1; round <= 20; round += 1) {
      await due();
      // One that has passed already: the next try came before this test looked.
      await relay(start, ([row]) => (row?.tries ?? 0) >= round);
    }
    await due();
    await relay(start, (rows) => rows.at(-1)?.isDone === true);

    const [parked] = await entries();
    expect(parked).toMatchObject({ isParked: true, tries: 20, lastError: 'no such workflow type' });
    expect(tried).toEqual([...Array.from({ length: 20 }, () => poison), next]);
    expect(errors).toEqual([
      expect.objectContaining({
        outbox_id: poison,
        company_id: expect.any(String),
        entity_type: 'subscription',
        entity_id: entity,
        workflow_id: expect.stringMatching(new RegExp(`^subscription/.+/${entity}$`)),
        err: expect.objectContaining({ message: 'no such workflow type' }),
      }),
    ]);
  });

  it('settles with a start what was given up before of the same run, and nothing else', async () => {
    const entity = uuid();
    const [before, next, other] = await owe([entity, entity, uuid()]);
    await database.sql('UPDATE core.outbox SET parked_at = now() WHERE id = ANY ($1)', [
      [before, other],
    ]);
    const started: string[] = [];

    await relay(
      async ({ id }) => void started.push(id),
      (rows) => rows.some(({ id, isDone }) => id === next && isDone),
    );

    expect(started).toEqual([next]);
    expect((await entries()).map(({ isDone }) => isDone)).toEqual([true, true, false]);
  });

  it('does not count a try while Temporal is away, asks once a round, and starts when it is back', async () => {
    await owe([uuid(), uuid(), uuid()]);
    const temporal = openTemporal({ temporal: nobodyThere });
    const calls: { from: number; to: number }[] = [];

    await relay(
      async (entry) => {
        const from = performance.now();
        await temporal.start(entry).finally(() => calls.push({ from, to: performance.now() }));
      },
      () => calls.length > 1,
    );
    const waiting = await entries();
    await temporal.connection.close();
    await relay(() => Promise.resolve(), allDone);

    expect(waiting).toMatchObject(
      waiting.map(() => ({ tries: 0, isParked: false, isDone: false })),
    );
    expect(waiting.map(({ lastError }) => lastError)).toEqual(
      waiting.map(() => expect.stringMatching(/UNAVAILABLE|DEADLINE_EXCEEDED/)),
    );
    // The pause between two rounds lies between any two of them.
    const pauses = calls.slice(1).map(({ from }, index) => from - (calls[index]?.to ?? 0));
    expect(pauses.length).toBeGreaterThan(0);
    expect(Math.min(...pauses)).toBeGreaterThan(900);
  });

  it('gives back all that it claimed when Temporal goes away in the middle', async () => {
    await owe([uuid(), uuid(), uuid()]);
    let calls = 0;

    await relay(
      async () => {
        calls += 1;
        if (calls > 1) throw new Unavailable('Away');
      },
      (rows) => rows.some(({ isDone }) => isDone) && rows.some(({ lastError }) => lastError),
    );

    const locked = await database.sql(
      'SELECT 1 FROM core.outbox WHERE dispatched_at IS NULL AND locked_until IS NOT NULL',
    );
    expect(locked).toEqual([]);
    expect((await entries()).filter(({ isDone }) => !isDone)).toMatchObject([
      { tries: 0, lastError: 'Away' },
      { tries: 0, lastError: 'Away' },
    ]);
  });

  it('tries another entry next when one alone is not answered in time', async () => {
    const [slow, ...others] = await owe([uuid(), uuid(), uuid()]);
    const started: string[] = [];

    await relay(
      async ({ id }) => {
        if (id === slow) throw new Unavailable('Not in time');
        started.push(id);
      },
      (rows) => rows.filter(({ isDone }) => isDone).length === 2,
    );

    expect(started.toSorted()).toEqual(others.toSorted());
  });

  it('starts each entry once when two relays run at once', async () => {
    const ids = await owe(Array.from({ length: 150 }, () => uuid()));
    const started: string[] = [];

    await relay(
      async ({ id }) => {
        await setTimeout(1);
        started.push(id);
      },
      allDone,
      2,
    );

    expect(started.toSorted()).toEqual(ids.toSorted());
  });

  it('starts once more what it started and could not mark', async () => {
    const [id] = await owe([uuid()]);
    const started: string[] = [];
    await relay(async (entry) => void started.push(entry.id), allDone);

    await database.sql('UPDATE core.outbox SET dispatched_at = NULL, locked_until = NULL');
    await due();
    await relay(async (entry) => void started.push(entry.id), allDone);

    expect(started).toEqual([id, id]);
  });

  it('leaves alone what another relay has claimed and may still start', async () => {
    const [claimed, free] = await owe([uuid(), uuid()]);
    await database.sql(
      `UPDATE core.outbox SET locked_until = now() + interval '30 seconds' WHERE id = $1`,
      [claimed],
    );
    const started: string[] = [];

    await relay(
      async ({ id }) => void started.push(id),
      (rows) => rows.some(({ isDone }) => isDone),
    );

    expect(started).toEqual([free]);
  });
});

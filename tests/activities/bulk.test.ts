import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { bulkActivities, type OperateRun } from '../../src/activities/bulk.ts';
import { createBulkOperations, type BulkWish } from '../../src/commands/bulkOperations.ts';
import { createDispatcher } from '../../src/commands/dispatch.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { createWorkflowOperations } from '../../src/commands/workflowOperations.ts';
import { createWorkflowSearch } from '../../src/commands/workflowSearch.ts';
import type { Actor } from '../../src/context.ts';
import { NotFound, Unavailable } from '../../src/errors.ts';
import { withTenant } from '../../src/models/database.ts';
import type { RunOrder } from '../../src/rules/runActions.ts';
import { as, buildActor, buildCompany, buildSubscription, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildPolicyRow } from '../support/policyRows.ts';
import { createCursors } from '../../src/commands/cursors.ts';

const cursors = createCursors({ secretKey: 'test' });

const away = () => Promise.reject(new Unavailable('There is no Temporal here'));

describe('what the worker does for an operation on many runs', () => {
  let database: TestDatabase;
  let companyId: string;
  let operator: Actor;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());
  beforeEach(async () => {
    companyId = (await buildCompany()).id;
    operator = await buildActor({ companyId, role: 'operator' });
  });

  const dispatcher = createDispatcher({
    temporal: { start: away },
    log: pino({ level: 'silent' }),
  });
  const bulk = createBulkOperations({
    search: createWorkflowSearch({
      cursors,
      temporal: { failingStep: async () => undefined, uiUrl: () => '', blocked: away },
      companies: { enter: away },
    }),
    dispatcher,
  });

  /** An operation on so many subscriptions. */
  async function begin(many: number, changes: Partial<BulkWish> = {}) {
    for (let n = 0; n < many; n += 1) await buildSubscription({ companyId });
    const wish: BulkWish = {
      action: 'cancel',
      filter: {},
      reason: 'Opened by mistake',
      dryRun: false,
      perSecond: 5,
      ...changes,
    };
    const begun = await as(operator, () => bulk.begin(operator, wish, once(operator)));
    if (begun instanceof Replay || !begun.bulkId) throw new Error('Nothing was begun');
    return begun.bulkId;
  }

  /** The real operations, on a Temporal that only remembers what it was asked. */
  function operating(fails: (asked: readonly string[]) => Error | undefined = () => undefined) {
    const asked: string[] = [];
    const ask = (what: string) => async (): Promise<void> => {
      asked.push(what);
      const error = fails(asked);
      if (error) throw error;
    };
    const { carryOut } = createWorkflowOperations({
      temporal: {
        cancel: ask('cancel'),
        terminate: ask('terminate'),
        tell: ask('tell'),
        command: async (_, { commandId }) => {
          await ask(commandId)();
          return JSON.parse('{}');
        },
      },
      workflows: { command: away },
      dispatcher,
    });
    return { asked, operateRun: carryOut };
  }

  const carryOut = (
    bulkId: string,
    operateRun: OperateRun,
    most = 10,
  ): Promise<{ left: number; waitMs?: number }> =>
    new MockActivityEnvironment().run(() =>
      bulkActivities({ operateRun }).carryOutBulk({ companyId, bulkId, most }),
    );

  const items = (bulkId: string) =>
    database.sql<{ result: string; code: string | null; tries: number; entity_id: string }>(
      'SELECT result, code, tries, entity_id FROM core.bulk_items WHERE bulk_id = $1 ORDER BY id',
      [bulkId],
    );
  const operated = () =>
    database.sql<{ id: string; actor_id: string; operation: string }>(
      `SELECT entity_id AS id, actor_id, after ->> 'operation' AS operation FROM core.audit_logs
       WHERE company_id = $1 AND action = 'OPERATE' ORDER BY timestamp, entity_id`,
      [companyId],
    );
  const isClosed = async (bulkId: string) => {
    const [row] = await database.sql<{ closed: boolean }>(
      'SELECT workflow_closed_at IS NOT NULL AS closed FROM core.bulk_operations WHERE id = $1',
      [bulkId],
    );
    return row?.closed;
  };

  it('does not end the keeper of a policy in force, and has it look again', async () => {
    const { policyId } = await buildPolicyRow({ companyId, authors: [], status: 'published' });
    await database.sql(
      'UPDATE shared.compliance_policy_versions SET workflow_closed_at = now() WHERE policy_id = $1',
      [policyId],
    );
    const filter = { type: 'acknowledgement' } as const;
    const { asked, operateRun } = operating();
    const looking = await begin(0, { filter, action: 'signal' });

    await carryOut(looking, operateRun);

    expect(await items(looking)).toMatchObject([{ entity_id: policyId, result: 'done' }]);
    expect(asked[0]).toBe('tell');
    await expect(begin(0)).rejects.toMatchObject({ status: 422 });
    await expect(begin(0, { filter })).rejects.toMatchObject({ status: 422 });
    expect(await operated()).toMatchObject([{ id: policyId, operation: 'signal' }]);
  });

  it('carries out so many at a time, each once, for whoever asked', async () => {
    const bulkId = await begin(3);
    const { asked, operateRun } = operating();

    expect(await carryOut(bulkId, operateRun, 2)).toEqual({ left: 1, waitMs: 0 });
    expect(await isClosed(bulkId)).toBe(false);
    expect(await carryOut(bulkId, operateRun, 2)).toEqual({ left: 0, waitMs: 0 });
    expect(await carryOut(bulkId, operateRun, 2)).toEqual({ left: 0, waitMs: 0 });

    expect(asked).toEqual(['cancel', 'cancel', 'cancel']);
    const all = await items(bulkId);
    expect(all.map(({ result, tries }) => [result, tries])).toEqual([
      ['done', 1],
      ['done', 1],
      ['done', 1],
    ]);
    expect(await operated()).toEqual(
      all.map(({ entity_id: id }) => ({ id, actor_id: operator.userId, operation: 'cancel' })),
    );
    expect(await isClosed(bulkId)).toBe(true);
  });

  it('tells which runs refused, and goes on with the others', async () => {
    const bulkId = await begin(2);
    const [first] = await items(bulkId);
    await database.sql(
      'UPDATE shared.policy_subscriptions SET workflow_closed_at = now() WHERE id = $1',
      [first?.entity_id],
    );

    await carryOut(bulkId, operating().operateRun);

    expect(await items(bulkId)).toMatchObject([
      { result: 'refused', code: 'WORKFLOW_CLOSED' },
      { result: 'done', code: null },
    ]);
    expect(await operated()).toHaveLength(1);
  });

  it('tries what nobody answers about after all others, less and less often, for minutes', async () => {
    const bulkId = await begin(2);
    const [first] = await items(bulkId);
    const order: string[] = [];
    const operateRun: OperateRun = async (_, { id, alongside }) => {
      order.push(id);
      if (id === first?.entity_id) throw new Unavailable('No answer', 'COMMAND_PENDING');
      await withTenant(companyId, async () => alongside?.());
    };

    const waits: unknown[] = [];
    for (let round = 0; round < 11; round += 1) {
      waits.push((await carryOut(bulkId, operateRun, 1)).waitMs);
    }

    const [, second] = await items(bulkId);
    expect(order.slice(0, 3)).toEqual([first, second, first].map((item) => item?.entity_id));
    expect(waits).toEqual([0, 1e3, 2e3, 4e3, 8e3, 16e3, 32e3, 60e3, 60e3, 60e3, 0]);
    expect(await items(bulkId)).toMatchObject([
      { result: 'failed', code: 'COMMAND_PENDING', tries: 10 },
      { result: 'done', tries: 1 },
    ]);
    expect(await isClosed(bulkId)).toBe(true);
  });

  it('calls a bug by no other name, and goes on', async () => {
    const bulkId = await begin(1);
    const operateRun: OperateRun = () => Promise.reject(new Error('a secret of the code'));

    for (let round = 0; round < 3; round += 1) await carryOut(bulkId, operateRun);

    const [item] = await database.sql<{ code: string; message: string }>(
      'SELECT code, message FROM core.bulk_items WHERE bulk_id = $1',
      [bulkId],
    );
    expect(item?.code).toBe('INTERNAL_ERROR');
    expect(item?.message).not.toContain('secret');
  });

  it.each(['cancel', 'terminate', 'reset', 'retry_step', 'signal'] as const)(
    'asks for a %s again under the same id where the effect was not written down',
    async (action) => {
      const bulkId = await begin(1, { action, confirm: 1 });
      const [item] = await database.sql<{ id: string }>(
        'SELECT id FROM core.bulk_items WHERE bulk_id = $1',
        [bulkId],
      );
      const orders: RunOrder[] = [];
      // The first try ends a run, and nobody finds it the second time.
      const gone = new NotFound('There is no such running workflow');
      const { asked, operateRun } = operating((all) =>
        all.length > 1 && (action === 'terminate' || action === 'reset') ? gone : undefined,
      );
      await database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE company_id = $1', [
        companyId,
      ]);
      const dying: OperateRun = async (actor, order) => {
        orders.push(order);
        const dies = () => Promise.reject(new Error('The process died here'));
        return operateRun(actor, orders.length > 1 ? order : { ...order, alongside: dies });
      };

      await carryOut(bulkId, dying);
      expect(await items(bulkId)).toMatchObject([{ result: 'pending', tries: 1 }]);
      expect(await operated()).toEqual([]);
      await carryOut(bulkId, dying);

      expect(await items(bulkId)).toMatchObject([{ result: 'done', tries: 2 }]);
      expect(await operated()).toHaveLength(1);
      expect(new Set(orders.map(({ commandId }) => commandId))).toEqual(
        new Set([`bulk/${bulkId}/${item?.id}`]),
      );
      expect(asked.length).toBeGreaterThan(1);
      const restarts = await database.sql(
        'SELECT FROM core.outbox WHERE company_id = $1 AND is_restart',
        [companyId],
      );
      expect(restarts).toHaveLength(action === 'reset' ? 1 : 0);
    },
  );

  it('counts as done what an earlier try has ended', async () => {
    const bulkId = await begin(1);
    const [item] = await items(bulkId);
    const gone = new NotFound('There is no such running workflow');
    const { operateRun } = operating(({ length }) => (length > 1 ? gone : undefined));
    const dying: OperateRun = async (actor, order) => {
      await operateRun(actor, {
        ...order,
        alongside: () => Promise.reject(new Error('The process died here')),
      });
    };

    await carryOut(bulkId, dying);
    await database.sql(
      'UPDATE shared.policy_subscriptions SET workflow_closed_at = now() WHERE id = $1',
      [item?.entity_id],
    );
    await carryOut(bulkId, operateRun);

    expect(await items(bulkId)).toMatchObject([{ result: 'done', tries: 2 }]);
  });

  it('begins nothing after an abort, and brings to its end what it had begun', async () => {
    const bulkId = await begin(3);
    const dead: OperateRun = () => Promise.reject(new Unavailable('No answer', 'COMMAND_PENDING'));
    await carryOut(bulkId, dead, 1);
    await as(operator, () =>
      bulk.abort(operator, { id: bulkId, reason: 'The wrong filter' }, once(operator)),
    );
    const { asked, operateRun } = operating();

    expect(await carryOut(bulkId, operateRun)).toEqual({ left: 0, waitMs: 0 });

    expect(asked).toEqual(['cancel']);
    expect((await items(bulkId)).map(({ result }) => result)).toEqual([
      'done',
      'pending',
      'pending',
    ]);
    expect(await isClosed(bulkId)).toBe(true);
  });

  it('stops between two runs as soon as it is aborted', async () => {
    const bulkId = await begin(2);
    const { asked, operateRun } = operating();
    const aborting: OperateRun = async (actor, order) => {
      await operateRun(actor, order);
      await as(operator, () =>
        bulk.abort(operator, { id: bulkId, reason: 'The wrong filter' }, once(operator)),
      );
    };

    await carryOut(bulkId, aborting);

    expect(asked).toEqual(['cancel']);
    expect((await items(bulkId)).map(({ result }) => result)).toEqual(['done', 'pending']);
  });

  it('does nothing twice where two workers have the same runs', async () => {
    const bulkId = await begin(1);
    const { operateRun } = operating();
    const overtaken: OperateRun = async (actor, order) => {
      await carryOut(bulkId, operateRun);
      return operateRun(actor, order);
    };

    await carryOut(bulkId, overtaken);

    expect(await items(bulkId)).toMatchObject([{ result: 'done', tries: 2 }]);
    expect(await operated()).toHaveLength(1);
  });
});

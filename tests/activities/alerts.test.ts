import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { alertActivities, type TriedStep, type TroubledRuns } from '../../src/activities/alerts.ts';
import type { Actor } from '../../src/context.ts';
import { createAlerts, type AlertRuleWish } from '../../src/commands/alerts.ts';
import { markDispatched } from '../../src/commands/dispatch.ts';
import { withTenant } from '../../src/models/database.ts';
import { noteRetriedStep } from '../../src/models/retriedSteps.ts';
import { WorkflowDrift } from '../../src/models/WorkflowDrift.ts';
import { promiseStarts } from '../../src/models/workflowStarts.ts';
import type { AlertKind } from '../../src/rules/alerts.ts';
import { subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import { as, buildActor, buildCompany, buildSubscription, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { inOrder, noTroubledRuns } from '../support/troubledRuns.ts';

describe('raising alerts', () => {
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

  /** One look at every company, by what Temporal tells. */
  const look = (told: Partial<TroubledRuns> = {}): Promise<void> =>
    new MockActivityEnvironment().run(() =>
      alertActivities({ troubledRuns: { ...noTroubledRuns(), ...told } }).raiseAlerts(),
    );

  const listing = (...workflowIds: string[]) => ({
    givenUp: async () => ({ workflowIds, isComplete: true }),
  });

  const telling = (tried: Partial<TriedStep>): Partial<TroubledRuns> => ({
    triedSteps: async (ids) => new Map(ids.map((id) => [id, { ...inOrder, ...tried }])),
  });

  const alerts = () =>
    database.sql<{ kind: string }>(
      `SELECT kind, subject, type, entity_id, detail, attempts,
         resolved_at IS NOT NULL AS resolved
       FROM core.alerts WHERE company_id = $1 ORDER BY raised_at, kind, subject`,
      [companyId],
    );

  const messages = () =>
    database.sql(
      `SELECT channel, recipient_role AS role, recipient_user_id AS "userId", payload
       FROM core.notifications WHERE company_id = $1 AND template_code = 'alert_raised'
       ORDER BY id`,
      [companyId],
    );

  /** A sale with a timer that should have fired so long ago. */
  async function buildLateSale(minutes: number): Promise<string> {
    const { id } = await buildSubscription({ companyId });
    await database.sql(
      `UPDATE core.timers SET due_at = now() - $2 * interval '1 minute'
       WHERE entity_id = $1 AND name = 'renewal_offer'`,
      [id, minutes],
    );
    return id;
  }

  const setRule = (kind: AlertKind, wish: AlertRuleWish): Promise<unknown> =>
    as(operator, () => createAlerts().createRule(operator, { kind, ...wish }, once(operator)));

  it('finds a timer that does not fire, and tells operators once by each channel', async () => {
    const id = await buildLateSale(11);
    await buildLateSale(9);

    await look();
    await look();

    const subject = subscriptionWorkflowId(companyId, id);
    const late = { kind: 'timers_overdue', type: 'subscription', detail: 'renewal_offer' };
    expect(await alerts()).toEqual([
      expect.objectContaining({ ...late, subject, entity_id: id, resolved: false }),
    ]);
    const payload = expect.objectContaining({ count: 1, subjects: subject, hasMore: false });
    expect(await messages()).toEqual([
      { channel: 'in_app', role: 'operator', userId: null, payload },
      { channel: 'in_app', role: 'global_admin', userId: null, payload },
      { channel: 'email', role: null, userId: operator.userId, payload },
    ]);
    const owed = await database.sql(
      `SELECT FROM core.outbox WHERE company_id = $1 AND workflow_type = 'notificationDelivery'
         AND dispatched_at IS NULL AND summary LIKE '%alert raised'`,
      [companyId],
    );
    expect(owed).toHaveLength(1);
  });

  it('tells the webhooks of the company where the rule says so, and not else', async () => {
    const endpoint = uuid();
    await database.sql(
      `INSERT INTO core.webhook_endpoints (company_id, id, url, events, secret_sealed)
       VALUES ($1, $2, 'https://hooks.example', '["alert_raised"]', 'sealed')`,
      [companyId, endpoint],
    );
    await setRule('timers_overdue', { channels: ['webhook'] });
    await buildLateSale(11);

    await look();
    await look();

    expect(await messages()).toEqual([]);
    const promised = await database.sql(
      `SELECT endpoint_id, event, entity_type FROM core.webhook_deliveries WHERE company_id = $1`,
      [companyId],
    );
    expect(promised).toEqual([
      { endpoint_id: endpoint, event: 'alert_raised', entity_type: 'alert' },
    ]);
  });

  it('resolves what is over, and raises it anew when it comes back', async () => {
    const id = await buildLateSale(11);
    await look();
    const move = (to: string) =>
      database.sql(
        `UPDATE core.timers SET due_at = now() + $2::interval
         WHERE entity_id = $1 AND name = 'renewal_offer'`,
        [id, to],
      );

    await move('1 day');
    await look();
    expect(await alerts()).toMatchObject([{ resolved: true }]);
    await move('-1 day');
    await look();

    expect(await alerts()).toMatchObject([{ resolved: true }, { resolved: false }]);
    expect(await messages()).toHaveLength(6);
  });

  it('finds what the nightly check found to differ, until it no longer does', async () => {
    const entityId = uuid();
    const workflowId = subscriptionWorkflowId(companyId, entityId);
    const details = { row: { stateVersion: 1, dueAt: null }, run: null };
    const drift = { kind: 'subscription', entityId, workflowId, details } as const;
    await withTenant(companyId, () =>
      WorkflowDrift.note(
        companyId,
        [
          { ...drift, finding: 'timers' },
          { ...drift, finding: 'state' },
        ],
        new Date(),
      ),
    );

    await look();
    const before = await alerts();
    await withTenant(companyId, () => WorkflowDrift.settle(new Date(Date.now() + 1000)));
    await look();

    const found = { kind: 'drift', subject: workflowId, detail: 'state, timers' };
    expect(before).toEqual([expect.objectContaining({ ...found, resolved: false })]);
    expect(await alerts()).toMatchObject([{ ...found, resolved: true }]);
  });

  it('finds runs that wait for an operator, and runs of which the code fails', async () => {
    const [stuck, broken] = [uuid(), uuid()].map((id) => subscriptionWorkflowId(companyId, id));
    const other = subscriptionWorkflowId((await buildCompany()).id, uuid());

    await look({
      ...listing(String(stuck), other),
      codeFailing: async () => ({ workflowIds: [String(broken)], isComplete: true }),
    });

    expect(await alerts()).toMatchObject([
      { kind: 'activity_failing', subject: stuck },
      { kind: 'workflow_task_failing', subject: broken },
    ]);
  });

  it('asks late runs themselves where Temporal lists none whose code fails', async () => {
    const late = subscriptionWorkflowId(companyId, await buildLateSale(11));
    await buildSubscription({ companyId });
    const asked: string[] = [];
    const older = (isCodeFailing?: boolean): Partial<TroubledRuns> => ({
      codeFailing: async () => undefined,
      triedSteps: async (ids) => {
        asked.push(...ids);
        if (isCodeFailing === undefined) return new Map();
        return new Map(ids.map((id) => [id, { ...inOrder, isCodeFailing }]));
      },
    });
    const ofCode = async () =>
      (await alerts()).filter((alert) => alert.kind === 'workflow_task_failing');

    await look(older(true));
    expect(await ofCode()).toMatchObject([{ subject: late, resolved: false }]);
    await look(older());
    expect(await ofCode()).toMatchObject([{ resolved: false }]);
    await look(older(false));

    expect(await ofCode()).toMatchObject([{ resolved: true }]);
    expect(asked.filter((id) => id.includes(companyId))).toEqual([late, late, late]);
  });

  describe('of starts', () => {
    /** A sale whose start is owed since so many seconds. */
    async function buildOwedSale(seconds: number): Promise<string> {
      const { id } = await buildSubscription({ companyId });
      await database.sql(
        `UPDATE core.outbox SET created_at = now() - $2 * interval '1 second', last_error = 'No such type'
         WHERE entity_id = $1`,
        [id, seconds],
      );
      return id;
    }

    const park = (id: string) =>
      database.sql(
        `UPDATE core.outbox SET parked_at = now() - interval '1 hour' WHERE entity_id = $1`,
        [id],
      );

    const minutesOf = async () => {
      const [row] = await database.sql<{ minutes: string }>(
        `SELECT round(extract(epoch FROM now() - since) / 60) AS minutes FROM core.alerts
         WHERE company_id = $1`,
        [companyId],
      );
      return Number(row?.minutes);
    };

    it('finds one that is owed for more than a minute, until it is given', async () => {
      const id = await buildOwedSale(120);
      await buildOwedSale(55);

      await look();
      await look();

      const subject = subscriptionWorkflowId(companyId, id);
      const found = { kind: 'outbox_late', subject, entity_id: id, detail: 'No such type' };
      expect(await alerts()).toEqual([
        expect.objectContaining({ ...found, type: 'subscription', resolved: false }),
      ]);
      expect(await minutesOf()).toBe(2);
      expect(await messages()).toHaveLength(3);
      await database.sql('UPDATE core.outbox SET dispatched_at = now() WHERE entity_id = $1', [id]);
      await look();
      expect(await alerts()).toMatchObject([{ ...found, resolved: true }]);
    });

    it('finds one that was given up, until a later one of the same run is given', async () => {
      const id = await buildOwedSale(120);
      await park(id);
      await look();
      const again = await withTenant(companyId, () => promiseStarts([id]));
      await database.sql(
        `UPDATE core.outbox SET created_at = now() - interval '2 minutes' WHERE entity_id = $1`,
        [id],
      );
      await look();

      const subject = subscriptionWorkflowId(companyId, id);
      const found = { kind: 'outbox_parked', subject, entity_id: id, detail: 'No such type' };
      expect(await alerts()).toEqual([
        expect.objectContaining({ ...found, type: 'subscription', resolved: false }),
      ]);
      expect(await minutesOf()).toBe(60);
      expect(await messages()).toHaveLength(3);
      await markDispatched(again);
      await look();
      expect(await alerts()).toMatchObject([{ ...found, resolved: true }]);
    });

    it('raises none of the messages about other alerts', async () => {
      await database.sql(
        `INSERT INTO core.webhook_endpoints (company_id, id, url, events, secret_sealed)
         VALUES ($1, $2, 'https://hooks.example', '["alert_raised"]', 'sealed')`,
        [companyId, uuid()],
      );
      await setRule('timers_overdue', { channels: ['email', 'webhook'] });
      await buildLateSale(11);
      await look();

      const late = await database.sql(
        `UPDATE core.outbox SET created_at = now() - interval '1 hour'
         WHERE company_id = $1 AND summary LIKE '%: alert raised' RETURNING workflow_type`,
        [companyId],
      );
      await look();

      expect(late).toHaveLength(2);
      expect(await alerts()).toMatchObject([{ kind: 'timers_overdue' }]);
    });
  });

  describe('of a step that is tried again', () => {
    const step = 'moveClaim';
    let workflowId: string;

    beforeEach(() => {
      workflowId = subscriptionWorkflowId(companyId, uuid());
    });

    const note = (minutes: number): Promise<void> =>
      withTenant(companyId, () =>
        noteRetriedStep(companyId, {
          workflowId,
          step,
          since: new Date(Date.now() - minutes * 60_000),
        }),
      );

    it('waits until it failed too often or for too long', async () => {
      await note(29);
      await look(telling({ failures: 10 }));
      expect(await alerts()).toEqual([]);

      await look(telling({ failures: 11 }));
      expect(await alerts()).toMatchObject([
        { kind: 'activity_failing', detail: step, attempts: 11 },
      ]);

      await look(telling(inOrder));
      await note(31);
      await look(telling({ failures: 3 }));
      expect(await alerts()).toMatchObject([
        { resolved: true },
        { detail: step, attempts: 3, resolved: false },
      ]);
    });

    it('asks no more about one that goes on, until it is noted again', async () => {
      await note(5);
      const asked: string[] = [];
      const asking: Partial<TroubledRuns> = {
        triedSteps: async (ids) => {
          asked.push(...ids.filter((id) => id === workflowId));
          return new Map(ids.map((id) => [id, inOrder]));
        },
      };

      await look(asking);
      await look(asking);
      expect(asked).toEqual([workflowId]);
      await note(5);
      await look(asking);

      expect(asked).toEqual([workflowId, workflowId]);
    });

    it('stays one alert when the step is given up', async () => {
      await note(31);
      await look(telling({ failures: 3 }));

      await look({ ...telling({ isGivenUp: true }), ...listing(workflowId) });

      expect(await alerts()).toMatchObject([{ detail: step, attempts: null, resolved: false }]);
      expect(await messages()).toHaveLength(3);
    });

    it('resolves nothing while Temporal does not answer', async () => {
      await note(31);
      await look(telling({ failures: 3 }));

      await look({ triedSteps: async () => new Map() });
      await look({ ...telling(inOrder), givenUp: async () => undefined });
      await look({
        ...telling(inOrder),
        givenUp: async () => ({ workflowIds: [], isComplete: false }),
      });

      expect(await alerts()).toMatchObject([{ resolved: false }]);
      await look();
      expect(await alerts()).toMatchObject([{ resolved: true }]);
    });
  });

  it('of one source is not held up by another that does not answer', async () => {
    const id = await buildLateSale(11);
    await look({ givenUp: async () => undefined, codeFailing: async () => undefined });
    expect(await alerts()).toMatchObject([{ kind: 'timers_overdue', resolved: false }]);

    await database.sql(`UPDATE core.timers SET status = 'fired' WHERE entity_id = $1`, [id]);
    await look({ givenUp: async () => undefined, codeFailing: async () => undefined });

    expect(await alerts()).toMatchObject([{ resolved: true }]);
  });

  it('goes by the rules of the company', async () => {
    await buildLateSale(11);
    await setRule('timers_overdue', { minutes: 12 });
    await look();
    expect(await alerts()).toEqual([]);

    await look(listing(subscriptionWorkflowId(companyId, uuid())));
    expect(await alerts()).toMatchObject([{ kind: 'activity_failing' }]);
    await setRule('activity_failing', { isEnabled: false });
    await look(listing(subscriptionWorkflowId(companyId, uuid())));

    expect(await alerts()).toMatchObject([{ kind: 'activity_failing', resolved: true }]);
  });

  it('tells the roles of the rule, by its channels alone', async () => {
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    await setRule('timers_overdue', { roles: ['tenant_admin'], channels: ['email'] });
    await buildLateSale(11);

    await look();

    expect(await messages()).toMatchObject([{ channel: 'email', userId: admin.userId }]);
  });

  it('tells the administrators where there is no operator, and nobody where no channel is', async () => {
    const { id: orphan } = await buildCompany();
    companyId = orphan;
    const admin = await buildActor({ companyId, role: 'tenant_admin' });
    await buildLateSale(11);

    await look();

    expect(await messages()).toMatchObject([
      { channel: 'in_app', role: 'tenant_admin' },
      { channel: 'email', userId: admin.userId },
    ]);
  });

  it('raises what nobody wants to be told of', async () => {
    await setRule('timers_overdue', { channels: [] });
    await buildLateSale(11);

    await look();

    expect(await alerts()).toHaveLength(1);
    expect(await messages()).toEqual([]);
  });

  it('tells of many in one message, with the first five', async () => {
    const ids = Array.from({ length: 7 }, () => subscriptionWorkflowId(companyId, uuid()));

    await look(listing(...ids));

    expect(await alerts()).toHaveLength(7);
    const told = await messages();
    expect(told).toHaveLength(3);
    expect(told[0]).toMatchObject({
      payload: { count: 7, hasMore: true, subjects: expect.stringMatching(/^(?:\S+\n){4}\S+$/) },
    });
  });

  it('asks as often for many as for one', async () => {
    // Of the others something may come to be late at any moment.
    await database.sql('UPDATE platform.companies SET archived_at = now() WHERE id <> $1', [
      companyId,
    ]);
    const asked = async (): Promise<number> => {
      const statements = await database.statementsOf(look);
      return statements.filter((sql) => !sql.includes('platform.companies')).length;
    };
    await buildLateSale(11);
    await look();
    const forOne = await asked();
    await buildLateSale(12);
    await buildLateSale(13);
    await look();

    expect(await asked()).toBe(forOne);
    expect(await alerts()).toHaveLength(3);
  });
});

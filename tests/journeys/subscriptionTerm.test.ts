import { createSubscriptions } from '../../src/commands/subscriptions.ts';
import { PolicySubscription } from '../../src/models/PolicySubscription.ts';
import { withTenant } from '../../src/models/database.ts';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { createWorkflowCommands } from '../../src/commands/workflows.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import { as, buildActor, buildCompany, buildPlan, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { openSkippingTemporal } from '../support/lifecycle.ts';
import { startWorkflow } from '../support/start.ts';

describe('a twelve-month term', () => {
  let database: TestDatabase;
  let temporal: Awaited<ReturnType<typeof openSkippingTemporal>>;
  const starts: WorkflowStart[] = [];
  const unused = createWorkflowCommands({
    start: () => Promise.reject(new Error('not here')),
    command: () => Promise.reject(new Error('not here')),
  });
  const subscriptions = createSubscriptions({
    dispatcher: { dispatch: (start) => void starts.push(start), drained: () => Promise.resolve() },
    workflows: unused,
  });

  beforeAll(async () => {
    database = await openTestDatabase();
    temporal = await openSkippingTemporal();
  });

  afterAll(async () => {
    await temporal.close();
    await database.close();
  });

  it('reminds, expires and closes by its durable timers, each message once', async () => {
    const company = await buildCompany();
    const holder = await buildActor({ companyId: company.id });
    const plan = await buildPlan({ companyId: company.id });
    const view = await as(holder, () =>
      subscriptions.subscribe(holder, { insurancePlanId: plan.id, autoRenew: false }, once(holder)),
    );
    if (view instanceof Replay) throw new Error('not a replay');
    const { id } = view.subscription;
    const [start] = starts.splice(0);
    if (!start) throw new Error('nothing was dispatched');

    await startWorkflow(temporal.env, start);
    await temporal.env.client.workflow.getHandle(subscriptionWorkflowId(company.id, id)).result();

    const row = await withTenant(company.id, () => PolicySubscription.findOne({ where: { id } }));
    expect(row).toMatchObject({ status: 'expired', stateVersion: 2 });
    expect(row?.workflowClosedAt).not.toBeNull();
    expect(temporal.mails.map(({ subject }) => subject)).toEqual([
      `Your policy ${view.policyNumber}`,
      ...Array.from(
        { length: 5 },
        () => `Policy ${view.policyNumber} ends on ${view.subscription.endDate}`,
      ),
      `Policy ${view.policyNumber} has expired`,
    ]);
    expect(new Set(temporal.mails.map(({ messageId }) => messageId)).size).toBe(7);
  });
});

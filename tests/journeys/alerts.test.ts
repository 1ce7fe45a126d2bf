import { setTimeout } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { alertActivities, type TroubledRuns } from '../../src/activities/alerts.ts';
import { createAlerts } from '../../src/commands/alerts.ts';
import { subscriptionWorkflowId } from '../../src/rules/workflowIds.ts';
import { retryStep } from '../../src/workflows/attention.ts';
import { openTroubledRuns } from '../../worker/troubledRuns.ts';
import { as, once } from '../support/build.ts';
import { useJourneys, type Journey, type Journeys, type Row } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';
import { inOrder } from '../support/troubledRuns.ts';

describe('an alert', () => {
  let journeys: Journeys;
  let troubledRuns: TroubledRuns;
  useJourneys(
    (opened) => {
      journeys = opened;
      const { temporal, taskQueue } = opened.server;
      troubledRuns = openTroubledRuns(temporal.client, taskQueue);
    },
    () => openRealTemporal(),
  );

  const look = (): Promise<void> =>
    new MockActivityEnvironment().run(() => alertActivities({ troubledRuns }).raiseAlerts());

  const alertsOf = ({ company }: Journey): Promise<Row[]> =>
    journeys.database.sql(
      `SELECT kind, subject, detail, attempts, resolved_at IS NOT NULL AS resolved
       FROM core.alerts WHERE company_id = $1 ORDER BY raised_at`,
      [company.id],
    );

  const messagesOf = ({ company }: Journey): Promise<Row[]> =>
    journeys.database.sql(
      `SELECT channel FROM core.notifications
       WHERE company_id = $1 AND template_code = 'alert_raised' ORDER BY id`,
      [company.id],
    );

  /** Looks again and again: visibility lags, and a step is tried again after a while. */
  async function lookUntil(
    journey: Journey,
    isSo: (alerts: readonly Row[]) => boolean,
  ): Promise<readonly Row[]> {
    for (;;) {
      await look();
      const alerts = await alertsOf(journey);
      if (isSo(alerts)) return alerts;
      await setTimeout(200);
    }
  }

  const ofStep = (alerts: readonly Row[]): readonly Row[] =>
    alerts.filter(({ kind }) => kind === 'activity_failing');

  it('tells once of a step that was given up, and is resolved when the run goes on', async () => {
    const journey = await journeys.begin();
    const { workflowId: subject } = journey;
    const operator = await journey.staff('operator');
    await journey.moveExpiry(journeys.now() + 10_000);
    await journey.rest();
    await journey.setRow('state_version = state_version + 5');

    await lookUntil(journey, (alerts) => ofStep(alerts).length > 0);
    await look();
    const messages = await messagesOf(journey);
    await journeys.server.env.client.workflow
      .getHandle(subject)
      .executeUpdate(retryStep, { args: [{ reason: 'The row was put right' }] });
    const healed = await lookUntil(journey, (alerts) => alerts.every((each) => each['resolved']));

    expect(ofStep(healed)).toMatchObject([{ subject, resolved: true }]);
    expect(messages).toEqual([{ channel: 'in_app' }, { channel: 'in_app' }, { channel: 'email' }]);
    expect(await messagesOf(journey)).toHaveLength(3);
    expect(operator.companyId).toBe(journey.company.id);
  });

  it('tells of a step that is tried again and again, until it works', async () => {
    const journey = await journeys.begin();
    const operator = await journey.staff('operator');
    await as(operator, () =>
      createAlerts().createRule(
        operator,
        { kind: 'activity_failing', attempts: 2 },
        once(operator),
      ),
    );
    const broken = 'shared.policy_subscriptions ADD CONSTRAINT broken';
    await journeys.database.sql(
      `ALTER TABLE ${broken} CHECK (id <> '${journey.id}' OR status <> 'expired') NOT VALID`,
    );
    await journey.moveExpiry(journeys.now() + 5000);

    const raised = await lookUntil(journey, (alerts) => ofStep(alerts).length > 0);
    await journeys.database.sql('ALTER TABLE shared.policy_subscriptions DROP CONSTRAINT broken');
    const healed = await lookUntil(journey, (alerts) => alerts.every((each) => each['resolved']));

    expect(ofStep(raised)).toMatchObject([
      { subject: journey.workflowId, detail: 'fireSubscriptionTimer', resolved: false },
    ]);
    expect(Number(ofStep(raised)[0]?.['attempts'])).toBeGreaterThan(2);
    expect(ofStep(healed)).toHaveLength(1);
  });

  it('is asked of Temporal for the runs of this deployment alone', async () => {
    const journey = await journeys.begin();
    const { temporal } = journeys.server;
    const elsewhere = openTroubledRuns(temporal.client, `nobody-${uuid()}`);
    const unknown = subscriptionWorkflowId(journey.company.id, uuid());

    const tried = await troubledRuns.triedSteps([journey.workflowId, unknown]);

    expect([...tried]).toEqual([
      [journey.workflowId, inOrder],
      [unknown, inOrder],
    ]);
    expect(await elsewhere.givenUp()).toEqual({ workflowIds: [], isComplete: true });
    // A server before 1.30 does not know: then nothing is raised and nothing resolved.
    expect([undefined, { workflowIds: [], isComplete: true }]).toContainEqual(
      await elsewhere.codeFailing(),
    );
  });

  it('knows when workers last asked each queue for work', async () => {
    const { temporal, taskQueue } = journeys.server;

    let polls = await temporal.lastPolls();
    // Workers that have just begun ask each queue a moment later.
    while ([...polls.values()].includes(undefined)) polls = await temporal.lastPolls();

    const queues = [
      'lifecycle',
      'notifications',
      'webhooks',
      'payments',
      'documents',
      'provisioning',
    ];
    expect([...polls.keys()]).toEqual(queues.map((queue) => `${taskQueue}-${queue}`));
    for (const last of polls.values()) {
      expect(Math.abs(Date.now() - Number(last))).toBeLessThan(120_000);
    }
  });
});

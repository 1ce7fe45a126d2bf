import { memoryStorage } from '../support/documents.ts';
import { readFileSync } from 'node:fs';
import { createWorkflowDrifts } from '../../src/commands/workflowDrifts.ts';
import { createWorkflowOperations } from '../../src/commands/workflowOperations.ts';
import { createWorkflowReplays, type ReplayCheck } from '../../src/commands/workflowReplays.ts';
import { select, withTenant } from '../../src/models/database.ts';
import { WorkflowDrift } from '../../src/models/WorkflowDrift.ts';
import { acknowledgementWorkflowId } from '../../src/rules/workflowIds.ts';
import { openReplay } from '../../worker/replay.ts';
import { hire, wakeKeeper } from '../support/acknowledgements.ts';
import { as, buildActor, once } from '../support/build.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';
import { beginPolicy } from '../support/policies.ts';
import { services } from '../support/services.ts';

describe('what operators do about the keeper of a policy', () => {
  const code = readFileSync(services().bundle, 'utf8');
  let journeys: Journeys;
  useJourneys(
    (opened) => void (journeys = opened),
    () =>
      openRealTemporal(() => ({
        replayRun: (workflowId) =>
          openReplay({
            client: journeys.server.temporal.client,
            bundle: { code },
            storage: memoryStorage(),
          })(workflowId),
      })),
  );

  /** A policy in force whose keeper has asked one person and rests. */
  async function begin() {
    const policy = await beginPolicy(journeys);
    const { company, id } = policy;
    await hire(company.id, 1);
    await policy.toPublished();
    await wakeKeeper(journeys, policy);
    const { server, workflows, dispatcher } = journeys;
    const { temporal } = server;
    const operator = await buildActor({ companyId: company.id, role: 'operator' });
    const { operate } = createWorkflowOperations({ temporal, workflows, dispatcher });
    const workflowId = acknowledgementWorkflowId(company.id, id);
    return {
      companyId: company.id,
      id,
      workflowId,
      handle: temporal.client.workflow.getHandle(workflowId),
      operate: (action: 'signal' | 'retry_step' | 'reset') =>
        as(operator, () =>
          operate(operator, {
            action,
            kind: 'acknowledgement',
            id,
            reason: 'The rows were put right',
            confirm: id,
            once: once(operator),
          }),
        ),
      replay: (): Promise<ReplayCheck> =>
        as(operator, () =>
          createWorkflowReplays({ temporal }).replay(operator, 'acknowledgement', id),
        ),
      repair: async (finding: 'missing' | 'state') => {
        const details = { row: { stateVersion: 1, dueAt: null }, run: null };
        const drift = await withTenant(company.id, async () => {
          const found = { kind: 'acknowledgement', entityId: id, workflowId, details } as const;
          await WorkflowDrift.note(company.id, [{ ...found, finding }], new Date());
          return WorkflowDrift.findOne({ where: { entityId: id, finding } });
        });
        const drifts = createWorkflowDrifts({ temporal, dispatcher });
        const wish = { id: drift?.id ?? '', reason: 'Found at night' };
        return as(operator, () => drifts.repair(operator, wish, once(operator)));
      },
      rest: async () => {
        await dispatcher.drained();
        return journeys.settled(workflowId);
      },
      /** How many rows and requests there are, which are as many as people. */
      asked: async () => {
        const [found] = await withTenant(company.id, () =>
          select<{ rows: number; mails: number }>(
            `SELECT (SELECT count(*)::integer FROM acknowledgements) AS rows,
               (SELECT count(*)::integer FROM core.notifications
                WHERE template_code = 'acknowledgement_assigned' AND channel = 'email') AS mails`,
          ),
        );
        return found;
      },
    };
  }

  it('leads by its replay to what the rows say', async () => {
    const { companyId, replay } = await begin();

    const sound = await replay();
    await withTenant(companyId, () =>
      select(`UPDATE acknowledgements SET due_date = due_date + 1, next_action_at = '2190-01-01'
        RETURNING id`),
    );
    const changed = await replay();

    expect(sound).toMatchObject({
      isDeterministic: true,
      isUnderWay: false,
      state: { status: 'watching', stateVersion: 1, isClosed: false },
      differences: [],
    });
    expect(changed.differences).toEqual([
      { field: 'next_at', run: expect.any(String), row: '2190-01-01T00:00:00.000Z' },
    ]);
  });

  it('looks at the people again when it is told to', async () => {
    const { companyId, operate, rest, asked } = await begin();
    await hire(companyId, 2);
    expect(await asked()).toEqual({ rows: 1, mails: 1 });

    await operate('signal');
    await rest();

    expect(await asked()).toEqual({ rows: 3, mails: 3 });
    expect(await operate('retry_step')).toMatchObject({ operation: 'retry_step' });
  });

  it('is replaced where it cannot go on, and nobody is asked twice', async () => {
    const { companyId, workflowId, handle, operate, rest, asked } = await begin();
    await handle.terminate();
    // No worker knows what to do with the history of this one.
    await journeys.server.temporal.client.workflow.start('no-such-workflow', {
      workflowId,
      taskQueue: `${journeys.server.taskQueue}-lifecycle`,
    });
    await hire(companyId, 1);

    await operate('reset');
    await rest();

    expect(await handle.describe()).toMatchObject({
      type: 'acknowledgement',
      status: { name: 'RUNNING' },
    });
    expect(await asked()).toEqual({ rows: 2, mails: 2 });
  });

  it('is started again, or told to look, where the nightly check found it astray', async () => {
    const { companyId, handle, repair, rest, asked } = await begin();
    await hire(companyId, 1);

    const read = await repair('state');
    await rest();
    const afterRead = await asked();
    await handle.terminate();
    const started = await repair('missing');
    await rest();

    expect(read).toMatchObject({ repair: 'read_again' });
    expect(afterRead).toEqual({ rows: 2, mails: 2 });
    expect(started).toMatchObject({ repair: 'start' });
    expect(await handle.describe()).toMatchObject({ status: { name: 'RUNNING' } });
    expect(await asked()).toEqual({ rows: 2, mails: 2 });
  });
});

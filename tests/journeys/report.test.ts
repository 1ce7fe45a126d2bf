import { setTimeout } from 'node:timers/promises';
import { Replay } from '../../src/commands/idempotency.ts';
import { createReports, type Reports } from '../../src/commands/reports.ts';
import { select, withTenant } from '../../src/models/database.ts';
import type { Actor } from '../../src/context.ts';
import { reportWorkflowId } from '../../src/rules/workflowIds.ts';
import { as, buildActor, buildCompany, buildDedicatedCompany, once } from '../support/build.ts';
import { useJourneys, type Journeys, type Row } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';

describe('a report', () => {
  let journeys: Journeys;
  let reports: Reports;
  // Nothing here waits for long, so the real server does.
  useJourneys((opened) => {
    journeys = opened;
    reports = createReports(opened);
  }, openRealTemporal);

  const wish = { name: 'Policies', reportType: 'policy_type_analysis', filters: {} } as const;

  interface Asked {
    readonly id: string;
    readonly author: Actor;
    readonly workflowId: string;
    row(): Promise<Row>;
  }

  /** @param schema where the company has its business tables */
  async function ask(companyId?: string, schema = 'shared'): Promise<Asked> {
    const author = await buildActor({
      companyId: companyId ?? (await buildCompany()).id,
      role: 'tenant_admin',
    });
    const made = await as(author, () =>
      reports.create(author, { ...wish, format: 'json' }, once(author)),
    );
    if (made instanceof Replay) throw new Error('A first request is no replay');
    const { id } = made.report;
    const workflowId = reportWorkflowId(author.companyId, id);
    journeys.track(workflowId);
    const row = async () => {
      const [found] = await journeys.database.sql<{ row: Row }>(
        `SELECT to_jsonb(r) AS row FROM ${schema}.reports r WHERE id = $1`,
        [id],
      );
      return found?.row ?? {};
    };
    return { id, author, workflowId, row };
  }

  const over = async ({ workflowId }: Asked): Promise<void> => {
    await journeys.dispatcher.drained();
    while (await journeys.settled(workflowId)) await setTimeout(50);
  };

  /** While a step is at work; returns once the workflow knows. */
  const cancelUnderWay = async ({ workflowId }: Asked): Promise<void> => {
    const handle = journeys.server.temporal.client.workflow.getHandle(workflowId);
    while (!(await handle.describe()).raw.pendingActivities?.length) await setTimeout(50);
    await handle.cancel();
    const isTold = async () =>
      (await handle.fetchHistory()).events?.some(
        (event) => event.activityTaskCancelRequestedEventAttributes,
      );
    while (!(await isTold())) await setTimeout(50);
  };

  const events = async ({ id }: Asked): Promise<string[]> =>
    (
      await journeys.database.sql<{ event: string }>(
        'SELECT event FROM core.transitions WHERE entity_id = $1 ORDER BY state_version',
        [id],
      )
    ).map(({ event }) => event);

  it('is ready after one run, and after another run of the same id once more', async () => {
    const asked = await ask();
    await over(asked);
    const first = await asked.row();

    await as(asked.author, () => reports.generate(asked.author, asked.id, once(asked.author)));
    await over(asked);

    const second = await asked.row();
    expect(first).toMatchObject({ status: 'ready', generation: 1, progress: 100 });
    expect(second).toMatchObject({ status: 'ready', generation: 2, state_version: 6 });
    expect(await events(asked)).toEqual(['begin', 'complete', 'generate', 'begin', 'complete']);
    const { workflow } = journeys.server.temporal.client;
    expect((await workflow.getHandle(asked.workflowId).describe()).status.name).toBe('COMPLETED');
  });

  it('is read from the tables of a company that has them to itself', async () => {
    const company = await buildDedicatedCompany(journeys.database.sql);

    const asked = await ask(company.id, company.schemaName);
    await over(asked);

    expect(await asked.row()).toMatchObject({ status: 'ready' });
  });

  it('keeps its data and says why, when it cannot be generated', async () => {
    const asked = await ask();
    await over(asked);
    const { report_data: data } = await asked.row();
    await journeys.database.sql('ALTER TABLE shared.policies RENAME COLUMN premium TO hidden');
    try {
      await as(asked.author, () => reports.generate(asked.author, asked.id, once(asked.author)));
      await over(asked);
    } finally {
      await journeys.database.sql('ALTER TABLE shared.policies RENAME COLUMN hidden TO premium');
    }

    expect(await asked.row()).toMatchObject({
      status: 'failed',
      error: 'It failed four times for a technical reason; the log of the worker has it',
      report_data: data,
    });
    const told = await journeys.database.sql(
      `SELECT template_code, payload FROM core.notifications
       WHERE entity_id = $1 AND template_code = 'report_failed'`,
      [asked.id],
    );
    expect(told).toMatchObject([{ payload: { reportName: 'Policies', hasOlderData: true } }]);

    await as(asked.author, () => reports.generate(asked.author, asked.id, once(asked.author)));
    await over(asked);
    expect(await asked.row()).toMatchObject({ status: 'ready', error: null, generation: 3 });
  });

  it('fails when an operator stops it, and can be generated after that', async () => {
    const asked = await ask();
    await over(asked);
    const { sql } = journeys.database;
    await sql('BEGIN');
    try {
      await sql('LOCK TABLE shared.policies');
      await as(asked.author, () => reports.generate(asked.author, asked.id, once(asked.author)));
      await journeys.dispatcher.drained();
      await cancelUnderWay(asked);
      // Else what is read once the table is free may be there first.
      while ((await asked.row())['status'] !== 'failed') await setTimeout(50);
    } finally {
      await sql('ROLLBACK');
    }
    await over(asked);

    expect(await asked.row()).toMatchObject({
      status: 'failed',
      error: 'It was stopped by an operator',
    });
    await as(asked.author, () => reports.generate(asked.author, asked.id, once(asked.author)));
    await over(asked);
    expect(await asked.row()).toMatchObject({ status: 'ready', generation: 3 });
  });

  it('starts nothing twice when its start is dispatched again', async () => {
    const asked = await ask();
    await over(asked);
    const [start] = await withTenant(asked.author.companyId, () =>
      select<{ input: object }>(`SELECT input FROM core.outbox WHERE entity_id = $1`, [asked.id]),
    );

    await journeys.server.temporal.start({
      id: asked.id,
      companyId: asked.author.companyId,
      entityType: 'report',
      entityId: asked.id,
      workflowType: 'report',
      workflowId: asked.workflowId,
      input: start?.input ?? {},
      summary: '',
      attributes: {},
      context: { requestId: '', companyId: asked.author.companyId },
    });
    await over(asked);

    expect(await events(asked)).toEqual(['begin', 'complete']);
  });
});

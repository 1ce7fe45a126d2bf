import { setTimeout } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { WishedReportSchedule } from '../../src/activities/reports.ts';
import { scheduleInWords } from '../../src/rules/reports.ts';
import { scheduledReportWorkflowId } from '../../src/rules/workflowIds.ts';
import { openReportSchedules } from '../../worker/reportSchedules.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { openRealTemporal, type TestTemporal } from '../support/lifecycle.ts';
import { buildActor, buildCompany, as, once } from '../support/build.ts';
import { createReports } from '../../src/commands/reports.ts';
import { Replay } from '../../src/commands/idempotency.ts';

describe('the schedules of reports in Temporal', () => {
  let database: TestDatabase;
  let server: TestTemporal;

  beforeAll(async () => {
    database = await openTestDatabase();
    server = await openRealTemporal();
  });

  afterAll(async () => {
    await server.close();
    await database.close();
  });

  const schedulesOf = () => openReportSchedules(server.temporal.client, server.taskQueue);

  const listed = async (): Promise<Map<string, string | undefined>> => {
    const found = new Map<string, string | undefined>();
    for await (const { id, note } of schedulesOf().all()) found.set(id, note);
    return found;
  };

  /** Visibility lags. */
  async function until(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await setTimeout(100);
  }

  it('are made, changed and removed, and each may be repeated', async () => {
    const schedules = schedulesOf();
    const ref = { companyId: uuid(), reportId: uuid() };
    const id = schedules.idOf(ref);
    const weekly: WishedReportSchedule = {
      ...ref,
      schedule: { frequency: 'weekly', hour: 7, dayOfWeek: 'friday' },
      timeZone: 'Europe/Berlin',
    };
    const monthly: WishedReportSchedule = {
      ...ref,
      schedule: { frequency: 'monthly', hour: 23, dayOfMonth: 28 },
      timeZone: 'UTC',
    };
    const next = async (): Promise<Date | undefined> => {
      const { info } = await server.temporal.client.schedule.getHandle(id).describe();
      return info.nextActionTimes[0];
    };

    await schedules.put(weekly);
    await schedules.put(weekly);
    const berlin = new Intl.DateTimeFormat('en-GB', {
      timeZone: 'Europe/Berlin',
      weekday: 'long',
      hour: '2-digit',
    }).format(await next());
    await schedules.put(monthly);
    const inUtc = await next();
    const note = scheduleInWords(monthly.schedule, 'UTC');
    await until(async () => (await listed()).get(id) === note);
    await schedules.remove(id);
    await schedules.remove(id);
    await until(async () => !(await listed()).has(id));

    expect(berlin).toMatch(/^Friday.*07$/);
    expect([inUtc?.getUTCDate(), inUtc?.getUTCHours()]).toEqual([28, 23]);
  });

  it('ask for another generation when they are due, and for none once the report is gone', async () => {
    const { id: companyId } = await buildCompany();
    const author = await buildActor({ companyId, role: 'tenant_admin' });
    // Half a day ahead, so that it does not fire by itself as well.
    const schedule = {
      frequency: 'daily',
      hour: (new Date().getUTCHours() + 12) % 24,
    } as const;
    const reports = createReports({ dispatcher: { dispatch: () => undefined } });
    const made = await as(author, () =>
      reports.create(
        author,
        {
          name: 'Every day',
          reportType: 'policy_type_analysis',
          filters: {},
          format: 'csv',
          schedule,
        },
        once(author),
      ),
    );
    if (made instanceof Replay) throw new Error('A first request is no replay');
    const { id: reportId } = made.report;
    const setReport = (changes: string) =>
      database.sql(`UPDATE shared.reports SET ${changes} WHERE id = $1`, [reportId]);
    const generations = () =>
      database.sql<{ generation: number; status: string }>(
        'SELECT generation, status FROM shared.reports WHERE id = $1',
        [reportId],
      );
    const schedules = schedulesOf();
    const wished = {
      companyId,
      reportId,
      schedule,
      timeZone: 'UTC',
    } as const;
    await schedules.put(wished);
    const handle = server.temporal.client.schedule.getHandle(schedules.idOf(wished));
    /** Fires now. @returns the id of the run, once that has ended */
    const fire = async (count: number): Promise<string> => {
      await handle.trigger();
      for (;;) {
        const { info } = await handle.describe();
        const { workflow } = info.recentActions[count - 1]?.action ?? {};
        if (workflow) {
          await server.temporal.client.workflow.getHandle(workflow.workflowId).result();
          return workflow.workflowId;
        }
        await setTimeout(100);
      }
    };

    // The first generation is under way, then it is ready, then the report is deleted.
    const run = await fire(1);
    const whileUnderWay = await generations();
    await setReport(
      `status = 'ready', report_data = '{}', generated_at = now(), workflow_closed_at = now()`,
    );
    await fire(2);
    const onceReady = await generations();
    await setReport(`status = 'ready', workflow_closed_at = now(), archived_at = now()`);
    await fire(3);
    await schedules.remove(schedules.idOf(wished));

    expect(run).toMatch(new RegExp(`^${scheduledReportWorkflowId(companyId, reportId)}-`));
    expect(whileUnderWay).toEqual([{ generation: 1, status: 'pending' }]);
    expect(onceReady).toEqual([{ generation: 2, status: 'pending' }]);
    expect(await generations()).toEqual([{ generation: 2, status: 'ready' }]);
    const owed = await database.sql('SELECT 1 FROM core.outbox WHERE entity_id = $1', [reportId]);
    expect(owed).toHaveLength(2);
  });
});

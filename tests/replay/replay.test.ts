import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { projectDir } from '../../local/dataDir.ts';
import { platformCompanyId, withTenant } from '../../src/models/database.ts';
import { queueMail } from '../../src/models/mail.ts';
import { addDays } from '../../src/rules/calendar.ts';
import { scheduleWorkflowId } from '../../src/rules/workflowIds.ts';
import { retryStep } from '../../src/workflows/attention.ts';
import { renew } from '../../src/workflows/subscriptionLifecycle.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { dayMs, instantOf, openJourneys, type Journeys } from '../support/journey.ts';
import { beginOnboarding } from '../support/onboarding.ts';
import { services } from '../support/services.ts';

/** Histories of every path that running workflows may have taken. Never edited, only added to. */
const folder = path.join(import.meta.dirname, 'histories');

/** `npm run record-histories` adds today's; commit them with a change of the order of steps. */
const isRecording = process.env['RECORD_HISTORIES'] === '1';

interface Run {
  readonly workflowId: string;
  /** Of a renewed subscription the second run, instead of the one that ends in the continuation. */
  readonly isLatest?: boolean;
}

const paths: Readonly<Record<string, (journeys: Journeys) => Promise<Run>>> = {
  'subscription-expires': async (journeys) => {
    const journey = await journeys.begin();
    await journey.end();
    return journey;
  },
  'subscription-cancelled': async (journeys) => {
    const journey = await journeys.begin();
    await journey.cancel({ reason: 'The house is sold' });
    await journey.end();
    return journey;
  },
  'subscription-cancelled-later': async (journeys) => {
    const journey = await journeys.begin({ startsIn: 3 });
    const today = journey.dateAt(journeys.now());
    await journey.cancel({ effectiveDate: addDays(today, 40) });
    await journey.end();
    return journey;
  },
  'subscription-renewed': renewed,
  'subscription-second-term': async (journeys) => ({
    ...(await renewed(journeys)),
    isLatest: true,
  }),
  'subscription-expiry-moved': async (journeys) => {
    const journey = await journeys.begin();
    await journey.moveExpiry(journeys.now() + 5 * dayMs);
    await journey.end();
    return journey;
  },
  'subscription-repaired': async (journeys) => {
    const journey = await journeys.begin({ plan: shortPlan });
    const { expires_at: expiresAt } = await journey.row();
    await journeys.passUntil(instantOf(expiresAt) - 3_600_000);
    await journey.setRow('state_version = 5');
    await journeys.passUntil(instantOf(expiresAt) + 60_000);
    await journeys.server.temporal.client.workflow
      .getHandle(journey.workflowId)
      .executeUpdate(retryStep, { args: [{ reason: 'The row was put right' }] });
    await journey.end();
    return journey;
  },
  'subscription-refused': async (journeys) => {
    const journey = await journeys.begin({ plan: shortPlan });
    await journey.send(renew, 'too-early', { reason: null }).catch(() => undefined);
    await journey.end();
    return journey;
  },
  'subscription-stopped-by-operator': async (journeys) => {
    const journey = await journeys.begin();
    await journeys.server.temporal.client.workflow.getHandle(journey.workflowId).cancel();
    await journey.end().catch(() => undefined);
    return journey;
  },
  'onboarding-activated': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.approve();
    await onboarding.reaches('active');
    const { admin_user_id: userId } = await onboarding.row();
    await onboarding.registrations.noteSignIn(String(userId));
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-dedicated-failed-and-retried': async (journeys) => {
    const adminPhone = '+49307654321';
    const onboarding = await beginOnboarding(journeys, { adminPhone });
    const { userId } = await buildActor({ companyId: platformCompanyId });
    const setPhone = (phone: string | null) =>
      journeys.database.sql('UPDATE platform.users SET phone_number = $2 WHERE id = $1', [
        userId,
        phone,
      ]);
    await setPhone(adminPhone);
    await onboarding.approve({ isolation: 'dedicated_schema' });
    await onboarding.reaches('failed');
    await setPhone(null);
    await onboarding.retry();
    await onboarding.reaches('active');
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-stalled': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.approve();
    await onboarding.reaches('active');
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-rejected': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.reject();
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-expired': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-failed-and-retried': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    const { requestedDomain } = onboarding.wish;
    await journeys.database.sql(
      `INSERT INTO platform.domains (id, company_id, domain)
       VALUES (gen_random_uuid(), '00000000-0000-7000-8000-000000000000', $1)`,
      [requestedDomain],
    );
    await onboarding.approve();
    await onboarding.reaches('failed');
    await journeys.database.sql('DELETE FROM platform.domains WHERE domain = $1', [
      requestedDomain,
    ]);
    await onboarding.retry();
    await onboarding.reaches('active');
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-stopped-by-operator': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await journeys.server.temporal.client.workflow.getHandle(onboarding.workflowId).cancel();
    await journeys.endOf(onboarding.workflowId, onboarding.id).catch(() => undefined);
    return onboarding;
  },
  'mail-delivered': async ({ server }) => {
    const { id: companyId } = await buildCompany();
    const { userId } = await buildActor({ companyId });
    const start = await withTenant(companyId, async () =>
      queueMail({ companyId, to: { userId }, template: 'welcome' }),
    );
    await server.temporal.start(start);
    await server.temporal.client.workflow.getHandle(start.workflowId).result();
    return start;
  },
  'job-reconcile': (journeys) => runJob(journeys, 'reconcile'),
  'job-digests': (journeys) => runJob(journeys, 'remindOfRenewals'),
  'job-maintain': (journeys) => runJob(journeys, 'maintain'),
};

/** Without reminders: a short history. */
const shortPlan = { durationMonths: 6, lifecycleConfig: { renewalReminderDays: [1] } };

async function renewed(journeys: Journeys): Promise<Run> {
  const journey = await journeys.begin({ plan: shortPlan });
  const { expires_at: expiresAt } = await journey.row();
  await journeys.passUntil(instantOf(expiresAt) - 20 * dayMs);
  await journey.renew();
  await journey.end();
  return journey;
}

async function runJob({ server }: Journeys, job: string): Promise<Run> {
  const workflowId = scheduleWorkflowId(job);
  await server.temporal.client.workflow.execute(job, { workflowId, taskQueue: 'test-lifecycle' });
  return { workflowId };
}

if (isRecording) {
  describe('recording', () => {
    let journeys: Journeys;

    beforeAll(async () => {
      journeys = await openJourneys();
    });

    afterEach(() => journeys.clear());

    afterAll(() => journeys.close());

    it.each(Object.keys(paths))('writes %s', async (name) => {
      const run = await paths[name]?.(journeys);
      if (!run) throw new Error(`There is no path ${name}`);
      const { workflow } = journeys.server.temporal.client;
      const { raw, runId } = await workflow.getHandle(run.workflowId).describe();
      const { firstRunId } = raw.workflowExecutionInfo ?? {};
      if (!firstRunId) throw new Error(`The run of ${name} is unknown`);
      const handle = workflow.getHandle(run.workflowId, run.isLatest ? runId : firstRunId);
      // Stack traces name the folder of whoever recorded.
      const recorded = historyToJSON(await handle.fetchHistory());
      const history = recorded.replaceAll(`${projectDir}/`, '');

      const isNew = !existsSync(path.join(folder, `${name}.json`));
      const file = isNew ? `${name}.json` : `${name}@${new Date().toISOString().slice(0, 10)}.json`;
      writeFileSync(path.join(folder, file), `${history}\n`);

      expect(JSON.parse(history).events.length).toBeGreaterThan(5);
    });
  });
} else {
  describe('every recorded history', () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.json'));

    it('stands for a path that running workflows may have taken', () => {
      const recorded = new Set(files.map((file) => file.replace(/(@.*)?\.json$/, '')));
      expect([...recorded].toSorted()).toEqual(Object.keys(paths).toSorted());
    });

    it.each(files)('%s is replayed by the present workflows', async (file) => {
      await expect(replay(read(file))).resolves.toBeUndefined();
    });

    it.each(files)('%s fails to be replayed once a step of it is another one', async (file) => {
      const { events } = read(file);
      const step = events.find((event) => event.activityTaskScheduledEventAttributes);
      if (!step?.activityTaskScheduledEventAttributes) throw new Error(`${file} has no step`);
      step.activityTaskScheduledEventAttributes.activityType.name = 'anotherStep';

      await expect(replay({ events })).rejects.toThrow(/[Nn]ondeterminism|TMPRL1100/);
    });
  });
}

interface Event {
  readonly activityTaskScheduledEventAttributes?: { activityType: { name: string } };
}

const read = (file: string): { events: Event[] } =>
  JSON.parse(readFileSync(path.join(folder, file), 'utf8'));

const replay = (history: unknown): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle: { codePath: services().bundle } }, history);

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { addDays } from '../../src/rules/calendar.ts';
import { dayMs, instantOf, openJourneys, type Journey, type Journeys } from '../support/journey.ts';
import { services } from '../support/services.ts';

/** Histories of every path that running workflows may have taken. Never edited, only added to. */
const folder = path.join(import.meta.dirname, 'histories');

/** `npm run record-histories` writes today's; commit them with a change of the order of steps. */
const isRecording = process.env['RECORD_HISTORIES'] === '1';

const paths: Readonly<Record<string, (journeys: Journeys) => Promise<Journey>>> = {
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
  'subscription-renewed': async (journeys) => {
    const journey = await journeys.begin();
    const { expires_at: expiresAt } = await journey.row();
    await journeys.passUntil(instantOf(expiresAt) - 20 * dayMs);
    await journey.renew();
    await journey.end();
    return journey;
  },
  'subscription-expiry-moved': async (journeys) => {
    const journey = await journeys.begin();
    await journey.moveExpiry(journeys.now() + 5 * dayMs);
    await journey.end();
    return journey;
  },
};

if (isRecording) {
  describe('recording', () => {
    let journeys: Journeys;

    beforeAll(async () => {
      journeys = await openJourneys();
    });

    afterEach(() => journeys.clear());

    afterAll(() => journeys.close());

    it.each(Object.keys(paths))('writes %s', async (name) => {
      const journey = await paths[name]?.(journeys);
      if (!journey) throw new Error(`There is no path ${name}`);
      const { workflow } = journeys.server.env.client;
      const { raw } = await workflow.getHandle(journey.workflowId).describe();
      const { firstRunId } = raw.workflowExecutionInfo ?? {};
      if (!firstRunId) throw new Error(`The run of ${name} is unknown`);
      // Of a renewed subscription the first run, which ends in the continuation.
      const handle = workflow.getHandle(journey.workflowId, firstRunId);
      const history = historyToJSON(await handle.fetchHistory());

      writeFileSync(path.join(folder, `${name}.json`), `${history}\n`);

      expect(JSON.parse(history).events.length).toBeGreaterThan(5);
    });
  });
} else {
  describe('every recorded history', () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.json'));

    it('stands for a path that running workflows may have taken', () => {
      expect(files.toSorted()).toEqual(
        Object.keys(paths)
          .map((name) => `${name}.json`)
          .toSorted(),
      );
    });

    it.each(files)('%s is replayed by the present workflows', async (file) => {
      const history: unknown = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));

      const replay = Worker.runReplayHistory(
        { workflowBundle: { codePath: services().bundle } },
        history,
      );

      await expect(replay).resolves.toBeUndefined();
    });
  });
}

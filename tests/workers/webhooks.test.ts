import { pino } from 'pino';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { startWebhooks } from '../../worker/webhooks.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { buildListening, happen } from '../support/webhooks.ts';

describe('the relay of webhooks', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await openTestDatabase();
  });
  afterAll(() => database.close());

  it('starts one delivery for what happens in each company, in several processes at once', async () => {
    const listening = [await buildListening(), await buildListening()];
    const companies = new Set(listening.map(({ companyId }) => companyId));
    for (const each of listening) await happen(each);
    const started: string[] = [];
    let tell = (): void => {};
    const all = new Promise<void>((resolve) => (tell = resolve));
    const dispatch = ({ companyId }: WorkflowStart): void => {
      if (!companies.has(companyId)) return;
      started.push(companyId);
      if (started.length === companies.size) tell();
    };

    const log = pino({ level: 'silent' });
    const processes = [startWebhooks({ dispatch, log }), startWebhooks({ dispatch, log })];
    await all;
    await Promise.all(processes.map((each) => each.stop()));

    expect(started.toSorted()).toEqual([...companies].toSorted());
  });
});

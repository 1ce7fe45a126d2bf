import { setTimeout } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import type { Scan } from '../../src/scanner.ts';
import { as } from '../support/build.ts';
import { memoryStorage, sendDocument } from '../support/documents.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';

describe('a document that was sent in', () => {
  const storage = memoryStorage();
  let journeys: Journeys;
  let scan: Scan;
  // Nothing here waits for long, so the real server does.
  useJourneys(
    (opened) => void (journeys = opened),
    () => openRealTemporal(() => ({ documents: { storage, scan: (content) => scan(content) } })),
  );

  /** Finds what a text says of itself. */
  const honest: Scan = async (content) =>
    (await buffer(content)).includes('virus')
      ? { isInfected: true, name: 'Test.Virus' }
      : { isInfected: false };

  beforeEach(() => {
    scan = honest;
  });

  const send = (text: string) => sendDocument(journeys, storage, text);
  type Sent = Awaited<ReturnType<typeof send>>;
  const over = ({ workflowId }: Sent): Promise<unknown> =>
    journeys.server.temporal.client.workflow.getHandle(workflowId).result();
  const contentOf = async ({ holder, documents, id }: Sent): Promise<string> => {
    const { content } = await as(holder, () => documents.content(holder, id, undefined));
    return (await buffer(content)).toString();
  };
  const mailsTo = ({ holder }: Sent) =>
    journeys.server.mails.filter(
      ({ to, subject }) => to === holder.email && subject.startsWith('A file was stopped'),
    );

  it('is served once it was found clean, and to nobody before', async () => {
    let finish = (): void => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    scan = async (content) => {
      await finished;
      return honest(content);
    };
    const sent = await send('Das Dach');

    await expect(contentOf(sent)).rejects.toMatchObject({ code: 'DOCUMENT_QUARANTINED' });
    finish();
    await over(sent);

    expect(await contentOf(sent)).toBe('Das Dach');
    expect(mailsTo(sent)).toEqual([]);
  });

  it('is kept from everybody when something was found, and its sender is told by mail, once', async () => {
    const sent = await send('a virus');

    await over(sent);

    await expect(contentOf(sent)).rejects.toMatchObject({ code: 'DOCUMENT_INFECTED' });
    expect(mailsTo(sent)).toHaveLength(1);
  });

  it('waits for a scanner that is away, in quarantine', async () => {
    let tries = 0;
    scan = (content) => {
      tries += 1;
      if (tries > 1) return honest(content);
      content.destroy();
      return Promise.reject(new Error('clamd is away'));
    };
    const sent = await send('Das Dach');
    while (tries === 0) await setTimeout(50);

    await expect(contentOf(sent)).rejects.toMatchObject({ code: 'DOCUMENT_QUARANTINED' });
    await over(sent);

    expect(tries).toBe(2);
    expect(await contentOf(sent)).toBe('Das Dach');
  });
});

import { setTimeout } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { createDocumentTimelines } from '../../src/commands/documentTimelines.ts';
import { createWorkflowOperations } from '../../src/commands/workflowOperations.ts';
import { createWorkflowSearch } from '../../src/commands/workflowSearch.ts';
import type { Actor } from '../../src/context.ts';
import type { RunAction } from '../../src/rules/runActions.ts';
import type { Scan } from '../../src/scanner.ts';
import { as, buildActor, once } from '../support/build.ts';
import { beginClaim } from '../support/claims.ts';
import { memoryStorage, sendDocument, sendDocumentOf } from '../support/documents.ts';
import { useJourneys, type Journeys, type Row } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';
import { createCursors } from '../../src/commands/cursors.ts';

const cursors = createCursors({ secretKey: 'test' });

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

  const away: Scan = (content) => {
    content.destroy();
    return Promise.reject(new Error('clamd is away'));
  };

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

  it('lets its claim go on that asked for it, unless something was found', async () => {
    const claim = await beginClaim(journeys);
    await claim.toReview();
    const adjuster = await claim.person('adjuster');
    await claim.as(adjuster, (command) =>
      claim.claims.requestDocuments(adjuster, command, ['Invoice']),
    );
    const { holder } = claim.contract;
    const statusAfter = async (text: string): Promise<unknown> => {
      const owner = { kind: 'claim', id: claim.id } as const;
      const wish = { holder, owner, documentType: 'invoice', text } as const;
      await over(await sendDocumentOf(journeys, storage, wish));
      return (await claim.row())['status'];
    };

    expect(await statusAfter('a virus')).toBe('documents_requested');
    expect(await statusAfter('The roof')).toBe('under_review');
    const [step] = await journeys.database.sql<{ actor: string }>(
      `SELECT actor_id AS actor FROM core.transitions
       WHERE entity_id = $1 AND event = 'complete_documents'`,
      [claim.id],
    );
    expect(step).toEqual({ actor: holder.userId });
  });

  it('waits for a scanner that is away, in quarantine', async () => {
    let tries = 0;
    let comeBack = (): void => {};
    const isBack = new Promise<void>((resolve) => (comeBack = resolve));
    scan = async (content) => {
      tries += 1;
      if (tries === 1) return away(content);
      await isBack;
      return honest(content);
    };
    const sent = await send('Das Dach');
    while (tries === 0) await setTimeout(50);

    await expect(contentOf(sent)).rejects.toMatchObject({ code: 'DOCUMENT_QUARANTINED' });
    comeBack();
    await over(sent);

    expect(tries).toBe(2);
    expect(await contentOf(sent)).toBe('Das Dach');
  });

  describe('and that its scanner does not get through', () => {
    let sent: Sent;
    let operator: Actor;
    beforeEach(async () => {
      let tries = 0;
      scan = (content) => {
        tries += 1;
        return away(content);
      };
      sent = await send('Das Dach');
      operator = await buildActor({ companyId: sent.companyId, role: 'operator' });
      while (tries === 0) await setTimeout(50);
    });

    /** Back for the step that an operator asks for, and not for another try of the one that failed. */
    const backForOperator: Scan = (content) =>
      activityInfo().attempt === 1 ? honest(content) : away(content);

    const operate = (action: RunAction, confirm?: string): Promise<unknown> => {
      const { dispatcher, server, workflows } = journeys;
      const { temporal } = server;
      const order = { action, kind: 'document', id: sent.id, reason: 'For a reason' } as const;
      return as(operator, () =>
        createWorkflowOperations({ temporal, workflows, dispatcher }).operate(operator, {
          ...order,
          confirm,
          once: once(operator),
        }),
      );
    };
    const shown = () => {
      const { temporal } = journeys.server;
      const search = createWorkflowSearch({
        cursors,
        temporal,
        companies: { enter: async () => {} },
      });
      return as(operator, () => search.get(operator, 'document', sent.id));
    };
    const explained = () =>
      as(operator, () =>
        createDocumentTimelines(journeys.server.temporal).explain(operator, sent.id),
      );
    /** Visibility is behind, the run itself is asked. */
    const until = async (holds: () => Promise<boolean>): Promise<void> => {
      while (!(await holds())) await setTimeout(100);
    };
    const stopped = async (): Promise<Row> => {
      const [row] = await journeys.database.sql<Row>(
        'SELECT scan_status, scan_stopped_at FROM shared.documents WHERE id = $1',
        [sent.id],
      );
      return row ?? {};
    };

    it('shows operators what fails, until its scan is over', async () => {
      await until(async () => (await shown()).failingStep !== null);
      const failing = { shown: await shown(), explained: await explained() };
      scan = backForOperator;
      await operate('retry_step');
      await over(sent);
      const timeline = await as(operator, () =>
        createDocumentTimelines(journeys.server.temporal).timeline(operator, sent.id),
      );

      expect(failing.shown).toMatchObject({
        kind: 'document',
        status: 'quarantined',
        reference: 'other',
        run: 'running',
        isBlocked: false,
        failingStep: { name: 'scanDocument', error: 'clamd is away', movedBy: 'retry' },
      });
      expect(failing.explained).toMatchObject({
        waitsFor: 'repair',
        moves: [{ event: 'retryStep' }],
      });
      expect(await shown()).toMatchObject({ status: 'clean', run: 'closed', failingStep: null });
      expect(await explained()).toMatchObject({ waitsFor: 'nothing', moves: [] });
      expect(timeline.past.map(({ title }) => title)).toEqual(['Sent in', 'Scanned, and clean']);
    });

    it('is scanned at once when an operator asks, not after the pause between tries', async () => {
      scan = backForOperator;

      await operate('retry_step');
      await over(sent);

      const { events } = await journeys.server.temporal.client.workflow
        .getHandle(sent.workflowId)
        .fetchHistory();
      const scans = (events ?? []).filter(
        (event) =>
          event.activityTaskScheduledEventAttributes?.activityType?.name === 'scanDocument',
      );
      expect(scans).toHaveLength(2);
      expect(await contentOf(sent)).toBe('Das Dach');
    });

    it('waits for an operator where trying again is of no use', async () => {
      scan = (content) => {
        content.destroy();
        return Promise.reject(ApplicationFailure.nonRetryable('No such file'));
      };
      await operate('retry_step');
      await until(async () => (await shown()).isBlocked);
      const blocked = await shown();
      scan = honest;
      await operate('retry_step');
      await over(sent);

      expect(blocked.failingStep).toMatchObject({ error: 'No such file', movedBy: 'retryStep' });
      expect(await contentOf(sent)).toBe('Das Dach');
    });

    it('stays in quarantine for good once an operator has cancelled it', async () => {
      await operate('cancel');
      await expect(over(sent)).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });

      expect(await stopped()).toMatchObject({
        scan_status: 'quarantined',
        scan_stopped_at: expect.any(Date),
      });
      expect(await shown()).toMatchObject({ run: 'closed' });
      await expect(contentOf(sent)).rejects.toMatchObject({
        code: 'DOCUMENT_QUARANTINED',
        message: expect.stringContaining('send it in again'),
      });
      const again = operate('cancel');
      await expect(again).rejects.toMatchObject({ status: 409, code: 'WORKFLOW_CLOSED' });
    });

    it('stays there too once an operator has ended its run', async () => {
      await operate('terminate', sent.id);

      await expect(over(sent)).rejects.toMatchObject({ cause: { name: 'TerminatedFailure' } });
      expect(await stopped()).toMatchObject({
        scan_status: 'quarantined',
        scan_stopped_at: expect.any(Date),
      });
    });
  });
});

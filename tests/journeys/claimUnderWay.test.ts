import { setTimeout } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import { createDocumentRequests } from '../../src/commands/documentRequests.ts';
import { withTenant } from '../../src/models/database.ts';
import { Document } from '../../src/models/Document.ts';
import { attribute } from '../../src/workflows/searchAttributes.ts';
import { as } from '../support/build.ts';
import { beginClaim } from '../support/claims.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';

/** Ahead still when the command is judged, however busy the machine is. */
const soonMs = 5000;

// Nothing here waits for long, so the real server does.
describe('a claim that is under way', () => {
  let journeys: Journeys;
  useJourneys((opened) => void (journeys = opened), openRealTemporal);

  it('shows operators who has it, and whether a deadline has passed', async () => {
    const claim = await beginClaim(journeys);
    const manager = await claim.person('claims_manager');
    const shown = async (): Promise<unknown[]> => {
      const { typedSearchAttributes: found } = await journeys.server.temporal.client.workflow
        .getHandle(claim.workflowId)
        .describe();
      return [found.get(attribute.assignee), found.get(attribute.escalated)];
    };
    const dueAt = new Date(Date.now() + soonMs);
    await claim.as(manager, ({ once }) =>
      claim.timelines.changeTimer(
        manager,
        claim.id,
        'triage',
        { dueAt, reason: 'To see it', dryRun: false },
        once,
      ),
    );
    while (!(await claim.statusesOf('triage')).includes('fired')) await setTimeout(200);
    await claim.rest();
    const missed = await shown();

    await claim.toReview();

    expect(missed).toEqual([undefined, true]);
    expect(await shown()).toEqual([(await claim.person('adjuster')).userId, false]);
  });

  it('whose decision is overdue is given another day, of which the claimant gets a letter', async () => {
    const claim = await beginClaim(journeys);
    await claim.toReview();
    const manager = await claim.person('claims_manager');
    const move = (dueAt: Date, dryRun = false) =>
      claim.as(manager, ({ once }) =>
        claim.timelines.changeTimer(
          manager,
          claim.id,
          'decision',
          { dueAt, reason: 'An expert is awaited', dryRun },
          once,
        ),
      );
    await move(new Date(Date.now() + soonMs));
    while (!(await claim.statusesOf('decision')).includes('fired')) await setTimeout(200);
    await claim.rest();
    const late = await claim.row();
    const nextDay = new Date(Date.now() + 10 * 86_400_000);

    const preview = await move(nextDay, true);
    await move(nextDay);

    expect(late).toMatchObject({ sla_status: 'breached' });
    expect(preview).toMatchObject({
      scheduled: [{ name: 'decision_due_soon' }, { name: 'decision', dueAt: nextDay }],
      cancelled: ['decision_manager', 'decision_admin'],
    });
    expect(await claim.row()).toMatchObject({ status: 'under_review', sla_status: 'on_track' });
    expect(await claim.dueAt('decision')).toBe(nextDay.getTime());
    expect(await claim.statusesOf('decision_manager')).toEqual(['cancelled']);
    expect(await claim.statusesOf('decision_admin')).toEqual(['cancelled']);
    const letters = (await claim.messages()).filter(
      (each) => each['template_code'] === 'claim_decision_extended' && each['channel'] === 'email',
    );
    expect(letters).toMatchObject([{ payload: { reason: 'An expert is awaited' } }]);
  });

  it('goes on by itself once all documents are there that were asked for by their types', async () => {
    const claim = await beginClaim(journeys);
    await claim.toReview();
    const adjuster = await claim.person('adjuster');
    const { holder, company } = claim.contract;
    const { answer } = createDocumentRequests({ workflows: journeys.workflows });
    const add = async (documentType: 'invoice' | 'police_report'): Promise<unknown> => {
      const id = uuid();
      await withTenant(company.id, () =>
        Document.create({
          id,
          companyId: company.id,
          claimId: claim.id,
          documentType,
          fileName: `${documentType}.pdf`,
          mime: 'application/pdf',
          size: 1,
          sha256: '0'.repeat(64),
          storageKey: `${company.id}/${id}`,
          uploadedBy: holder.userId,
          uploadedAt: new Date(),
          scanStatus: 'clean',
          scannedAt: new Date(),
        }),
      );
      await as(holder, () => answer(holder, claim.id));
      return (await claim.row())['status'];
    };
    await add('police_report');
    await claim.as(adjuster, (command) =>
      claim.claims.requestDocuments(adjuster, command, ['Police report', 'Invoice']),
    );

    expect(await add('invoice')).toBe('documents_requested');
    expect(await add('police_report')).toBe('under_review');
    expect(await add('police_report')).toBe('under_review');

    expect((await claim.events()).filter((event) => event === 'complete_documents')).toHaveLength(
      1,
    );
    expect(await claim.statusesOf('decision')).toEqual(['scheduled']);

    const manager = await claim.person('claims_manager');
    await claim.as(adjuster, (command) =>
      claim.claims.requestDocuments(adjuster, command, ['Invoice']),
    );
    await claim.as(manager, (command) => claim.claims.hold(manager, command, 'catastrophe'));
    expect(await add('invoice')).toBe('documents_requested');
    await claim.as(manager, (command) => claim.claims.release(manager, command));
    expect(await claim.row()).toMatchObject({ status: 'under_review', on_hold: false });
    await claim.as(adjuster, (command) =>
      claim.claims.updateStatus(adjuster, command, 'investigation', {}),
    );
    expect((await claim.events()).slice(-3)).toEqual([
      'release',
      'complete_documents',
      'investigate',
    ]);
  });
});

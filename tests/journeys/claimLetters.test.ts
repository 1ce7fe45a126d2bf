import { extractText, getDocumentProxy } from 'unpdf';
import type { Mail } from '../support/lifecycle.ts';
import { beginClaim } from '../support/claims.ts';
import { dayMs, useJourneysWithGateway, type Journeys } from '../support/journey.ts';

/** The text of the letter that came with a mail. */
const letterOf = async (mail: Mail | undefined): Promise<string> => {
  const [letter] = mail?.attachments ?? [];
  if (!letter) throw new Error(`${mail?.subject} came without a letter`);
  const pdf = await getDocumentProxy(new Uint8Array(letter.content));
  return (await extractText(pdf, { mergePages: true })).text.replaceAll(/\s+/g, ' ');
};

describe('the claimant', () => {
  let journeys: Journeys;
  useJourneysWithGateway((opened) => void (journeys = opened));

  it('gets a letter when the decision takes longer, and one that says until when to appeal', async () => {
    const claim = await beginClaim(journeys, { claimantName: 'Żaneta\u202E Ærø' });
    await claim.toReview();
    const manager = await claim.person('claims_manager');
    const dueAt = new Date((await claim.dueAt('decision')) + 10 * dayMs);
    const extend = (to: Date, reason: string) =>
      claim.as(manager, ({ once }) =>
        claim.timelines.changeTimer(
          manager,
          claim.id,
          'decision',
          { dueAt: to, reason, dryRun: false },
          once,
        ),
      );

    await extend(dueAt, 'An expert\u0007 is\u202E abroad');
    await extend(new Date(dueAt.getTime() - dayMs), 'Sooner again');
    const adjuster = await claim.person('adjuster');
    await claim.as(adjuster, (command) =>
      claim.claims.updateStatus(adjuster, command, 'waiting_approval', {
        amount: '900.00',
        rationale: 'As the estimate says',
      }),
    );
    await claim.as(manager, (command) => claim.claims.deny(manager, command, 'exclusion'));
    const appealUntil = claim.contract.dateAt(await claim.dueAt('auto_close'));
    await claim.end();

    const { claim_number: number } = await claim.row();
    const mails = claim.mails();
    const about = (subject: string) => mails.filter((each) => each.subject === subject);
    const extended = about(`Your claim ${String(number)} needs more time`);
    const [denied] = about(`Your claim ${String(number)} is denied`);
    expect(extended).toHaveLength(1);
    expect(extended[0]?.text).toContain('for this reason: An expert is abroad');
    expect(extended[0]?.text).toContain(claim.contract.dateAt(dueAt.getTime()));
    expect(await letterOf(extended[0])).toContain('for this reason: An expert is abroad');
    expect(denied?.attachments).toMatchObject([
      { filename: `${String(number)}-decision.pdf`, contentType: 'application/pdf' },
    ]);
    expect(await letterOf(denied)).toContain(`you have the right to appeal until ${appealUntil}`);
    expect(await letterOf(denied)).toContain('Żaneta Ærø');
    expect(await letterOf(about(`We have your claim ${String(number)}`)[0])).toContain(
      'thank you for reporting what happened',
    );
  });

  it('gets a letter with what is approved and one with the payment', async () => {
    const claim = await beginClaim(journeys, { claimAmount: '1200.00' });
    await claim.toApproval('900.00');
    const manager = await claim.person('claims_manager');
    await claim.as(manager, (command) => claim.claims.approve(manager, command, '900.00'));
    await claim.end();

    const { claim_number: number } = await claim.row();
    const lettersOf = (kind: string) =>
      claim
        .mails()
        .filter(({ attachments }) =>
          attachments?.some(({ filename }) => filename === `${String(number)}-${kind}.pdf`),
        );
    const [approved] = lettersOf('decision');
    const [paid] = lettersOf('payment');
    expect(await letterOf(approved)).toMatch(/approved 900\.00 [A-Z]{3} .* claimed 1200\.00/);
    expect(await letterOf(paid)).toMatch(/has sent you 900\.00/);
  });
});

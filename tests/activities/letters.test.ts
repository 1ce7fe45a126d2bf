import { extractText, getDocumentProxy } from 'unpdf';
import { letterHtml, letterOf } from '../../src/activities/letters.ts';
import type { Letter } from '../../src/rules/letters.ts';
import { letterPdf } from '../../src/activities/letterPdf.ts';
import { render } from '../../src/activities/templates.ts';

const claim = {
  claimNumber: 'CLM-DEMO-2026-000001',
  policyNumber: 'POL-DEMO-2026-000007',
  incidentDate: '2026-01-05',
  claimantName: 'Łukasz Ærøskøbing',
  claimantEmail: 'lukasz@example.com',
};
const company = {
  name: 'Żółw Insurance',
  address: 'Hauptstraße 1\n10115 Berlin',
  contactEmail: 'claims@example.com',
  contactPhone: null,
};

const denied = (reason: string): Letter => {
  const values = { claimNumber: claim.claimNumber, name: claim.claimantName, reason };
  const words = render('claim_denied', {
    ...values,
    ground: 'not covered',
    appealUntil: '2026-02-20',
  });
  const head = { company, recipient: claim.claimantName, date: '2026-01-21', claim, facts: {} };
  const letter = letterOf('claim_denied', words, head);
  if (!letter) throw new Error('A denial is a letter');
  return letter;
};

/** The text as a reader of PDF sees it, page by page. */
const readPages = async (pdf: Buffer): Promise<string[]> =>
  (await extractText(await getDocumentProxy(new Uint8Array(pdf)))).text;

describe('the letter of a denial', () => {
  it('says who writes to whom about what, why, and until when one may appeal', async () => {
    const [page = '', ...others] = await readPages(
      await letterPdf(denied('The pipe was öld and ſtřêt')),
    );

    expect(others).toEqual([]);
    for (const said of [
      'Żółw Insurance',
      'Hauptstraße 1',
      '10115 Berlin',
      'claims@example.com',
      'Łukasz Ærøskøbing',
      '2026-01-21',
      'CLM-DEMO-2026-000001',
      'POL-DEMO-2026-000007',
      '2026-01-05',
      'Your claim CLM-DEMO-2026-000001 is denied',
      '(not covered)',
      'The pipe was öld and ſtřêt',
      'you have the right to appeal until 2026-02-20',
      'Yours sincerely',
      '1 / 1',
    ]) {
      expect(page.replaceAll(/\s+/g, ' ')).toContain(said);
    }
  });

  it('goes on on as many pages as it takes, each with its number', async () => {
    const pages = await readPages(await letterPdf(denied('word '.repeat(2000))));

    expect(pages.length).toBeGreaterThan(2);
    expect(pages.at(-1)).toContain('Yours sincerely');
    pages.forEach((page, index) => expect(page).toContain(`${index + 1} / ${pages.length}`));
  });

  it('is the same bytes each time', async () => {
    const [one, two] = [await letterPdf(denied('Old')), await letterPdf(denied('Old'))];

    expect(one.equals(two)).toBe(true);
    expect((await letterPdf(denied('New'))).equals(one)).toBe(false);
  });

  it('is HTML in the mail, in which what people typed is text', () => {
    const html = letterHtml(denied('<script>alert(1)</script>\u202E'));

    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).not.toMatch(/<script|\u202E/);
    expect(html).toContain('Hauptstraße 1<br>10115 Berlin');
    expect(html).toContain('<td>POL-DEMO-2026-000007</td>');
  });
});

describe('the letter of a policy', () => {
  it('says what is covered, from when until when, and for how much', async () => {
    const facts = {
      policyNumber: 'POL-DEMO-2026-000007',
      planName: 'Home Standard',
      coverageAmount: '250000.00',
      premium: '240.00',
      currency: 'EUR',
      startDate: '2026-02-01',
      endDate: '2027-02-01',
    };
    const words = render('subscription_confirmed', { ...facts, name: 'Ada Lovelace' });
    const head = {
      company,
      recipient: 'Ada Lovelace',
      date: '2026-01-21',
      claim: undefined,
      facts,
    };
    const letter = letterOf('subscription_confirmed', words, head);
    if (!letter) throw new Error('A policy is a letter');

    const [page = ''] = await readPages(await letterPdf(letter));

    expect(letter.fileName).toBe('POL-DEMO-2026-000007-policy.pdf');
    const said = page.replaceAll(/\s+/g, ' ');
    for (const fact of [
      'Ada Lovelace',
      'Policy POL-DEMO-2026-000007',
      'Plan Home Standard',
      'Cover 250000.00 EUR',
      'Premium 240.00 EUR',
      'From 2026-02-01',
      'Until 2027-02-01',
    ]) {
      expect(said).toContain(fact);
    }
  });
});

describe('a message', () => {
  it('to colleagues, or of no claim, is no letter', () => {
    const words = { subject: 'Something', text: 'Somewhere' };
    const head = { company, recipient: 'Ada', date: '2026-01-21', claim, facts: {} };

    expect(letterOf('claim_overdue', words, head)).toBeUndefined();
    expect(letterOf('payment_sent', words, { ...head, claim: undefined })).toBeUndefined();
    expect(letterOf('payment_sent', words, head)).toMatchObject({
      fileName: 'CLM-DEMO-2026-000001-payment.pdf',
    });
  });
});

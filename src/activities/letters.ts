import Handlebars from 'handlebars';
import type { ClaimHead } from '../models/claimant.ts';
import type { TemplateCode } from '../models/Notification.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import type { Letter } from '../rules/letters.ts';

/** What a holder or a claimant gets on paper as well, and what its file is called. */
const letters: ReadonlyMap<TemplateCode, string> = new Map<TemplateCode, string>([
  ['subscription_confirmed', 'policy'],
  ['claim_received', 'acknowledgement'],
  ['claim_documents_wanted', 'documents'],
  ['claim_documents_reminder', 'documents'],
  ['claim_documents_final', 'documents'],
  ['claim_status_letter', 'status'],
  ['claim_decision_extended', 'extension'],
  ['claim_days_moved', 'dates'],
  ['claim_approved', 'decision'],
  ['claim_denied', 'decision'],
  ['claim_paid', 'payment'],
  ['payment_sent', 'payment'],
]);

/** Whether a message is a letter, if it is about a policy or a claim. */
export const isLetter = (code: TemplateCode): boolean => letters.has(code);

/** Who writes to whom, and when. */
export interface LetterHead {
  readonly company: {
    readonly name: string;
    readonly address?: string | null;
    readonly contactEmail?: string | null;
    readonly contactPhone?: string | null;
  };
  readonly recipient: string;
  readonly date: CalendarDate;
  readonly claim: ClaimHead | undefined;
  /** What the message tells of. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The letter that a message is, beside its mail; undefined for what is none. */
export function letterOf(
  code: TemplateCode,
  { subject, text }: { readonly subject: string; readonly text: string },
  { company, recipient, date, claim, facts }: LetterHead,
): Letter | undefined {
  const kind = letters.get(code);
  const about = code === 'subscription_confirmed' ? ofPolicy(facts) : claim && ofClaim(claim);
  if (!kind || !about) return undefined;
  const { name, address, contactEmail, contactPhone } = company;
  const contact = [contactEmail, contactPhone].filter(isThere).join(' · ');
  return {
    fileName: `${about.number}-${kind}.pdf`,
    sender: [name, ...(address?.split('\n') ?? []), contact].filter(isThere),
    recipient,
    date,
    references: about.references,
    subject,
    paragraphs: [...text.split('\n\n').filter(isThere), 'Yours sincerely', name],
  };
}

type About = Pick<Letter, 'references'> & { readonly number: string };

const ofClaim = ({ claimNumber, policyNumber, incidentDate }: ClaimHead): About => ({
  number: claimNumber,
  references: [
    ['Claim', claimNumber],
    ['Policy', policyNumber],
    ['Day of the incident', incidentDate],
  ],
});

function ofPolicy(facts: LetterHead['facts']): About {
  const fact = (name: string): string => {
    const value = facts[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    number: fact('policyNumber'),
    references: [
      ['Policy', fact('policyNumber')],
      ['Plan', fact('planName')],
      ['Cover', `${fact('coverageAmount')} ${fact('currency')}`],
      ['Premium', `${fact('premium')} ${fact('currency')}`],
      ['From', fact('startDate')],
      ['Until', fact('endDate')],
    ],
  };
}

/** The letter as the HTML part of its mail. */
export function letterHtml({
  sender,
  recipient,
  date,
  references,
  subject,
  paragraphs,
}: Letter): string {
  const rows = references.map(
    ([label, value]) => `<tr><th align="left">${safe(label)}</th><td>${safe(value)}</td></tr>`,
  );
  return `<!doctype html><html lang="en"><body style="font-family:sans-serif;max-width:40em">
<p>${sender.map(safe).join('<br>')}</p>
<p>${safe(recipient)}</p>
<p>${date}</p>
<table>${rows.join('')}</table>
<h1 style="font-size:1.1em">${safe(subject)}</h1>
${paragraphs.map((paragraph) => `<p>${safe(paragraph).replaceAll('\n', '<br>')}</p>`).join('\n')}
</body></html>`;
}

const safe = (text: string): string => Handlebars.escapeExpression(text.trim());

const isThere = (text: string | null | undefined): text is string => Boolean(text?.trim());

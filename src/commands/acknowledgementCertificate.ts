import type { Company } from '../models/Company.ts';
import type { Evidence } from '../models/evidence.ts';
import { dateAt } from '../rules/calendar.ts';
import type { Letter } from '../rules/letters.ts';
import { erasedWord } from '../rules/personalFields.ts';
import type { AcknowledgementDetail } from './acknowledgementViews.ts';

/** As a PDF. */
export type DrawPdf = (letter: Letter) => Promise<Buffer>;

/** The words of a certificate, as the evidence has them whatever is called otherwise by now. */
export function certificateOf(
  { id, onTime }: Pick<AcknowledgementDetail, 'id' | 'onTime'>,
  evidence: Evidence,
  hash: string,
  { name: sender, timeZone }: Pick<Company, 'name' | 'timeZone'>,
): Letter {
  const { title, label, person } = evidence;
  const name = person?.name ?? erasedWord;
  return {
    fileName: `acknowledgement-${id}.pdf`,
    sender: [sender],
    recipient: name,
    date: dateAt(Date.parse(evidence.at), timeZone),
    references: [
      ['Document', title],
      ['Version', label],
      ['Text, SHA-256', evidence.contentSha256],
      ...(evidence.documentSha256 ? [['File, SHA-256', evidence.documentSha256] as const] : []),
      ['Confirmed at', evidence.at],
      ['Evidence, SHA-256', hash],
      ...(evidence.previousHash ? [['After', evidence.previousHash] as const] : []),
    ],
    subject: `Certificate: ${title}, version ${label}`,
    paragraphs: [
      `${name} has confirmed: ${evidence.statement}`,
      person
        ? `Signed by typing the name "${person.typedName}".`
        : 'The names were erased at the wish of the person.',
      onTime ? 'The answer came in time.' : 'The answer came after the day it was due.',
      'The hash of the evidence covers document, version, statement, time, names and the answer of the same person before it.',
    ],
  };
}

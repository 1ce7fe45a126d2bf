import { Conflict } from '../errors.ts';
import { Acknowledgement } from '../models/Acknowledgement.ts';
import type { Company } from '../models/Company.ts';
import { contentHash } from '../models/CompliancePolicyVersion.ts';
import { select } from '../models/database.ts';
import { isGenuine, type Evidence } from '../models/evidence.ts';
import { dateAt } from '../rules/calendar.ts';
import type { Letter } from '../rules/letters.ts';
import { erasedWord } from '../rules/personalFields.ts';
import type { AcknowledgementDetail } from './acknowledgementViews.ts';

/**
 * Who replaces evidence and hash together has neither the audit on their side, as long as it is kept, nor
 * the same person's answer before.
 * @throws Conflict EVIDENCE_CHANGED
 */
export async function refuseChanged(id: string, evidence: Evidence, hash: string): Promise<void> {
  const [found] = await select<{ audited: string[]; before: string | null }>(
    `SELECT (SELECT coalesce(jsonb_agg(l.after ->> 'evidenceHash'), '[]') FROM core.audit_logs l
         WHERE l.entity_type = $2 AND l.entity_id = a.id AND l.action = 'STATUS_CHANGE'
           AND jsonb_exists(l.after, 'evidenceHash')) AS audited,
       (SELECT o.evidence_hash FROM acknowledgements o
         WHERE o.employee_id = a.employee_id AND o.acknowledged_at < a.acknowledged_at
         ORDER BY o.acknowledged_at DESC, o.id DESC LIMIT 1) AS before
     FROM acknowledgements a WHERE a.id = $1`,
    [id, Acknowledgement.entityType],
  );
  const isAudited = !found || found.audited.length === 0 || found.audited.includes(hash);
  const isChained = found?.before === evidence.previousHash;
  if (isGenuine(evidence, hash) && isAudited && isChained) return;
  throw new Conflict('EVIDENCE_CHANGED', 'The evidence is not what was signed');
}

/** What is only linked has no text of its own. */
const ofNoText = contentHash(null);

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
      ...(evidence.contentSha256 === ofNoText
        ? []
        : [['Text, SHA-256', evidence.contentSha256] as const]),
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

import { hash } from 'node:crypto';
import { canonicalJson } from '../rules/canonicalJson.ts';
import { digestOfErased, isPersonal } from '../rules/personalFields.ts';

/** An audit line as it is sealed: instants as seconds since 1970 in text, to the microsecond. */
export interface ChainLine {
  readonly companyId: string;
  readonly id: string;
  readonly timestamp: string;
  readonly actorId: string | null;
  readonly actorType: string;
  readonly action: string;
  readonly entityType: string;
  readonly entityId: string | null;
  readonly before: unknown;
  readonly after: unknown;
  readonly requestId: string | null;
  readonly workflowId: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** Where a line stands in its company's chain. */
export interface ChainPlace {
  /** From 1 on, without gaps. */
  readonly seq: number;
  readonly sealedAt: string;
  readonly prevHash: string;
}

/** What the first seal of a company goes back to. */
export const noHash = '0'.repeat(64);

/** A line's columns for `ChainLine`, as exact as they are stored. */
export const chainColumns = `a.company_id AS "companyId", a.id,
  extract(epoch FROM a.timestamp)::text AS timestamp, a.actor_id AS "actorId",
  a.actor_type AS "actorType", a.action, a.entity_type AS "entityType",
  a.entity_id AS "entityId", a.before, a.after, a.request_id AS "requestId",
  a.workflow_id AS "workflowId", a.ip, a.user_agent AS "userAgent"`;

/** How values of one company enter hashes: each text as a digest under the company's key. */
export type Digest = (text: string) => string;

/**
 * HMAC's construction over SHA-256, its two pads being keys of their own, so that the database can
 * compute it as well.
 * @param key 128 random hexadecimal digits
 */
export function createDigest(key: string): Digest {
  const [inner, outer] = [key.slice(0, 64), key.slice(64)];
  // Addresses, browsers and statuses come again and again.
  let known = new Map<string, string>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const digest = hash('sha256', outer + hash('sha256', inner + text));
    if (known.size >= mostKnown) known = new Map();
    known.set(text, digest);
    return digest;
  };
}

const mostKnown = 10_000;

/**
 * Over the line, its place and the hash before it. A personal value counts the same whether it is
 * still there or was erased; any other value must be there.
 */
export const hashOfLine = (line: ChainLine, place: ChainPlace, digest: Digest): string =>
  hash('sha256', place.prevHash + canonicalLine(line, place, digest));

/** Canonical JSON: names in order, what is not plain text or a number as canonical text of its own. */
export const canonicalLine = (line: ChainLine, place: ChainPlace, digest: Digest): string =>
  JSON.stringify({
    action: line.action,
    actorId: line.actorId,
    actorType: line.actorType,
    after: digested(line.after, false, digest),
    before: digested(line.before, false, digest),
    companyId: line.companyId,
    entityId: line.entityId,
    entityType: line.entityType,
    id: line.id,
    ip: line.ip === null ? null : digestOf(line.ip, true, digest),
    requestId: line.requestId,
    sealedAt: place.sealedAt,
    seq: place.seq,
    timestamp: line.timestamp,
    userAgent: line.userAgent === null ? null : digestOf(line.userAgent, true, digest),
    workflowId: line.workflowId,
  });

const digestOf = (text: string, personal: boolean, digest: Digest): string =>
  (personal ? digestOfErased(text) : undefined) ?? digest(text);

/** `canonicalJson` of a value whose texts are digests, written at once: a check does it for every line. */
function digested(value: unknown, personal: boolean, digest: Digest): string {
  if (typeof value === 'string') return `"${digestOf(value, personal, digest)}"`;
  // jsonb keeps numbers that are too large for ours; a line with one must not hold up the others.
  if (typeof value === 'number' && !Number.isFinite(value)) return `"${value}"`;
  if (Array.isArray(value)) {
    return `[${value.map((each) => digested(each, personal, digest)).join(',')}]`;
  }
  if (typeof value !== 'object' || value === null) return canonicalJson(value);
  const members = Object.entries(value);
  if (members.length > 1) members.sort(byName);
  let text = '';
  for (const [name, member] of members) {
    const isOfPerson = personal || isPersonal(name);
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${digested(member, isOfPerson, digest)}`;
  }
  return `{${text}}`;
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

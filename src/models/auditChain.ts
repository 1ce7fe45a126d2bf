import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
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
export interface Digests {
  of(text: string): string;
}

/** @param key 64 random bytes */
export function createDigests(key: Buffer): Digests {
  const secret: KeyObject = createSecretKey(key);
  // Addresses, browsers and statuses come again and again.
  let known = new Map<string, string>();
  return {
    of(text) {
      const found = known.get(text);
      if (found !== undefined) return found;
      const digest = createHmac('sha256', secret).update(text).digest('hex');
      if (known.size >= mostKnown) known = new Map();
      known.set(text, digest);
      return digest;
    },
  };
}

const mostKnown = 10_000;

/**
 * Over the line, its place and the hash before it. A personal value counts the same whether it is
 * still there or was erased; any other value must be there.
 */
export function hashOfLine(line: ChainLine, place: ChainPlace, digests: Digests): string {
  const { companyId, id, timestamp, actorId, actorType, action, entityType, entityId } = line;
  const { requestId, workflowId, ip, userAgent } = line;
  const text = canonicalJson({
    companyId,
    id,
    timestamp,
    actorId,
    actorType,
    action,
    entityType,
    entityId,
    before: digested(line.before, false, digests),
    after: digested(line.after, false, digests),
    requestId,
    workflowId,
    ip: digested(ip, true, digests),
    userAgent: digested(userAgent, true, digests),
    seq: place.seq,
    sealedAt: place.sealedAt,
  });
  return createHash('sha256').update(place.prevHash).update(text).digest('hex');
}

function digested(value: unknown, personal: boolean, digests: Digests): unknown {
  if (typeof value === 'string') {
    return (personal ? digestOfErased(value) : undefined) ?? digests.of(value);
  }
  // jsonb keeps numbers that are too large for ours; a line with one must not hold up the others.
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map((each) => digested(each, personal, digests));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      digested(member, personal || isPersonal(name), digests),
    ]),
  );
}

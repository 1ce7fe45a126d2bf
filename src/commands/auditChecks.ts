import { setImmediate } from 'node:timers/promises';
import {
  chainColumns,
  createDigest,
  hashOfLine,
  noHash,
  type ChainLine,
  type ChainPlace,
  type Digest,
} from '../models/auditChain.ts';
import { lateMinutes, type ChainHead } from '../models/auditSeals.ts';
import { select, withTenant } from '../models/database.ts';

/** What a company's audit looks like beside its seals. */
export interface AuditCheck {
  readonly isValid: boolean;
  /** Seals that were compared with their lines, up to the first bad one. */
  readonly checked: number;
  /** Lines that are too new to have a seal. */
  readonly unsealed: number;
  readonly firstBad: BadRecord | null;
}

export interface BadRecord {
  /** Place in the chain; null for a line that was never in it. */
  readonly seq: number | null;
  readonly auditId: string | null;
  readonly kind: BadKind;
}

/**
 * - `changed`: the line is not what was sealed
 * - `missing`: a sealed line is gone
 * - `reordered`: seals stand in another order
 * - `seal_changed`: a seal was changed, added or taken out of the middle
 * - `added`: a line stands among sealed ones that the sealer never saw
 * - `cut`: the chain was longer when a checkpoint was made
 * - `checkpoint`: the chain fits itself, but is another one than when a checkpoint was made
 */
export const badKinds = [
  'changed',
  'missing',
  'reordered',
  'seal_changed',
  'added',
  'cut',
  'checkpoint',
] as const;
export type BadKind = (typeof badKinds)[number];

/** A seal with the line it belongs to, as far as that is found where it was. */
interface SealedLine extends ChainPlace {
  readonly hash: string;
  readonly auditId: string;
  readonly reach: number;
  readonly line: ChainLine | null;
}

const pageSize = 4000;
/** Seals that are computed before other work of this process has its turn. */
const atOnce = 500;

/**
 * Recomputes the chain of a company from its beginning, by pages: the memory it takes does not grow
 * with the audit.
 * @param checkpoints of this company, kept outside the database: without them a tail that was cut and a
 *   chain that was computed anew are not found
 */
export async function checkAudit(
  companyId: string,
  checkpoints: readonly Pick<ChainHead, 'seq' | 'hash'>[] = [],
): Promise<AuditCheck> {
  const seen = checkpoints.toSorted((a, b) => a.seq - b.seq);
  let nextSeen = 0;
  const digest = await digestOf(companyId);
  let previous = { seq: 0, hash: noHash };
  let reach = 0;
  let page = sealsBehind(companyId, 0);
  for (;;) {
    const seals = await page;
    const last = seals.at(-1);
    // The database reads ahead while this process computes.
    const next = last && seals.length === pageSize ? sealsBehind(companyId, last.seq) : undefined;
    const coming = next?.catch(() => undefined);
    for (const [index, seal] of seals.entries()) {
      if (index % atOnce === 0) await setImmediate();
      const isLinked = seal.seq === previous.seq + 1 && seal.prevHash === previous.hash;
      const hash = seal.line ? hashOfLine(seal.line, seal, digest) : undefined;
      if (!isLinked || hash !== seal.hash) {
        const following = seals[index + 1] ?? (await coming)?.[0];
        const firstBad = await explain({ companyId, seal, previous, hash, following, digest });
        return { isValid: false, checked: previous.seq, unsealed: 0, firstBad };
      }
      for (let at = seen[nextSeen]; at?.seq === seal.seq; at = seen[(nextSeen += 1)]) {
        if (at.hash !== seal.hash) {
          const firstBad = { seq: seal.seq, auditId: seal.auditId, kind: 'checkpoint' as const };
          return { isValid: false, checked: previous.seq, unsealed: 0, firstBad };
        }
      }
      previous = seal;
      reach = Math.max(reach, seal.reach);
    }
    if (!next) break;
    page = next;
  }
  if (seen[nextSeen]) {
    const firstBad = { seq: previous.seq + 1, auditId: null, kind: 'cut' as const };
    return { isValid: false, checked: previous.seq, unsealed: 0, firstBad };
  }
  const { unsealed, added } = await linesWithoutSeal(companyId, reach);
  const firstBad = added === null ? null : { seq: null, auditId: added, kind: 'added' as const };
  return { isValid: firstBad === null, checked: previous.seq, unsealed, firstBad };
}

/** Without a key nothing was sealed yet, so nothing is computed under the one made up here. */
const digestOf = (companyId: string): Promise<Digest> =>
  withTenant(companyId, async () => {
    const [row] = await select<{ key: string }>('SELECT key FROM core.audit_keys');
    return createDigest(row?.key ?? noHash + noHash);
  });

/** As one JSON text: taking thousands of rows apart costs more than checking them. */
const sealsBehind = (companyId: string, seq: number): Promise<SealedLine[]> =>
  withTenant(companyId, async () => {
    const [page] = await select<{ seals: SealedLine[] | null }>(
      `SELECT json_agg(p ORDER BY seq) AS seals FROM (
         SELECT s.seq, s.hash, s.prev_hash AS "prevHash", s.audit_id AS "auditId",
           extract(epoch FROM s.sealed_at)::text AS "sealedAt",
           extract(epoch FROM least(s.audit_timestamp, s.sealed_at)) AS reach,
           CASE WHEN a.id IS NOT NULL THEN (SELECT to_json(l) FROM (SELECT ${chainColumns}) l) END AS line
         FROM core.audit_seals s
         LEFT JOIN core.audit_logs a ON a.company_id = s.company_id AND a.id = s.audit_id
           AND a.timestamp = s.audit_timestamp
         WHERE s.seq > $1 ORDER BY s.seq LIMIT ${pageSize}) p`,
      [seq],
    );
    return page?.seals ?? [];
  });

/** Why a seal is not as it was made, as closely as can be told without knowing what it was. */
async function explain({
  companyId,
  seal,
  previous,
  hash,
  following,
  digest,
}: {
  readonly companyId: string;
  readonly seal: SealedLine;
  readonly previous: { readonly seq: number; readonly hash: string };
  /** As computed from the line. */
  readonly hash: string | undefined;
  readonly following: SealedLine | undefined;
  readonly digest: Digest;
}): Promise<BadRecord> {
  const seq = previous.seq + 1;
  const bad = (kind: BadKind): BadRecord => ({ seq, auditId: seal.auditId, kind });
  if (seal.seq !== seq) return { seq, auditId: null, kind: 'seal_changed' };
  if (seal.prevHash !== previous.hash) {
    return bad((await stands(companyId, previous)) ? 'reordered' : 'seal_changed');
  }
  if (hash === undefined) {
    const moved = await lineOf(companyId, seal.auditId);
    if (!moved) return bad('missing');
    return bad(hashOfLine(moved, seal, digest) === seal.hash ? 'seal_changed' : 'changed');
  }
  // The next seal knows the hash as it was.
  return bad(following?.prevHash === hash ? 'seal_changed' : 'changed');
}

/** Whether the seal that was made behind this one stands somewhere else. */
const stands = (
  companyId: string,
  { seq, hash }: { readonly seq: number; readonly hash: string },
): Promise<boolean> =>
  withTenant(companyId, async () => {
    const found = await select(
      `SELECT 1 FROM core.audit_seals WHERE prev_hash = $1 AND seq BETWEEN $2 AND $2 + 100000 LIMIT 1`,
      [hash, seq],
    );
    return found.length > 0;
  });

/** Wherever it stands now: in any partition. */
const lineOf = (companyId: string, id: string): Promise<ChainLine | undefined> =>
  withTenant(companyId, async () => {
    const [line] = await select<ChainLine>(
      `SELECT ${chainColumns} FROM core.audit_logs a WHERE a.id = $1 LIMIT 1`,
      [id],
    );
    return line;
  });

/** @param reach seconds since 1970 up to which everything that is not late was sealed */
async function linesWithoutSeal(
  companyId: string,
  reach: number,
): Promise<{ unsealed: number; added: string | null }> {
  let unsealed = 0;
  let after = { timestamp: '-infinity', id: '00000000-0000-0000-0000-000000000000' };
  for (;;) {
    const found = await withTenant(companyId, () =>
      select<{ unsealed: number; added: string | null; timestamp: string | null; id: string }>(
        `WITH page AS (
           SELECT a.timestamp, a.id FROM core.audit_logs a
           WHERE (a.timestamp, a.id) > ($1, $2) ORDER BY a.timestamp, a.id LIMIT 20000)
         SELECT count(*) FILTER (WHERE s.seq IS NULL)::int AS unsealed,
           (array_agg(p.id ORDER BY p.timestamp, p.id) FILTER (WHERE s.seq IS NULL
             AND p.timestamp < to_timestamp($3) - interval '${lateMinutes} minutes'))[1] AS added,
           max(p.timestamp)::text AS timestamp,
           (array_agg(p.id ORDER BY p.timestamp DESC, p.id DESC))[1] AS id
         FROM page p LEFT JOIN core.audit_seals s ON s.audit_id = p.id`,
        [after.timestamp, after.id, reach],
      ),
    );
    const [page] = found;
    if (!page?.timestamp) return { unsealed, added: null };
    if (page.added !== null) return { unsealed, added: page.added };
    unsealed += page.unsealed;
    after = { timestamp: page.timestamp, id: page.id };
  }
}

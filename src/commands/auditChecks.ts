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
import { retiredUntil } from '../models/auditRetention.ts';
import { lateMinutes, type ChainHead } from '../models/auditSeals.ts';
import { select, withTenant } from '../models/database.ts';

/** What a company's audit looks like beside its seals. */
export interface AuditCheck {
  readonly isValid: boolean;
  /** Seals that were compared with their lines, up to the first bad one. */
  readonly checked: number;
  /** Among these, seals whose lines went when their time was over: only their order was compared. */
  readonly retired: number;
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
const atOnce = 250;

/** Seconds of the parts in which lines and seals are counted against each other. */
const windowSeconds = 30 * 86_400;
/** 1970 and 2200; what stands outside belongs to the window at that end. */
const [firstWindow, lastWindow] = [0, 2800];

const windowOf = (seconds: number): number =>
  Math.min(Math.max(Math.floor(seconds / windowSeconds), firstWindow), lastWindow);

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
  const until = (await withTenant(companyId, retiredUntil)) ?? -Infinity;
  let retired = 0;
  let previous = { seq: 0, hash: noHash };
  let reach = 0;
  const sealed = new Map<number, number>();
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
      const isRetired = !seal.line && seal.reach <= until;
      const hash = seal.line ? hashOfLine(seal.line, seal, digest) : undefined;
      if (!isLinked || (hash !== seal.hash && !isRetired)) {
        const following = seals[index + 1] ?? (await coming)?.[0];
        const firstBad = await explain({ companyId, seal, previous, hash, following, digest });
        return { isValid: false, checked: previous.seq, retired, unsealed: 0, firstBad };
      }
      for (let at = seen[nextSeen]; at?.seq === seal.seq; at = seen[(nextSeen += 1)]) {
        if (at.hash !== seal.hash) {
          const firstBad = { seq: seal.seq, auditId: seal.auditId, kind: 'checkpoint' as const };
          return { isValid: false, checked: previous.seq, retired, unsealed: 0, firstBad };
        }
      }
      previous = seal;
      reach = Math.max(reach, seal.reach);
      if (isRetired) {
        retired += 1;
        continue;
      }
      const window = windowOf(Number(seal.line?.timestamp));
      sealed.set(window, (sealed.get(window) ?? 0) + 1);
    }
    if (!next) break;
    page = next;
  }
  if (seen[nextSeen]) {
    const firstBad = { seq: previous.seq + 1, auditId: null, kind: 'cut' as const };
    return { isValid: false, checked: previous.seq, retired, unsealed: 0, firstBad };
  }
  const { unsealed, added } = await linesWithoutSeal({
    companyId,
    sealed,
    upTo: previous.seq,
    reach,
  });
  const firstBad = added === null ? null : { seq: null, auditId: added, kind: 'added' as const };
  return { isValid: firstBad === null, checked: previous.seq, retired, unsealed, firstBad };
}

/** Without a key nothing was sealed yet, so nothing is computed under the one made up here. */
const digestOf = (companyId: string): Promise<Digest> =>
  withTenant(companyId, async () => {
    const [row] = await select<{ key: string }>('SELECT key FROM core.audit_keys');
    return createDigest(row?.key ?? noHash + noHash);
  });

/**
 * A page of seals, with their lines as found among those of the same time: that costs less than one
 * look-up for each. Lines that are not found so are looked up by themselves.
 */
const sealsBehind = (companyId: string, seq: number): Promise<SealedLine[]> =>
  withTenant(companyId, async () => {
    const page = await readSeals(
      companyId,
      `WITH s AS MATERIALIZED (
         SELECT * FROM core.audit_seals WHERE seq > $1 ORDER BY seq LIMIT ${pageSize}),
       a AS MATERIALIZED (
         SELECT * FROM core.audit_logs
         WHERE timestamp >= (SELECT min(audit_timestamp) FROM s)
           AND timestamp <= (SELECT max(audit_timestamp) FROM s)
         ORDER BY timestamp DESC, id DESC LIMIT ${2 * pageSize})
       SELECT ${sealFacts} FROM s
       LEFT JOIN a ON a.id = s.audit_id AND a.timestamp = s.audit_timestamp`,
      seq,
    );
    const without = page.filter(({ line }) => line === null).map((seal) => seal.seq);
    if (without.length === 0) return page;
    const found = await readSeals(
      companyId,
      `SELECT ${sealFacts} FROM core.audit_seals s
       LEFT JOIN core.audit_logs a ON a.company_id = s.company_id AND a.id = s.audit_id
         AND a.timestamp = s.audit_timestamp
       WHERE s.seq = ANY ($1::bigint[])`,
      without,
    );
    const bySeq = new Map(found.map((seal) => [seal.seq, seal]));
    return page.map((seal) => bySeq.get(seal.seq) ?? seal);
  });

async function readSeals(companyId: string, sql: string, bound: unknown): Promise<SealedLine[]> {
  const [page] = await select<{ seals: SealFacts[] | null }>(sql, [bound]);
  return page?.seals?.map((facts) => sealOf(companyId, facts)) ?? [];
}

/** As one text of plain lists: names, and taking thousands of rows apart, cost more than the check. */
const sealFacts = `json_agg(json_build_array(s.seq, s.hash, s.prev_hash, s.audit_id,
    extract(epoch FROM s.sealed_at)::text, extract(epoch FROM least(s.audit_timestamp, s.sealed_at)),
    a.id, extract(epoch FROM a.timestamp)::text, a.actor_id, a.actor_type, a.action, a.entity_type,
    a.entity_id, a.before, a.after, a.request_id, a.workflow_id, a.ip, a.user_agent)
  ORDER BY s.seq) AS seals`;

/** A seal, then its line, whose id is null where it is gone. */
type SealFacts = readonly [
  seq: number,
  hash: string,
  prevHash: string,
  auditId: string,
  sealedAt: string,
  reach: number,
  id: string | null,
  timestamp: string,
  actorId: string | null,
  actorType: string,
  action: string,
  entityType: string,
  entityId: string | null,
  before: unknown,
  after: unknown,
  requestId: string | null,
  workflowId: string | null,
  ip: string | null,
  userAgent: string | null,
];

function sealOf(companyId: string, facts: SealFacts): SealedLine {
  const [seq, hash, prevHash, auditId, sealedAt, reach, id, timestamp, actorId, ...rest] = facts;
  const [actorType, action, entityType, entityId, before, after, ...request] = rest;
  const [requestId, workflowId, ip, userAgent] = request;
  const line =
    id === null
      ? null
      : {
          companyId,
          id,
          timestamp,
          actorId,
          actorType,
          action,
          entityType,
          entityId,
          before,
          after,
          requestId,
          workflowId,
          ip,
          userAgent,
        };
  return { seq, hash, prevHash, auditId, sealedAt, reach, line };
}

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

/**
 * Every seal that was checked has a line of its own, so only where a window has more lines than seals
 * are those without one looked for, the newest first.
 */
async function linesWithoutSeal({
  companyId,
  sealed,
  upTo,
  reach,
}: {
  readonly companyId: string;
  /** How many lines of a window were found sealed. */
  readonly sealed: ReadonlyMap<number, number>;
  /** The last seal that was checked. */
  readonly upTo: number;
  /** Seconds since 1970 up to which everything that is not late was sealed. */
  readonly reach: number;
}): Promise<{ unsealed: number; added: string | null }> {
  let unsealed = 0;
  let next = '-infinity';
  for (;;) {
    const window = await nextWindow(companyId, next);
    if (window === undefined) return { unsealed, added: null };
    const from = window === firstWindow ? '-infinity' : startOf(window);
    const to = window === lastWindow ? null : startOf(window + 1);
    const [found] = await withTenant(companyId, () =>
      select<{ unsealed: number; added: string | null }>(
        // One statement sees one state, whatever is written meanwhile. The look-up in it is a LATERAL
        // with a LIMIT, so that no plan reads all seals for the few lines that are new.
        `WITH lines AS (
           SELECT count(*) FROM core.audit_logs
           WHERE timestamp >= $1::timestamptz AND ($2::timestamptz IS NULL OR timestamp < $2))
         SELECT count(*)::int AS unsealed, (array_agg(id ORDER BY timestamp, id) FILTER (
             WHERE timestamp < to_timestamp($3) - interval '${lateMinutes} minutes'))[1] AS added
         FROM (
           SELECT a.timestamp, a.id FROM core.audit_logs a
           LEFT JOIN LATERAL (
             SELECT s.seq FROM core.audit_seals s
             WHERE s.audit_id = a.id AND s.seq <= $4 LIMIT 1) s ON true
           WHERE a.timestamp >= $1::timestamptz AND ($2::timestamptz IS NULL OR a.timestamp < $2)
             AND s.seq IS NULL
           ORDER BY a.timestamp DESC, a.id DESC
           LIMIT (SELECT greatest(count - $5, 0) FROM lines)) found`,
        [from, to, reach, upTo, sealed.get(window) ?? 0],
      ),
    );
    if (found && found.added !== null) return { unsealed, added: found.added };
    unsealed += found?.unsealed ?? 0;
    if (to === null) return { unsealed, added: null };
    next = to;
  }
}

const startOf = (window: number): string => new Date(window * windowSeconds * 1000).toISOString();

/** The first window from there on in which a line stands. */
const nextWindow = (companyId: string, from: string): Promise<number | undefined> =>
  withTenant(companyId, async () => {
    const [first] = await select<{ seconds: string | null }>(
      `SELECT extract(epoch FROM min(timestamp))::text AS seconds
       FROM core.audit_logs WHERE timestamp >= $1`,
      [from],
    );
    return first?.seconds == null ? undefined : windowOf(Number(first.seconds));
  });

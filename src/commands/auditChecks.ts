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
/** Pages that the database reads while this process computes one. */
const pagesAhead = 2;
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
  for await (const seals of pagesOfSeals(companyId)) {
    for (const [index, seal] of seals.entries()) {
      if (index % atOnce === 0) await setImmediate();
      const isLinked = seal.seq === previous.seq + 1 && seal.prevHash === previous.hash;
      const isRetired = !seal.line && seal.reach <= until;
      const hash = seal.line ? hashOfLine(seal.line, seal, digest) : undefined;
      if (!isLinked || (hash !== seal.hash && !isRetired)) {
        const firstBad = await explain({ companyId, seal, previous, hash, digest });
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

/** All seals in their order. A page begins where the one before it ends if no seal is missing there. */
async function* pagesOfSeals(companyId: string): AsyncGenerator<readonly SealedLine[]> {
  const coming = [sealsBehind(companyId, 0)];
  let pages = 1;
  for (let seals = await coming.shift(); seals; seals = await coming.shift()) {
    while (seals.length === pageSize && coming.length < pagesAhead) {
      const page = sealsBehind(companyId, pages * pageSize);
      // A check that ends before it does not wait for it.
      page.catch(() => undefined);
      coming.push(page);
      pages += 1;
    }
    yield seals;
    // What was read behind a last page may be newer than it.
    if (seals.length < pageSize) return;
  }
}

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

/** @param found selects `sealFacts` */
async function readSeals(companyId: string, found: string, bound: unknown): Promise<SealedLine[]> {
  const [columns] = await select<SealColumns>(
    `SELECT ${sealColumns} FROM (${found} ORDER BY s.seq) AS facts HAVING count(*) > 0`,
    [bound],
  );
  return columns?.seq.map((_, index) => sealOf(companyId, columns, index)) ?? [];
}

/** A line stands where its seal says, or it is not found: what both have is read once. */
const sealFacts = `s.seq, s.hash, s.prev_hash, s.audit_id,
  extract(epoch FROM s.sealed_at)::text AS sealed_at,
  extract(epoch FROM s.audit_timestamp)::text AS timestamp, a.id IS NOT NULL AS is_found,
  a.actor_id, a.actor_type, a.action, a.entity_type, a.entity_id, a.before, a.after, a.request_id,
  a.workflow_id, a.ip, a.user_agent`;

/** A list a column: to make, to send and to take apart thousands of rows costs more than the check. */
interface SealColumns {
  readonly seq: readonly number[];
  readonly hash: readonly string[];
  readonly prevHash: readonly string[];
  readonly auditId: readonly string[];
  readonly sealedAt: readonly string[];
  readonly timestamp: readonly string[];
  readonly isFound: readonly boolean[];
  readonly actorId: readonly (string | null)[];
  readonly actorType: readonly string[];
  readonly action: readonly string[];
  readonly entityType: readonly string[];
  readonly entityId: readonly (string | null)[];
  readonly before: readonly unknown[];
  readonly after: readonly unknown[];
  readonly requestId: readonly (string | null)[];
  readonly workflowId: readonly (string | null)[];
  readonly ip: readonly (string | null)[];
  readonly userAgent: readonly (string | null)[];
}

const sealColumns = `json_agg(seq) AS seq, json_agg(hash) AS hash, json_agg(prev_hash) AS "prevHash",
  json_agg(audit_id) AS "auditId", json_agg(sealed_at) AS "sealedAt", json_agg(timestamp) AS timestamp,
  json_agg(is_found) AS "isFound", json_agg(actor_id) AS "actorId",
  json_agg(actor_type) AS "actorType", json_agg(action) AS action,
  json_agg(entity_type) AS "entityType", json_agg(entity_id) AS "entityId",
  json_agg(before) AS before, json_agg(after) AS after, json_agg(request_id) AS "requestId",
  json_agg(workflow_id) AS "workflowId", json_agg(ip) AS ip, json_agg(user_agent) AS "userAgent"`;

function sealOf(companyId: string, columns: SealColumns, index: number): SealedLine {
  const [auditId, sealedAt] = [valueAt(columns.auditId, index), valueAt(columns.sealedAt, index)];
  const timestamp = valueAt(columns.timestamp, index);
  return {
    seq: valueAt(columns.seq, index),
    hash: valueAt(columns.hash, index),
    prevHash: valueAt(columns.prevHash, index),
    auditId,
    sealedAt,
    reach: Math.min(Number(timestamp), Number(sealedAt)),
    line: valueAt(columns.isFound, index)
      ? {
          companyId,
          id: auditId,
          timestamp,
          actorId: valueAt(columns.actorId, index),
          actorType: valueAt(columns.actorType, index),
          action: valueAt(columns.action, index),
          entityType: valueAt(columns.entityType, index),
          entityId: valueAt(columns.entityId, index),
          before: valueAt(columns.before, index),
          after: valueAt(columns.after, index),
          requestId: valueAt(columns.requestId, index),
          workflowId: valueAt(columns.workflowId, index),
          ip: valueAt(columns.ip, index),
          userAgent: valueAt(columns.userAgent, index),
        }
      : null,
  };
}

function valueAt<T>(column: readonly T[], index: number): T {
  const value = column[index];
  if (value === undefined) throw new Error('A column of seals ends before the others');
  return value;
}

/** Why a seal is not as it was made, as closely as can be told without knowing what it was. */
async function explain({
  companyId,
  seal,
  previous,
  hash,
  digest,
}: {
  readonly companyId: string;
  readonly seal: SealedLine;
  readonly previous: { readonly seq: number; readonly hash: string };
  /** As computed from the line. */
  readonly hash: string | undefined;
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
  const [following] = await sealsBehind(companyId, seq);
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

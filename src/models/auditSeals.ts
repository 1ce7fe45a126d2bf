import { randomBytes } from 'node:crypto';
import {
  chainColumns,
  createDigest,
  hashOfLine,
  noHash,
  type ChainLine,
  type Digest,
} from './auditChain.ts';
import { execute, select, withSystem } from './database.ts';

/** One lock for all sealers of one database. */
const sealerLock = 7_352_107;

/** Lines of one transaction. */
export const sealBatch = 1000;

/**
 * How long a transaction may take from its audit line to its commit, clocks that differ included.
 * A line that turns up later than this behind sealed ones is no line of ours.
 */
export const lateMinutes = 5;

/** Up to where everything that is not late was sealed; `seals` names the table. */
const reach = `max(least(audit_timestamp, sealed_at))`;

/** How far behind what is sealed to look: for any late line, or for those of requests under way. */
const lookBack = { late: `${lateMinutes} minutes`, recent: '20 seconds' } as const;

const unsealedLines = (lines: keyof typeof lookBack): string => `core.audit_logs a
  WHERE a.timestamp >= coalesce(
      (SELECT ${reach} - interval '${lookBack[lines]}' FROM core.audit_seals), '-infinity')
    AND NOT EXISTS (SELECT FROM core.audit_seals s
      WHERE s.company_id = a.company_id AND s.audit_id = a.id)`;

/**
 * Seals the oldest lines that are not sealed yet, of all companies, in one transaction. While another
 * process is at it nothing happens.
 * @param lines no statement lasts as long as `recent` looks back; whoever asks for these alone must
 * ask for `late` ones from time to time
 * @returns how many; `sealBatch` means that there may be more
 */
export const sealNext = (lines: keyof typeof lookBack = 'late'): Promise<number> =>
  withSystem('sealer', async () => {
    const [lock] = await select<{ ours: boolean }>(
      `SELECT pg_try_advisory_xact_lock(${sealerLock}) AS ours`,
    );
    if (!lock?.ours) return 0;
    const open = await select<ChainLine & { storedAt: string; sealedAt: string }>(
      `SELECT ${chainColumns}, a.timestamp::text AS "storedAt",
         extract(epoch FROM now())::text AS "sealedAt"
       FROM ${unsealedLines(lines)}
       ORDER BY a.timestamp, a.id LIMIT ${sealBatch}`,
    );
    if (open.length === 0) return 0;

    const companyIds = [...new Set(open.map(({ companyId }) => companyId))];
    const heads = await headsOf(companyIds);
    const digests = await digestsOf(companyIds);
    const seals = open.map((line) => {
      const head = heads.get(line.companyId) ?? { seq: 0, hash: noHash };
      const place = { seq: head.seq + 1, prevHash: head.hash, sealedAt: line.sealedAt };
      const hash = hashOfLine(line, place, ofCompany(digests, line.companyId));
      heads.set(line.companyId, { seq: place.seq, hash });
      return { ...line, ...place, hash };
    });
    return execute(
      `INSERT INTO core.audit_seals
         (company_id, seq, audit_id, audit_timestamp, hash, prev_hash, sealed_at)
       SELECT *, now() FROM unnest(
         $1::uuid[], $2::bigint[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[])`,
      [
        seals.map(({ companyId }) => companyId),
        seals.map(({ seq }) => seq),
        seals.map(({ id }) => id),
        seals.map(({ storedAt }) => storedAt),
        seals.map(({ hash }) => hash),
        seals.map(({ prevHash }) => prevHash),
      ],
    );
  });

/** Seconds that the oldest line which is not sealed has waited; 0 without one. */
export const sealingLag = (): Promise<number> =>
  withSystem('sealer', async () => {
    const [oldest] = await select<{ age: string }>(
      `SELECT extract(epoch FROM now() - a.timestamp) AS age FROM ${unsealedLines('late')}
       ORDER BY a.timestamp, a.id LIMIT 1`,
    );
    return Math.max(0, Number(oldest?.age ?? 0));
  });

/** The newest seal of a company. */
export interface ChainHead {
  readonly companyId: string;
  /** Also how many lines are sealed. */
  readonly seq: number;
  readonly hash: string;
}

const headsPage = 1000;

/** The heads of all companies, by pages in the order of their ids. */
export async function* chainHeads(): AsyncGenerator<readonly ChainHead[]> {
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows = await withSystem('sealer', () =>
      select<ChainHead>(
        `SELECT k.company_id AS "companyId", head.seq::float8 AS seq, head.hash
         FROM core.audit_keys k
         CROSS JOIN LATERAL (
           SELECT seq, hash FROM core.audit_seals s WHERE s.company_id = k.company_id
           ORDER BY seq DESC LIMIT 1) AS head
         WHERE k.company_id > $1 ORDER BY k.company_id LIMIT ${headsPage}`,
        [after],
      ),
    );
    yield rows;
    const last = rows.at(-1);
    if (!last || rows.length < headsPage) return;
    after = last.companyId;
  }
}

async function headsOf(
  companyIds: readonly string[],
): Promise<Map<string, { readonly seq: number; readonly hash: string }>> {
  const rows = await select<{ companyId: string; seq: string; hash: string }>(
    `SELECT c.company_id AS "companyId", head.seq, head.hash
     FROM unnest($1::uuid[]) AS c (company_id)
     CROSS JOIN LATERAL (
       SELECT seq, hash FROM core.audit_seals s WHERE s.company_id = c.company_id
       ORDER BY seq DESC LIMIT 1) AS head`,
    [companyIds],
  );
  return new Map(rows.map(({ companyId, seq, hash }) => [companyId, { seq: Number(seq), hash }]));
}

/** A company gets its key with its first line. */
async function digestsOf(companyIds: readonly string[]): Promise<ReadonlyMap<string, Digest>> {
  const read = () =>
    select<{ companyId: string; key: string }>(
      'SELECT company_id AS "companyId", key FROM core.audit_keys WHERE company_id = ANY ($1)',
      [companyIds],
    );
  let rows = await read();
  if (rows.length < companyIds.length) {
    await execute(
      `INSERT INTO core.audit_keys (company_id, key)
       SELECT * FROM unnest($1::uuid[], $2::text[])
       ON CONFLICT DO NOTHING`,
      [companyIds, companyIds.map(() => randomBytes(64).toString('hex'))],
    );
    rows = await read();
  }
  return new Map(rows.map(({ companyId, key }) => [companyId, createDigest(key)]));
}

function ofCompany(digests: ReadonlyMap<string, Digest>, companyId: string): Digest {
  const found = digests.get(companyId);
  if (!found) throw new Error(`The company ${companyId} has no key for its audit`);
  return found;
}

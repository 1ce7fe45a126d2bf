import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { chainColumns, createDigest, hashOfLine, noHash, type ChainLine } from './auditChain.ts';

const batch = 1000;

/**
 * Seals the lines of the company that were written and not sealed when it was exported. The sealer looks
 * for new lines alone, and would take these for added ones.
 */
export async function sealTheRest(client: pg.Client, companyId: string): Promise<void> {
  const heads = await client.query<{ seq: string; hash: string }>(
    'SELECT seq, hash FROM core.audit_seals WHERE company_id = $1 ORDER BY seq DESC LIMIT 1',
    [companyId],
  );
  let [head] = heads.rows.map(({ seq, hash }) => ({ seq: Number(seq), hash }));
  for (;;) {
    const { rows: open } = await client.query<ChainLine & { storedAt: string; sealedAt: string }>(
      `SELECT ${chainColumns}, a.timestamp::text AS "storedAt",
         extract(epoch FROM now())::text AS "sealedAt"
       FROM core.audit_logs a
       WHERE a.company_id = $1 AND NOT EXISTS (SELECT FROM core.audit_seals s
         WHERE s.company_id = a.company_id AND s.audit_id = a.id)
       ORDER BY a.timestamp, a.id LIMIT ${batch}`,
      [companyId],
    );
    if (open.length === 0) return;
    const digest = createDigest(await keyOf(client, companyId));
    const seals = open.map((line) => {
      const place = {
        seq: (head?.seq ?? 0) + 1,
        prevHash: head?.hash ?? noHash,
        sealedAt: line.sealedAt,
      };
      const hash = hashOfLine(line, place, digest);
      head = { seq: place.seq, hash };
      return { id: line.id, storedAt: line.storedAt, ...place, hash };
    });
    await client.query(
      `INSERT INTO core.audit_seals
         (company_id, seq, audit_id, audit_timestamp, hash, prev_hash, sealed_at)
       SELECT $1::uuid, *, now() FROM unnest($2::bigint[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[])`,
      [
        companyId,
        seals.map(({ seq }) => seq),
        seals.map(({ id }) => id),
        seals.map(({ storedAt }) => storedAt),
        seals.map(({ hash }) => hash),
        seals.map(({ prevHash }) => prevHash),
      ],
    );
  }
}

async function keyOf(client: pg.Client, companyId: string): Promise<string> {
  const { rows } = await client.query<{ key: string }>(
    `INSERT INTO core.audit_keys AS k (company_id, key) VALUES ($1, $2)
     ON CONFLICT (company_id) DO UPDATE SET key = k.key RETURNING key`,
    [companyId, randomBytes(64).toString('hex')],
  );
  const [row] = rows;
  if (!row) throw new Error('The audit has no key');
  return row.key;
}

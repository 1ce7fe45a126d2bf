import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { checkAudit } from '../../src/commands/auditChecks.ts';
import {
  chainColumns,
  createDigest,
  hashOfLine,
  type ChainLine,
} from '../../src/models/auditChain.ts';
import type { ChainHead } from '../../src/models/auditSeals.ts';
import { openCheckpoints } from '../../worker/checkpoints.ts';
import { buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { report } from '../support/report.ts';
import { seed } from '../rules/property.ts';
import { sealAll, writeLines } from './chain.ts';
import { checkpointPlaces, manipulation } from './manipulations.ts';
import { mulberry } from './random.ts';

const runs = 300;
const [, , length] = checkpointPlaces;

let database: TestDatabase;
let companyId: string;
let folder: string;
let kept: readonly ChainHead[];

beforeAll(async () => {
  database = await openTestDatabase({ poolMax: 3 });
  ({ id: companyId } = await buildCompany());
  folder = mkdtempSync(path.join(os.tmpdir(), 'surety-tampering-'));
  const checkpoints = openCheckpoints({
    environment: 'test',
    audit: { checkpointDir: path.join(folder, 'checkpoints'), signingKey: undefined },
  });
  const twoHoursAgo = Date.now() - 7_200_000;
  let from = 0;
  for (const upTo of checkpointPlaces) {
    const places = Array.from({ length: upTo - from }, (_, index) => from + index);
    await writeLines(
      companyId,
      places.map((place) => ({ timestamp: new Date(twoHoursAgo + place * 60_000) })),
    );
    await sealAll();
    await checkpoints.write();
    from = upTo;
  }
  kept = (await checkpoints.read()).byCompany.get(companyId) ?? [];
  await database.sql('CREATE SCHEMA kept');
  for (const table of ['audit_logs', 'audit_seals']) {
    await database.sql(
      `CREATE TABLE kept.${table} AS SELECT * FROM core.${table} WHERE company_id = '${companyId}'`,
    );
  }
});
afterAll(async () => {
  await database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a superuser who knows how can do: every seal from a place on fits again. */
async function rechain(from: number): Promise<void> {
  const [row] = await database.sql<{ key: string }>(
    'SELECT key FROM core.audit_keys WHERE company_id = $1',
    [companyId],
  );
  const digest = createDigest(row?.key ?? '');
  const seals = await database.sql<ChainLine & { seq: number; sealedAt: string; hash: string }>(
    `SELECT s.seq::int, extract(epoch FROM s.sealed_at)::text AS "sealedAt", s.hash, ${chainColumns}
     FROM core.audit_seals s JOIN core.audit_logs a ON a.id = s.audit_id
     WHERE s.company_id = $1 AND s.seq >= $2 ORDER BY s.seq`,
    [companyId, from - 1],
  );
  let prevHash = seals[0]?.hash ?? '';
  const anew: { seq: number; prevHash: string; hash: string }[] = [];
  for (const { seq, sealedAt, ...line } of seals.slice(1)) {
    const hash = hashOfLine(line, { seq, sealedAt, prevHash }, digest);
    anew.push({ seq, prevHash, hash });
    prevHash = hash;
  }
  await database.sql(
    `UPDATE core.audit_seals s SET prev_hash = n."prevHash", hash = n.hash
     FROM jsonb_to_recordset($2) AS n (seq bigint, "prevHash" text, hash text)
     WHERE s.company_id = $1 AND s.seq = n.seq`,
    [companyId, JSON.stringify(anew)],
  );
}

async function putBack(): Promise<void> {
  for (const table of ['audit_logs', 'audit_seals']) {
    await database.sql(`DELETE FROM core.${table}`);
    await database.sql(`INSERT INTO core.${table} SELECT * FROM kept.${table}`);
  }
}

describe('an audit that somebody manipulated as superuser', () => {
  it(`is found out and the place named, ${runs} times`, async () => {
    const random = mulberry(seed);
    const seen: unknown[] = [];
    const expected: unknown[] = [];
    const tried = new Set<string>();
    for (let run = 0; run < runs; run += 1) {
      const { what, statements, kinds, foundAt, rechainFrom } = manipulation(random, length);
      for (const statement of statements) {
        await database.sql(statement, statement.includes('$1') ? [companyId] : []);
      }
      if (rechainFrom !== undefined) await rechain(rechainFrom);

      const { isValid, firstBad } = await checkAudit(companyId, kept);

      const kind = kinds.find((each) => each === firstBad?.kind) ?? kinds[0];
      seen.push([what, isValid, firstBad?.seq, firstBad?.kind]);
      expected.push([what, false, foundAt, kind]);
      if (kind === 'checkpoint') {
        // Without the checkpoint nothing tells.
        expect(await checkAudit(companyId)).toMatchObject({ isValid: true });
      }
      tried.add(what);
      await putBack();
    }

    expect(seen).toEqual(expected);
    expect(await checkAudit(companyId, kept)).toEqual({
      isValid: true,
      checked: length,
      retired: 0,
      unsealed: 0,
      firstBad: null,
    });
    report(`audit: ${runs} manipulations of ${tried.size} kinds, all located (SEED=${seed})`);
  });
});

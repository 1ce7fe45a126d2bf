import { parseArgs } from 'node:util';
import { checkAudit, type AuditCheck } from '../src/commands/auditChecks.ts';
import { readConfig } from '../src/config.ts';
import { CannotStart, errorCode, startFailure } from '../src/errors.ts';
import { defineModels } from '../src/models/all.ts';
import { retiredUntil } from '../src/models/auditRetention.ts';
import {
  openDatabase,
  platformCompanyId,
  select,
  withGlobal,
  withTenant,
} from '../src/models/database.ts';
import { openCheckpoints, type KeptCheckpoints } from './checkpoints.ts';

/**
 * Run as a program, `verifyAudit.ts [--company CODE]`: checks the audit against its seals and the signed
 * checkpoints, one line a company. Ends with 1 where something is not as it was.
 */
try {
  process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
} catch (error) {
  const isUsage = errorCode(error)?.startsWith('ERR_PARSE_ARGS') ?? false;
  console.error(isUsage ? 'npm run audit:verify -- [--company CODE]' : startFailure(error));
  process.exitCode = 1;
}

async function main(args: string[]): Promise<boolean> {
  const { values } = parseArgs({ args, options: { company: { type: 'string' } } });
  const config = readConfig();
  const { byCompany, unsigned } = await openCheckpoints(config).read();
  const database = openDatabase(
    {
      url: config.database.workerUrl,
      poolMax: 2,
      acquireTimeoutMs: 10_000,
      statementTimeoutMs: 60_000,
      applicationName: 'surety-audit',
    },
    defineModels,
  );
  try {
    for (const place of unsigned) console.log(`The checkpoint ${place} is not signed by this key`);
    let isGood = unsigned.length === 0;
    for await (const { id, code } of companies(values.company)) {
      const check = await checkAudit(id, byCompany.get(id));
      console.log(`${code}: ${inWords(check)}`);
      isGood &&= check.isValid;
    }
    const gone = values.company === undefined ? await withoutTrace(byCompany) : [];
    for (const id of gone) console.log(`${id}: BAD cut, number 1, the company is gone`);
    isGood &&= gone.length === 0;
    return isGood;
  } finally {
    await database.close();
  }
}

/** @throws CannotStart where a code is given that no company has */
async function* companies(
  code: string | undefined,
): AsyncGenerator<{ readonly id: string; readonly code: string }> {
  let after = '';
  for (;;) {
    const page = await withGlobal(() =>
      select<{ id: string; code: string }>(
        `SELECT id, code FROM platform.companies
         WHERE code > $1 AND ($2::text IS NULL OR code = $2) ORDER BY code LIMIT 200`,
        [after, code ?? null],
      ),
    );
    if (code !== undefined && after === '' && page.length === 0) {
      throw new CannotStart(`There is no company ${code}`);
    }
    yield* page;
    const last = page.at(-1);
    if (!last) return;
    after = last.code;
  }
}

/**
 * Companies that had a chain and are gone, though the platform's audit does not tell that they were removed.
 * It tells as long as it is kept, so one whose checkpoints all are older may have been.
 */
async function withoutTrace(byCompany: KeptCheckpoints['byCompany']): Promise<string[]> {
  const until = ((await withTenant(platformCompanyId, retiredUntil)) ?? -Infinity) * 1000;
  const kept = [...byCompany]
    .filter(([, heads]) => heads.some(({ at }) => at.getTime() > until))
    .map(([id]) => id);
  const gone = await withGlobal(() =>
    select<{ id: string }>(
      `SELECT k.id FROM unnest($1::uuid[]) AS k (id)
       WHERE NOT EXISTS (SELECT FROM platform.companies c WHERE c.id = k.id)
         AND (SELECT a.action FROM core.audit_logs a
           WHERE a.company_id = $2 AND a.entity_type = 'company' AND a.entity_id = k.id
             AND a.action IN ('DELETE', 'RESTORE')
           ORDER BY a.timestamp DESC LIMIT 1) IS DISTINCT FROM 'DELETE'
       ORDER BY k.id`,
      [kept, platformCompanyId],
    ),
  );
  return gone.map(({ id }) => id);
}

function inWords({ isValid, checked, retired, unsealed, firstBad }: AuditCheck): string {
  if (isValid) {
    const gone = retired > 0 ? ` (of ${retired} only the seals are left)` : '';
    return `${checked} lines are as they were sealed${gone}, ${unsealed} are not sealed yet`;
  }
  const { kind, seq, auditId } = firstBad ?? { kind: 'changed', seq: null, auditId: null };
  const place = seq === null ? 'outside of the chain' : `number ${seq}`;
  return `BAD ${kind}, ${place}${auditId === null ? '' : `, audit line ${auditId}`}`;
}

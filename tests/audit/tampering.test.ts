import { checkAudit } from '../../src/commands/auditChecks.ts';
import { buildCompany } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { report } from '../support/report.ts';
import { seed } from '../rules/property.ts';
import { sealAll, writeLines } from './chain.ts';
import { manipulation } from './manipulations.ts';
import { mulberry } from './random.ts';

const runs = 300;
const length = 60;

let database: TestDatabase;
let companyId: string;

beforeAll(async () => {
  database = await openTestDatabase({ poolMax: 3 });
  ({ id: companyId } = await buildCompany());
  const twoHoursAgo = Date.now() - 7_200_000;
  await writeLines(
    companyId,
    Array.from({ length }, (_, index) => ({ timestamp: new Date(twoHoursAgo + index * 60_000) })),
  );
  await sealAll();
  await database.sql('CREATE SCHEMA kept');
  for (const table of ['audit_logs', 'audit_seals']) {
    await database.sql(
      `CREATE TABLE kept.${table} AS SELECT * FROM core.${table} WHERE company_id = '${companyId}'`,
    );
  }
});
afterAll(() => database.close());

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
      const { what, statements, kinds, foundAt } = manipulation(random, length);
      for (const statement of statements) {
        await database.sql(statement, statement.includes('$1') ? [companyId] : []);
      }

      const { isValid, firstBad } = await checkAudit(companyId);

      seen.push([
        what,
        isValid,
        firstBad?.seq,
        kinds.find((kind) => kind === firstBad?.kind) ?? firstBad?.kind,
      ]);
      expected.push([
        what,
        false,
        foundAt,
        kinds.find((kind) => kind === firstBad?.kind) ?? kinds[0],
      ]);
      tried.add(what);
      await putBack();
    }

    expect(seen).toEqual(expected);
    expect(await checkAudit(companyId)).toEqual({
      isValid: true,
      checked: length,
      unsealed: 0,
      firstBad: null,
    });
    report(`audit: ${runs} manipulations of ${tried.size} kinds, all located (SEED=${seed})`);
  }, 120_000);
});

import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const imports = 'eslint(no-restricted-imports)';

type Case = readonly [file: string, text: string, rule?: string];

/** File, text, and the one rule that refuses it; without a rule the text is allowed. */
const cases: readonly Case[] = [
  ['src/rules/a.ts', `export * from '../models/Claim.ts';`, imports],
  ['src/rules/b.ts', `export * from 'node:crypto';`, imports],
  [
    'src/rules/c.ts',
    `export * from './money.ts';\nexport * from 'big.js';\nexport * from 'temporal-polyfill';`,
  ],
  ['src/errors.ts', `export * from './models/Claim.ts';`, imports],
  ['src/logger.ts', `export * from './config.ts';\nexport * from './rules/money.ts';`],
  ['src/models/Claim.ts', `export * from '../commands/claims.ts';`, imports],
  ['src/models/Plan.ts', `export * from '../config.ts';`, imports],
  ['src/models/User.ts', `export * from '@temporalio/client';`, imports],
  ['src/models/Team.ts', `export * from '../rules/money.ts';\nexport * from '../errors.ts';`],
  ['src/models/migrations/0001Claims.ts', `export * from '../../api/app.ts';`, imports],
  ['src/models/cli.ts', `export * from '../config.ts';`],
  ['src/activities/a.ts', `export * from '../workflows/claimProcessing.ts';`, imports],
  [
    'src/activities/b.ts',
    `export * from '../models/Claim.ts';\nexport * from '@temporalio/activity';`,
  ],
  ['src/workflows/a.ts', `export * from '../activities/index.ts';`, imports],
  ['src/workflows/b.ts', `export * from 'node:crypto';`, imports],
  ['src/workflows/c.ts', `export * from '../errors.ts';`, imports],
  [
    'src/workflows/d.ts',
    `export * from '@temporalio/workflow';\nexport * from '../rules/money.ts';\nexport * from './inbox.ts';\nexport type { A } from '../activities/index.ts';`,
  ],
  ['src/commands/a.ts', `export * from '../api/app.ts';`, imports],
  ['src/commands/b.ts', `export * from 'koa';`, imports],
  ['src/commands/c.ts', `export * from '../../worker/relay.ts';`, imports],
  [
    'src/commands/d.ts',
    `export * from '../models/Claim.ts';\nexport * from '../workflows/claimProcessing.ts';`,
  ],
  ['src/api/claims/a.ts', `export * from '../../models/Claim.ts';`, imports],
  ['src/api/claims/b.ts', `export * from '../../workflows/claimProcessing.ts';`, imports],
  ['src/api/b.ts', `export * from './workflows/routes.ts';\nexport * from './claims/routes.ts';`],
  ['src/api/c.ts', `export * from '../activities/index.ts';`, imports],
  ['src/api/compose.ts', `export * from '../models/database.ts';`],
  [
    'src/api/claims/c.ts',
    `export * from '../../commands/claims.ts';\nexport * from '../workflows/present.ts';\nexport type { A } from '../../models/Claim.ts';`,
  ],
  ['worker/a.ts', `export * from '../src/api/app.ts';`, imports],
  ['worker/b.ts', `export * from '../src/models/Claim.ts';`],
  ['local/a.ts', `export * from '../src/api/app.ts';`, imports],
  ['worker/c.ts', `export const port = process.env['PORT'];`, 'node(no-process-env)'],
  ['src/config.ts', `export const port = process.env['PORT'];`],
  ['src/any.ts', `export const a = (value: any) => value;`, 'typescript(no-explicit-any)'],
  [
    'src/bang.ts',
    `export const a = (value?: string) => value!;`,
    'typescript(no-non-null-assertion)',
  ],
  [
    'src/cast.ts',
    `export const a = [1] as readonly number[];\nexport const b = [1] as const;`,
    'typescript(consistent-type-assertions)',
  ],
  [
    'src/floating.ts',
    `const save = async () => {};\nexport const a = () => {\n  save();\n};`,
    'typescript(no-floating-promises)',
  ],
  [
    'src/misused.ts',
    `const may = async () => true;\nexport const a = () => (may() ? 1 : 2);`,
    'typescript(no-misused-promises)',
  ],
  [
    'src/exhaustive.ts',
    `export function a(status: 'open' | 'closed') {\n  switch (status) {\n    case 'open':\n      return 1;\n  }\n  return 2;\n}`,
    'typescript(switch-exhaustiveness-check)',
  ],
  ['src/thrown.ts', `export const a = () => {\n  throw 'x';\n};`, 'typescript(only-throw-error)'],
  ['src/standard.ts', `export default 1;`, 'import(no-default-export)'],
  ['src/kebab-case.ts', `export const a = 1;`, 'unicorn(filename-case)'],
  ['src/unused.ts', `const a = 1;\nexport const b = 2;`, 'eslint(no-unused-vars)'],
  ['src/equal.ts', `export const a = (b: number) => b == 1;`, 'eslint(eqeqeq)'],
];

let findings: ReadonlyMap<string, readonly string[]>;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'surety-lint-'));
  for (const file of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) {
    cpSync(file, path.join(folder, file));
  }
  symlinkSync(path.resolve('node_modules'), path.join(folder, 'node_modules'));
  for (const [file, text] of cases) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), `${text}\n`);
  }
  findings = lint();
});

afterAll(() => rmSync(folder, { recursive: true }));

function lint(): ReadonlyMap<string, readonly string[]> {
  const { stdout, stderr } = spawnSync(
    path.resolve('node_modules/.bin/oxlint'),
    ['--type-aware', '--format=json', 'src', 'worker', 'local'],
    { cwd: folder, encoding: 'utf8' },
  );
  if (!stdout.startsWith('{')) throw new Error(stderr || stdout);
  const { diagnostics }: { diagnostics: { filename: string; code: string }[] } = JSON.parse(stdout);
  const byFile = new Map<string, string[]>();
  for (const { filename, code } of diagnostics) {
    byFile.set(filename, [...(byFile.get(filename) ?? []), code]);
  }
  return byFile;
}

describe('the lint rules', () => {
  for (const [file, text, rule] of cases) {
    it(`${rule === undefined ? 'allow' : 'refuse'} ${file}: ${text}`, () => {
      expect(new Set(findings.get(file))).toEqual(new Set(rule === undefined ? [] : [rule]));
    });
  }
});

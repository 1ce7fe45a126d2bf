import { readFileSync } from 'node:fs';

/** The OWASP Top 10 of 2021, each with tests that show how we meet it: file and part of a title. */
const checklist: Readonly<Record<string, readonly (readonly [file: string, title: string])[]>> = {
  'A01 Broken access control': [
    ['wall/matrix.test.ts', 'has a row for every route'],
    ['wall/ownership.test.ts', 'of another company is to a %s what an unknown one is'],
    ['wall/rls.test.ts', 'every way around the wall is refused or leads to nothing'],
  ],
  'A02 Cryptographic failures': [
    ['commands/identity/passwords.test.ts', 'use Argon2id at 19 MiB and two passes'],
    ['commands/identity/tokens.test.ts', 'are refused unsigned, changed, or signed by another'],
    ['api/platform/answers.test.ts', 'HSTS only over HTTPS'],
  ],
  'A03 Injection': [
    ['contract/contract.test.ts', 'for everything that $role may send'],
    ['api/platform/requests.test.ts', '__proto__ as a key'],
    ['api/dev/dev.test.ts', 'shows what came by mail as text and never as markup'],
  ],
  'A04 Insecure design': [
    ['commands/identity/login.test.ts', 'closes at the fifth failure'],
    ['api/platform/rateLimits.test.ts', 'guard signing in more closely'],
    ['commands/subscribe.test.ts', '200 times at once to one plan has one winner'],
  ],
  'A05 Security misconfiguration': [
    ['config.test.ts', 'refuses in production what development is content with'],
    ['wall/selfCheck.test.ts', 'the self-check'],
    ['api/platform/answers.test.ts', 'is 500 without a word about the cause'],
  ],
  'A06 Vulnerable and outdated components': [['deploy/owasp.test.ts', 'are exact versions']],
  'A07 Identification and authentication failures': [
    ['wall/tokens.test.ts', 'refuses a token that is %s'],
    ['commands/identity/sessions.test.ts', 'of an older ancestor revokes the session'],
    ['commands/identity/login.test.ts', 'costs one comparison and the same answer'],
  ],
  'A08 Software and data integrity failures': [
    ['audit/tampering.test.ts', 'an audit that somebody manipulated as superuser'],
    ['api/payments/stripeWebhooks.test.ts', 'is refused when it is forged, old or not signed'],
    ['badDays/migrations.test.ts', 'leave nothing of a run in which one is broken'],
  ],
  'A09 Security logging and monitoring failures': [
    ['api/platform/access.test.ts', 'is refused to strangers with 401'],
    ['api/platform/access.test.ts', 'is a line of the security stream'],
    ['wall/canary.test.ts', 'leave no word, no person and no secret in the logs'],
  ],
  'A10 Server-side request forgery': [
    ['gateways/outgoingWebhooks.test.ts', 'is not sent where one of several addresses is hostile'],
    ['gateways/outgoingWebhooks.test.ts', 'goes nowhere when it has changed'],
  ],
};

const manifest: {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
} = JSON.parse(readFileSync('package.json', 'utf8'));

describe('the OWASP Top 10', () => {
  it.each(Object.entries(checklist))('%s has its tests', (_risk, tests) => {
    const missing = tests.filter(
      ([file, title]) => !readFileSync(`tests/${file}`, 'utf8').includes(title),
    );

    expect(missing).toEqual([]);
  });
});

describe('packages', () => {
  it('are exact versions, none older than the one that mended a known hole', () => {
    const { dependencies, devDependencies, optionalDependencies } = manifest;
    const all = Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
    const loose = all.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version));
    const at = (name: string): number[] => (dependencies[name] ?? '0').split('.').map(Number);

    expect(loose).toEqual([]);
    expect(compare(at('koa'), [3, 1, 2])).toBeGreaterThanOrEqual(0);
    expect(compare(at('sequelize'), [6, 37, 8])).toBeGreaterThanOrEqual(0);
  });
});

const compare = (a: readonly number[], b: readonly number[]): number =>
  a.map((part, index) => part - (b[index] ?? 0)).find((difference) => difference !== 0) ?? 0;

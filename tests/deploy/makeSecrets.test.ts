import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signingKeyOf } from '../../worker/checkpoints.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'surety-secrets-'));
  cpSync('deploy/makeSecrets.sh', path.join(folder, 'makeSecrets.sh'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const run = (): string =>
  execFileSync('sh', [path.join(folder, 'makeSecrets.sh')], { encoding: 'utf8' });

const read = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(path.join(folder, 'secrets')).map((name) => [
      name,
      readFileSync(path.join(folder, 'secrets', name), 'utf8'),
    ]),
  );

describe('deploy/makeSecrets.sh', () => {
  it('gives each service a file that nobody else can read', () => {
    run();

    const secrets = path.join(folder, 'secrets');
    const modes = readdirSync(secrets).map((name) => [
      name,
      statSync(path.join(secrets, name)).mode & 0o777,
    ]);
    expect(Object.fromEntries(modes)).toEqual({
      'api.env': 0o600,
      'migrate.env': 0o600,
      'postgres.env': 0o600,
      'temporal.env': 0o600,
      'worker.env': 0o600,
    });
    expect(readdirSync(folder).toSorted()).toEqual(['makeSecrets.sh', 'secrets']);
  });

  it('tells the API and the worker neither the superuser password nor each other’s', () => {
    run();

    const files = read();
    const admin = /^POSTGRES_PASSWORD=(.+)$/m.exec(files['postgres.env'] ?? '')?.[1];
    expect(admin).toHaveLength(64);
    expect(files['migrate.env']).toContain(admin);
    expect(files['api.env']).not.toContain(admin);
    expect(files['worker.env']).not.toContain(admin);
    expect(files['api.env']).not.toContain('app_worker');
    expect(files['worker.env']).not.toContain('app_api');
  });

  it('gives the worker alone a key that signs checkpoints of the audit', () => {
    run();

    const files = read();
    const [, key = ''] = /^AUDIT_SIGNING_KEY=(.+)$/m.exec(files['worker.env'] ?? '') ?? [];
    expect(signingKeyOf(key).asymmetricKeyType).toBe('ed25519');
    expect(files['api.env']).not.toContain('AUDIT_SIGNING_KEY');
  });

  it('leaves what is there: the database knows only its first passwords', () => {
    run();
    const before = read();

    const said = run();

    expect(read()).toEqual(before);
    expect(said).toContain('nothing changed');
  });
});

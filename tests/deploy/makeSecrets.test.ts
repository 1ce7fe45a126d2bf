import { execFileSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
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
      'gateway.env': 0o600,
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

  const gatewayKeys = (file = ''): readonly (string | undefined)[] =>
    ['KEY', 'WEBHOOK_SECRET'].map(
      (name) =>
        new RegExp(`^(?:PAYMENT_)?(?:GATEWAY_)?${name}=([0-9a-f]{64})$`, 'm').exec(file)?.[1],
    );

  it('gives the simulated gateway, the API and the worker the same keys, also later on', () => {
    run();
    const first = read();
    rmSync(path.join(folder, 'secrets', 'gateway.env'));
    for (const name of ['api.env', 'worker.env']) {
      const older = first[name]?.replaceAll(/^PAYMENT_.*\n/gm, '') ?? '';
      writeFileSync(path.join(folder, 'secrets', name), older);
    }

    run();

    for (const files of [first, read()]) {
      const keys = gatewayKeys(files['gateway.env']);
      expect(keys).toEqual([expect.any(String), expect.any(String)]);
      expect(gatewayKeys(files['api.env'])).toEqual(keys);
      expect(gatewayKeys(files['worker.env'])).toEqual(keys);
    }
    expect(read()['postgres.env']).toBe(first['postgres.env']);
  });

  it('gives the API alone a token for its figures, also later on', () => {
    const token = /^METRICS_TOKEN=[0-9a-f]{64}$/m;
    run();
    const first = read();
    const older = first['api.env']?.replace(/^METRICS_TOKEN.*\n/m, '') ?? '';
    writeFileSync(path.join(folder, 'secrets', 'api.env'), older);

    const said = run();

    expect(first['api.env']).toMatch(token);
    expect(first['worker.env']).not.toContain('METRICS_TOKEN');
    expect(said).toContain('token');
    expect(read()).toEqual({ ...first, 'api.env': expect.stringMatching(token) });
  });

  it('leaves what is there: the database knows only its first passwords', () => {
    run();
    const before = read();

    const said = run();

    expect(read()).toEqual(before);
    expect(said).toContain('nothing changed');
  });
});

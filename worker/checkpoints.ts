import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createReadStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ConfigError, type Config } from '../src/config.ts';
import { errorCode } from '../src/errors.ts';
import type { Logger } from '../src/logger.ts';
import { chainHeads, type ChainHead } from '../src/models/auditSeals.ts';
import { canonicalJson } from '../src/rules/canonicalJson.ts';

const everyMs = 60_000;

/** Heads of the audit's chains, signed, in files outside of the database. */
export interface Checkpoints {
  /** One for each chain that went on since the last time. @returns how many */
  write(): Promise<number>;
  read(): Promise<KeptCheckpoints>;
}

export interface KeptHead extends ChainHead {
  readonly at: Date;
}

export interface KeptCheckpoints {
  /** By company, in the order in which they were written. */
  readonly byCompany: ReadonlyMap<string, readonly KeptHead[]>;
  /** Lines that this key did not sign, as `file:line`. */
  readonly unsigned: readonly string[];
}

/** @throws ConfigError where production has no folder or no key, or the key is of another kind */
export function openCheckpoints({
  environment,
  audit: { checkpointDir: dir, signingKey },
}: Pick<Config, 'environment' | 'audit'>): Checkpoints {
  if (dir === undefined) {
    throw new ConfigError('Configuration: production needs AUDIT_CHECKPOINT_DIR for the worker');
  }
  if (signingKey === undefined && environment === 'production') {
    throw new ConfigError('Configuration: production needs AUDIT_SIGNING_KEY for the worker');
  }
  const key = signingKeyOf(
    signingKey ?? keptSigningKey(path.join(path.dirname(path.resolve(dir)), 'audit-signing.pem')),
  );
  const publicKey = createPublicKey(key);
  const written = new Map<string, number>();

  return {
    async write() {
      const at = new Date().toISOString();
      let count = 0;
      for await (const heads of chainHeads()) {
        const changed = heads.filter(({ companyId, seq }) => written.get(companyId) !== seq);
        if (changed.length === 0) continue;
        const lines = changed.map((head) => signed(head, at, key));
        await appendDurably(dir, `${at.slice(0, 10)}.jsonl`, `${lines.join('\n')}\n`);
        for (const { companyId, seq } of changed) written.set(companyId, seq);
        count += changed.length;
      }
      return count;
    },

    async read() {
      const byCompany = new Map<string, KeptHead[]>();
      const unsigned: string[] = [];
      for (const file of await filesOf(dir)) {
        let number = 0;
        for await (const line of createInterface({
          input: createReadStream(path.join(dir, file)),
        })) {
          number += 1;
          const head = headOf(line, publicKey);
          if (!head) {
            unsigned.push(`${file}:${number}`);
            continue;
          }
          const heads = byCompany.get(head.companyId) ?? [];
          heads.push(head);
          byCompany.set(head.companyId, heads);
        }
      }
      return { byCompany, unsigned };
    },
  };
}

/** Every minute, and once more when it is stopped. */
export function startCheckpoints({
  checkpoints,
  log,
}: {
  readonly checkpoints: Pick<Checkpoints, 'write'>;
  readonly log: Logger;
}): { stop(): Promise<void> } {
  let writing: Promise<unknown> = Promise.resolve();
  const write = (): void => {
    writing = writing
      .then(() => checkpoints.write())
      .catch((error: unknown) => log.error({ err: error }, 'the audit has no new checkpoint'));
  };
  const timer = setInterval(write, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      write();
      await writing;
    },
  };
}

/** The key in a file that only this user may read; made at first. @returns PEM */
export function keptSigningKey(file: string): string {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const { privateKey } = generateKeyPairSync('ed25519');
  try {
    const made = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(file, made, { mode: 0o600, flag: 'wx' });
    return made;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return readFileSync(file, 'utf8');
  }
}

/** @param text PEM, or its base64 alone */
export function signingKeyOf(text: string): KeyObject {
  const key = readKey(text);
  if (key?.asymmetricKeyType !== 'ed25519') {
    throw new ConfigError('Configuration: AUDIT_SIGNING_KEY is no private Ed25519 key in PKCS#8');
  }
  return key;
}

function readKey(text: string): KeyObject | undefined {
  try {
    return text.includes('-----')
      ? createPrivateKey(text)
      : createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' });
  } catch {
    return undefined;
  }
}

function signed({ companyId, seq, hash }: ChainHead, at: string, key: KeyObject): string {
  const facts = { company_id: companyId, seq, count: seq, hash, at };
  const signature = sign(null, Buffer.from(canonicalJson(facts)), key).toString('base64url');
  return JSON.stringify({ ...facts, signature });
}

/** @returns undefined for what this key did not sign */
function headOf(line: string, key: KeyObject): KeptHead | undefined {
  try {
    const { signature, ...facts } = JSON.parse(line);
    const isOurs = verify(
      null,
      Buffer.from(canonicalJson(facts)),
      key,
      Buffer.from(String(signature), 'base64url'),
    );
    if (!isOurs) return undefined;
    return {
      companyId: facts.company_id,
      seq: facts.seq,
      hash: facts.hash,
      at: new Date(facts.at),
    };
  } catch {
    return undefined;
  }
}

/** On the disk when it returns. */
async function appendDurably(dir: string, name: string, text: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = await open(path.join(dir, name), 'a', 0o600);
  try {
    await file.appendFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function filesOf(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => /^\d{4}-\d\d-\d\d\.jsonl$/.test(name)).toSorted();
}

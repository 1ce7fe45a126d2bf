import { createHmac } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash as argon2Hash, verify as argon2Verify } from '@node-rs/argon2';
import { hash as bcryptHash, verify as bcryptVerify } from '@node-rs/bcrypt';
import type { Config } from '../config.ts';
import { Invalid, Unavailable } from '../errors.ts';
import { passwordProblems, type PasswordPolicy } from '../rules/passwords.ts';

export interface Passwords {
  /**
   * To be asked before anything else is done for somebody whose password will be hashed: a flood is
   * turned away at the door, before it has cost the database anything.
   * @throws Unavailable when so many wait that one more is turned away
   */
  refuseIfBusy(): void;
  hash(password: string): Promise<string>;
  /** The same work, and false, for null: nobody, or somebody who has no password yet. */
  verify(password: string, hash: string | null): Promise<boolean>;
  /** Whether the hash is of the configured kind and strength. */
  isCurrent(hash: string): boolean;
  /** @throws Invalid naming `password`, with one detail a problem */
  refuseWeak(password: string, policy: Omit<PasswordPolicy, 'common'>): Promise<void>;
}

/** Hashing is slow on purpose: it takes all cores but one, and a queue that never grows long. */
export function createPasswords(
  { passwordHash, secretKey }: Pick<Config, 'passwordHash' | 'secretKey'>,
  inTurn: Gate = createGate({ atOnce: Math.max(1, availableParallelism() - 1), waiting: 100 }),
): Passwords {
  const forBcrypt = (password: string): string =>
    Buffer.byteLength(password) <= bcryptMaxBytes
      ? password
      : createHmac('sha256', secretKey).update(password).digest('base64');

  return {
    refuseIfBusy: () => inTurn.refuseIfFull(),

    hash: (password) =>
      inTurn.run(() =>
        passwordHash === 'argon2id'
          ? argon2Hash(password, argon2Options)
          : bcryptHash(forBcrypt(password), bcryptCost),
      ),

    verify: (password, hash) => {
      const compared = hash ?? nobodysHash[passwordHash];
      return inTurn.run(async () => {
        const isEqual = compared.startsWith('$argon2')
          ? await argon2Verify(compared, password)
          : await bcryptVerify(forBcrypt(password), compared);
        return isEqual && hash !== null;
      });
    },

    isCurrent: (hash) => hash.startsWith(prefixOf(nobodysHash[passwordHash])),

    async refuseWeak(password, policy) {
      const problems = passwordProblems(password, { ...policy, common: await commonPasswords() });
      if (problems.length > 0) {
        throw new Invalid(problems.map((problem) => ({ ...problem, field: 'password' })));
      }
    },
  };
}

export interface Gate {
  /** Runs work when its turn comes. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** @throws Unavailable when there is no room to wait */
  refuseIfFull(): void;
}

/** Refuses with 503 what would have to wait behind more than `waiting` others. */
export function createGate({ atOnce, waiting }: { atOnce: number; waiting: number }): Gate {
  const queue: (() => void)[] = [];
  let running = 0;
  const refuseIfFull = (): void => {
    if (running < atOnce || queue.length < waiting) return;
    throw new Unavailable('Too many people are signing in; try again in a moment');
  };

  return {
    refuseIfFull,
    async run(work) {
      refuseIfFull();
      if (running < atOnce) running += 1;
      else await new Promise<void>((resolve) => queue.push(resolve));

      try {
        return await work();
      } finally {
        const next = queue.shift();
        if (next) next();
        else running -= 1;
      }
    },
  };
}

/** bcrypt reads no further; what is longer is digested first. */
const bcryptMaxBytes = 72;
const bcryptCost = 12;
const argon2Options = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Well-formed and of no password: what an unknown address is compared with. */
const nobodysHash = {
  argon2id: `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
  bcrypt: `$2y$12$${'.'.repeat(53)}`,
} as const;

/** Kind and cost: all but salt and digest. */
const prefixOf = (hash: string): string =>
  hash.startsWith('$argon2') ? hash.slice(0, -66) : hash.slice(0, '$2y$12$'.length);

let common: Promise<ReadonlySet<string>> | undefined;

/** About 49,000 passwords that people share, the most used first; read when first needed. */
const commonPasswords = (): Promise<ReadonlySet<string>> =>
  (common ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) => new Set(dictionary['passwords-common']),
  ));

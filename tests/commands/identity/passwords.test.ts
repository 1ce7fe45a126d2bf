import { availableParallelism } from 'node:os';
import { parseOptions } from '@node-rs/argon2';
import { createGate, createPasswords } from '../../../src/commands/passwords.ts';
import { Unavailable } from '../../../src/errors.ts';
import { goodPassword, testConfig } from './build.ts';

const passwords = (kind: 'argon2id' | 'bcrypt') =>
  createPasswords(testConfig({ PASSWORD_HASH: kind }));

describe('password hashes', () => {
  it.each(['argon2id', 'bcrypt'] as const)('of %s are checked by either setting', async (kind) => {
    const hash = await passwords(kind).hash(goodPassword);

    for (const checker of [passwords('argon2id'), passwords('bcrypt')]) {
      expect(await checker.verify(goodPassword, hash)).toBe(true);
      expect(await checker.verify(`${goodPassword}x`, hash)).toBe(false);
    }
    expect(passwords(kind).isCurrent(hash)).toBe(true);
    expect(passwords(kind === 'bcrypt' ? 'argon2id' : 'bcrypt').isCurrent(hash)).toBe(false);
  });

  it('use Argon2id at 19 MiB and two passes, or bcrypt at cost 12', async () => {
    const argon2 = await passwords('argon2id').hash(goodPassword);
    const bcrypt = await passwords('bcrypt').hash(goodPassword);

    expect(parseOptions(argon2)).toMatchObject({ memoryCost: 19_456, timeCost: 2, algorithm: 2 });
    expect(bcrypt.slice(4, 7)).toBe('12$');
  });

  it('never cut a long password, also not with bcrypt', async () => {
    const long = 'a'.repeat(72);
    const bcrypt = passwords('bcrypt');

    const hashed = await bcrypt.hash(`${long}-one`);

    expect(await bcrypt.verify(`${long}-one`, hashed)).toBe(true);
    expect(await bcrypt.verify(`${long}-two`, hashed)).toBe(false);
    expect(await bcrypt.verify(long, hashed)).toBe(false);
  });

  it.each(['argon2id', 'bcrypt'] as const)(
    'of nobody take as long as a real one of %s',
    async (kind) => {
      const checker = passwords(kind);
      const real = await checker.hash(goodPassword);
      /** Of the processor: it may be busy with others as well. */
      const milliseconds = async (compared: string | null): Promise<number> => {
        const before = process.cpuUsage();
        expect(await checker.verify('Wrong-Green-Otters-7', compared)).toBe(false);
        const { user, system } = process.cpuUsage(before);
        return (user + system) / 1000;
      };

      const [ofNobody, ofReal]: [number[], number[]] = [[], []];
      for (let n = 0; n < 5; n += 1) {
        ofNobody.push(await milliseconds(null));
        ofReal.push(await milliseconds(real));
      }
      const ratio = Math.min(...ofNobody) / Math.min(...ofReal);

      expect(ratio).toBeGreaterThan(0.5);
      expect(ratio).toBeLessThan(2);
    },
  );
});

describe('the hash queue', () => {
  it('works on a few at once, lets some wait and refuses the rest at once', async () => {
    const gate = createGate({ atOnce: 2, waiting: 3 });
    const finish: (() => void)[] = [];
    let running = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      most = Math.max(most, (running += 1));
      await new Promise<void>((resolve) => finish.push(resolve));
      running -= 1;
    };

    const asked = Array.from({ length: 10 }, () => gate.run(work));
    const outcomes = Promise.allSettled(asked);
    expect(() => gate.refuseIfFull()).toThrow(Unavailable);
    while (finish.length > 0) {
      finish.shift()?.();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }

    const refused = (await outcomes).filter(({ status }) => status === 'rejected');
    expect(most).toBe(2);
    expect(refused).toHaveLength(5);
    expect(refused[0]).toMatchObject({ reason: { status: 503, code: 'SERVICE_UNAVAILABLE' } });
    expect(() => gate.refuseIfFull()).not.toThrow();
    expect(await gate.run(async () => 'free again')).toBe('free again');
  });

  it('goes on after work that failed', async () => {
    const gate = createGate({ atOnce: 1, waiting: 0 });

    await expect(gate.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');

    expect(await gate.run(async () => 'next')).toBe('next');
  });

  it('bounds a flood of real checks to the queue', async () => {
    const checker = passwords('argon2id');
    const room = Math.max(1, availableParallelism() - 1) + 100;

    const answers = await Promise.allSettled(
      Array.from({ length: room + 50 }, () => checker.verify(goodPassword, null)),
    );

    const refused = answers.filter(
      (answer) => answer.status === 'rejected' && answer.reason instanceof Unavailable,
    );
    expect(refused).toHaveLength(50);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(room);
  });
});

describe('the password policy', () => {
  const person = { email: 'ada@example.com', username: 'ada', requireClasses: false };

  it('refuses what many people use, in any case', async () => {
    await expect(passwords('argon2id').refuseWeak('QwertyUiop123', person)).rejects.toMatchObject({
      status: 422,
      details: [{ field: 'password', code: 'PASSWORD_COMMON' }],
    });
    await expect(passwords('argon2id').refuseWeak(goodPassword, person)).resolves.toBeUndefined();
  });

  it('knows at least 10,000 common passwords', async () => {
    const { dictionary } = await import('@zxcvbn-ts/language-common');

    expect(new Set(dictionary['passwords-common']).size).toBeGreaterThan(10_000);
  });
});

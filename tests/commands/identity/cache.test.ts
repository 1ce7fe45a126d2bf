import { createCache } from '../../../src/commands/cache.ts';

/** Milliseconds on the clock that the cache reads; only the tests move it. */
let now: number;

beforeEach(() => {
  now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => jest.restoreAllMocks());

/** A cache over a source that counts how often it is asked. */
function buildCache({ freshMs = 60_000, most = 10 } = {}) {
  const cache = createCache<number>({ freshMs, most });
  let loads = 0;
  return {
    get: (key: string, load = async () => (loads += 1)) => cache.get(key, load),
    forget: (key: string) => cache.forget(key),
    loads: () => loads,
  };
}

describe('the short cache', () => {
  it('loads once for all who ask within its time, and again after it', async () => {
    const cache = buildCache({ freshMs: 40 });

    const answers = await Promise.all(Array.from({ length: 50 }, () => cache.get('a')));
    expect(new Set(answers)).toEqual(new Set([1]));
    now += 39;
    expect(await cache.get('a')).toBe(1);
    now += 1;

    expect(await cache.get('a')).toBe(2);
    expect(await cache.get('b')).toBe(3);
  });

  it('counts its time from when loading began, so that a slow answer is not kept longer', async () => {
    const cache = buildCache({ freshMs: 40 });

    await cache.get('a', async () => {
      now += 50;
      return 7;
    });

    expect(await cache.get('a')).toBe(1);
  });

  it('does not keep a failure', async () => {
    const cache = buildCache();

    await expect(cache.get('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');

    expect(await cache.get('a')).toBe(1);
  });

  it('forgets what it is told to, and the oldest beyond its size', async () => {
    const cache = buildCache({ most: 2 });
    for (const key of ['a', 'b']) await cache.get(key);

    cache.forget('b');
    await cache.get('b');
    await cache.get('c');

    expect(cache.loads()).toBe(4);
    expect(await cache.get('b')).toBe(3);
    expect(await cache.get('a')).toBe(5);
  });
});

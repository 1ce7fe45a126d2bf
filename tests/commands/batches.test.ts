import { toEach } from '../../src/commands/batches.ts';
import { Conflict, Unavailable } from '../../src/errors.ts';

describe('toEach', () => {
  const items = Array.from({ length: 100 }, (_, place) => ({ place }));
  const away = () => Promise.reject(new Unavailable('Nobody is there'));

  it('gives each its turn, also after one that is refused', async () => {
    const { done, failed } = await toEach(items, ({ place }) =>
      place === 3 ? Promise.reject(new Conflict('TOO_LATE', 'It is over')) : Promise.resolve(),
    );

    expect(done).toHaveLength(99);
    expect(failed).toEqual([{ place: 3, code: 'TOO_LATE' }]);
  });

  it('asks nobody else where nobody answers', async () => {
    let asked = 0;

    const batch = toEach(items, () => {
      asked += 1;
      return away();
    });

    await expect(batch).rejects.toBeInstanceOf(Unavailable);
    expect(asked).toBeLessThan(25);
  });

  it('lets nobody begin any more once a bug has shown', async () => {
    let asked = 0;
    const batch = toEach(items, async ({ place }) => {
      asked += 1;
      await new Promise((resolve) => setTimeout(resolve, place === 0 ? 0 : 20));
      if (place === 0) throw new TypeError('It is not what it seems');
    });

    await expect(batch).rejects.toBeInstanceOf(TypeError);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(asked).toBe(10);
  });
});

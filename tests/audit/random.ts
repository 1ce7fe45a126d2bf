/** A whole number from 0 on, below `limit`. */
export type Random = (limit: number) => number;

/** The same numbers for the same seed. */
export function mulberry(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

export function pick<T>(random: Random, among: readonly T[]): T {
  const [picked] = among.slice(random(among.length));
  if (picked === undefined) throw new Error('There is nothing to pick from');
  return picked;
}

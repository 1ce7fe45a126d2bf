import { randomInt } from 'node:crypto';

/**
 * The name itself, or with a number where somebody has it. The number is a random one: counted ones would
 * tell how many have the name.
 * @param most characters that stay before a number
 * @param freeOf those of a few names that can be had, in one statement
 */
export async function freeName(
  wanted: string,
  most: number,
  freeOf: (names: readonly string[]) => Promise<readonly string[]>,
): Promise<string> {
  const numbered = (): string => `${wanted.slice(0, most)}${randomInt(1000, 1_000_000)}`;
  const [free] = await freeOf([wanted, numbered(), numbered(), numbered()]);
  return free ?? numbered();
}

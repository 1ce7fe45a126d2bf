/**
 * Does act after act to a model and to the product, until `isOver`; where they part, the error names
 * the acts so far.
 * @param doBoth what the model foresees of an act, and what the product did
 */
export async function walkBoth<Act>(
  acts: readonly Act[],
  doBoth: (act: Act) => Promise<readonly [expected: unknown, seen: unknown]>,
  isOver: () => boolean = () => false,
): Promise<void> {
  for (const [index, act] of acts.entries()) {
    if (isOver()) return;
    const [expected, seen] = await doBoth(act);
    try {
      expect(seen).toEqual(expected);
    } catch (error) {
      throw new Error(`After ${JSON.stringify(acts.slice(0, index + 1))}`, { cause: error });
    }
  }
}

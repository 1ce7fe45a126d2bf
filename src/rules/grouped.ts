/** What belongs to each key, in the order in which it came. */
export function grouped<T>(pairs: readonly (readonly [key: string, value: T])[]): {
  of(key: string): readonly T[];
} {
  const groups = new Map<string, T[]>();
  for (const [key, value] of pairs) {
    const group = groups.get(key);
    if (group) group.push(value);
    else groups.set(key, [value]);
  }
  return { of: (key) => groups.get(key) ?? [] };
}

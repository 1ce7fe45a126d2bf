/** Remembers answers for a short while. */
export interface Cache<V> {
  /** Calls that ask for the same key at once share one `load`; a failed one is not remembered. */
  get(key: string, load: () => Promise<V>): Promise<V>;
  forget(key: string): void;
  clear(): void;
}

/**
 * An answer is reused until `freshMs` after its loading began, so nobody acts on older facts than
 * that. Of more than `most` keys the oldest go.
 */
export function createCache<V>({ freshMs, most }: { freshMs: number; most: number }): Cache<V> {
  const entries = new Map<string, { readonly since: number; readonly value: Promise<V> }>();

  return {
    get(key, load) {
      const now = performance.now();
      const known = entries.get(key);
      if (known && now - known.since < freshMs) return known.value;

      entries.delete(key);
      const [oldest] = entries.keys();
      if (oldest !== undefined && entries.size >= most) entries.delete(oldest);
      const value = load();
      entries.set(key, { since: now, value });
      value.catch(() => {
        if (entries.get(key)?.value === value) entries.delete(key);
      });
      return value;
    },
    forget: (key) => void entries.delete(key),
    clear: () => entries.clear(),
  };
}

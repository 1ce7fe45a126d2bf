/** Remembers answers for a short while. */
export interface Cache<V> {
  /** Calls that ask for the same key at once share one `load`; a failed one is not remembered. */
  get(key: string, load: () => Promise<V>): Promise<V>;
  /** Whether `get` answers without a `load`. */
  has(key: string): boolean;
  forget(key: string): void;
  clear(): void;
}

/**
 * An answer is reused until `freshMs` after its loading began, so nobody acts on older facts than
 * that. Of more than `most` keys the oldest go.
 */
export function createCache<V>({ freshMs, most }: { freshMs: number; most: number }): Cache<V> {
  const entries = new Map<string, { readonly since: number; readonly value: Promise<V> }>();

  const fresh = (key: string) => {
    const known = entries.get(key);
    return known && performance.now() - known.since < freshMs ? known : undefined;
  };

  return {
    get(key, load) {
      const known = fresh(key);
      if (known) return known.value;

      entries.delete(key);
      const [oldest] = entries.keys();
      if (oldest !== undefined && entries.size >= most) entries.delete(oldest);
      const since = performance.now();
      const value = load();
      entries.set(key, { since, value });
      value.catch(() => {
        if (entries.get(key)?.value === value) entries.delete(key);
      });
      return value;
    },
    has: (key) => fresh(key) !== undefined,
    forget: (key) => void entries.delete(key),
    clear: () => entries.clear(),
  };
}

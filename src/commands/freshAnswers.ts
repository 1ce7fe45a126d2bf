import { setTimeout as pause } from 'node:timers/promises';

/** What the database says about many who come again and again, never older than 4 s. */
export interface FreshAnswers<Q, A> {
  /** Undefined where the database knows nothing good. */
  get(question: Q): Promise<A | undefined>;
  /** The answer to the question last put under this key; undefined where none was put lately. */
  again(key: string): Promise<A | undefined>;
  /** Makes a change seen at once in this process; elsewhere within 5 s. */
  forget(key: string): void;
  close(): void;
}

interface Known<Q, A> {
  readonly question: Q;
  /** When the question was put: nobody acts on older facts than `freshMs`. */
  readonly since: number;
  askedAt: number;
  readonly answer: Promise<A | undefined>;
}

/** Below the 5 s within which a revocation must be seen everywhere, the query included. */
const freshMs = 4000;
const refreshEveryMs = 2000;
/** Whoever was silent so long is asked about again with the next request. */
const idleMs = 60_000;
const batch = 1000;
const most = 20_000;

/**
 * One query every two seconds asks about all that are active, so that a request of theirs needs
 * none; those that are new to this process are asked about together.
 */
export function createFreshAnswers<Q, A>({
  keyOf,
  isSame = () => true,
  load,
  mostWaitMs = 50,
}: {
  readonly keyOf: (question: Q) => string;
  /** Whether two questions of one key are the same; a different one is not answered from memory. */
  readonly isSame?: (a: Q, b: Q) => boolean;
  /** One query for many; by key, and whom it leaves out is refused. */
  readonly load: (questions: readonly Q[]) => Promise<ReadonlyMap<string, A>>;
  /** So long newcomers wait for the query about those before them: the busier, the more share one. */
  readonly mostWaitMs?: number;
}): FreshAnswers<Q, A> {
  const known = new Map<string, Known<Q, A>>();
  const stopping = new AbortController();
  let isRefreshing = false;
  let newcomers: { questions: Q[]; answers: Promise<ReadonlyMap<string, A>> } | undefined;
  let underway: Promise<unknown> = Promise.resolve();

  const askAbout = (question: Q): Known<Q, A> => {
    const since = performance.now();
    if (!newcomers || newcomers.questions.length >= batch) {
      const questions: Q[] = [];
      const before = Promise.race([underway, pause(mostWaitMs)]);
      const answers = Promise.all([pause(0), before]).then(() => {
        if (newcomers?.questions === questions) newcomers = undefined;
        return load(questions);
      });
      underway = answers.catch(() => undefined);
      newcomers = { questions, answers };
    }
    newcomers.questions.push(question);
    const answer = newcomers.answers.then((answers) => answers.get(keyOf(question)));
    const entry: Known<Q, A> = { question, since, askedAt: since, answer };
    answer.catch(() => drop(entry));
    return entry;
  };

  const drop = (entry: Known<Q, A>): void => {
    const key = keyOf(entry.question);
    if (known.get(key) === entry) known.delete(key);
  };

  const remember = (entry: Known<Q, A>): void => {
    const key = keyOf(entry.question);
    known.delete(key);
    const [oldest] = known.keys();
    if (oldest !== undefined && known.size >= most) known.delete(oldest);
    known.set(key, entry);
  };

  const refresh = async (): Promise<void> => {
    const now = performance.now();
    const entries = [...known.values()];
    entries.filter(({ askedAt }) => askedAt < now - idleMs).forEach(drop);
    const active = entries.filter((entry) => known.get(keyOf(entry.question)) === entry);
    for (let from = 0; from < active.length; from += batch) {
      const part = active.slice(from, from + batch);
      const since = performance.now();
      const answers = await load(part.map(({ question }) => question));
      for (const entry of part) {
        const { question, askedAt } = entry;
        const key = keyOf(question);
        // Forgotten or asked about anew in the meantime: that is the younger answer.
        if (known.get(key) !== entry) continue;
        known.set(key, { question, askedAt, since, answer: Promise.resolve(answers.get(key)) });
      }
    }
  };

  const keepFresh = async (): Promise<void> => {
    if (isRefreshing) return;
    isRefreshing = true;
    while (known.size > 0 && !stopping.signal.aborted) {
      const { signal } = stopping;
      await pause(refreshEveryMs, undefined, { ref: false, signal }).catch(() => undefined);
      // While the database is away the entries grow old, and each request asks for itself.
      if (!signal.aborted) await refresh().catch(() => undefined);
    }
    isRefreshing = false;
  };

  const get = (question: Q): Promise<A | undefined> => {
    const now = performance.now();
    let entry = known.get(keyOf(question));
    if (!entry || now - entry.since >= freshMs || !isSame(entry.question, question)) {
      entry = askAbout(question);
      remember(entry);
      void keepFresh();
    }
    entry.askedAt = now;
    return entry.answer;
  };

  return {
    get,
    async again(key) {
      const entry = known.get(key);
      return entry && get(entry.question);
    },
    forget: (key) => void known.delete(key),
    close: () => stopping.abort(),
  };
}

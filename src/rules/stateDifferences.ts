import { wireName } from './wireNames.ts';

/** How an object stands, by its run or by its row; each kind adds facts of its own. */
export interface ObjectState {
  readonly status: string;
  readonly stateVersion: number;
  readonly isClosed: boolean;
  /** `dueAt` is epoch milliseconds. */
  readonly timers?: readonly {
    readonly name: string;
    readonly occurrence: number;
    readonly dueAt: number;
  }[];
}

/** One fact on which a run and its row do not agree; null where one of them does not know it. */
export interface StateDifference {
  readonly field: string;
  readonly run: string | null;
  readonly row: string | null;
}

/** Facts that a run began without, because they came with a later release, are not compared. */
export function stateDifferences(run: ObjectState, row: ObjectState): readonly StateDifference[] {
  const [byRun, byRow] = [factsOf(run), factsOf(row)];
  const isOlder = (field: string): boolean => !byRun.has(field) && !isListed(field);
  return [...new Set([...byRun.keys(), ...byRow.keys()])]
    .filter((field) => !isOlder(field) && byRun.get(field) !== byRow.get(field))
    .toSorted()
    .map((field) => ({
      field,
      run: byRun.get(field) ?? null,
      row: byRow.get(field) ?? null,
    }));
}

/** Of a list: where nothing is on it, it may be left out. */
const isListed = (field: string): boolean => field.includes('.') || field === 'payments';

function factsOf({ timers = [], ...state }: ObjectState): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();
  for (const [key, value] of Object.entries<unknown>(state)) {
    const text = textOf(key, value);
    if (text !== undefined) facts.set(wireName(key), text);
  }
  for (const { name, occurrence, dueAt } of timers) {
    facts.set(`timers.${name}.${occurrence}`, new Date(dueAt).toISOString());
  }
  return facts;
}

function textOf(key: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value)) return value.map(plain).toSorted(byText).join(', ');
  if (typeof value === 'number' && key.endsWith('At')) return new Date(value).toISOString();
  return plain(value);
}

const plain = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value);

const byText = (a: string, b: string): number => (a < b ? -1 : 1);

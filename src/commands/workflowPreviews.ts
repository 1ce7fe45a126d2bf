import { Invalid, type FieldProblem } from '../errors.ts';
import type { TimerName } from '../models/Timer.ts';
import type { LifecycleStatus } from '../models/workflowRows.ts';
import type { AcknowledgementStepName } from '../rules/acknowledgements.ts';
import { boundsProblem, type Bounds } from '../rules/bounds.ts';
import { wireName } from '../rules/wireNames.ts';

/** Of a timer, or of what acknowledgements have instead. */
export type PreviewedName = TimerName | AcknowledgementStepName;

export interface PreviewedTimer {
  readonly name: PreviewedName;
  readonly title: string;
  readonly kind: 'notice' | 'deadline' | 'escalation';
  readonly dueAt: Date;
  /** When the running one is due; null for one that does not run yet. */
  readonly runsUntil: Date | null;
  readonly consequence: string;
  /** The timer that has to pass first, with nobody acting; null for what is set from the beginning. */
  readonly follows: PreviewedName | null;
}

/** What would happen from now on while nobody acts. */
export interface Preview {
  readonly workflowId: string;
  readonly status: LifecycleStatus;
  readonly timers: readonly PreviewedTimer[];
  /** They stand still. */
  readonly paused: readonly PreviewedName[];
  /** Running now, and not any more. */
  readonly cancelled: readonly PreviewedName[];
}

type Named = { readonly name: PreviewedName };

/** When the running one is due. */
export const dueOf = (
  running: readonly (Named & { readonly dueAt: number })[],
  name: PreviewedName,
): Date | null => {
  const due = running.find((timer) => timer.name === name)?.dueAt;
  return due === undefined ? null : new Date(due);
};

export const missingFrom = (set: readonly Named[], running: readonly Named[]): PreviewedName[] =>
  running.map(({ name }) => name).filter((name) => !set.some((timer) => timer.name === name));

/** Those settings as if some were as wished. @throws Invalid */
export function settingsUnder<S extends object>(
  settings: S,
  wished: object,
  bounds: Readonly<Partial<Record<keyof S, Bounds>>>,
  field: string,
): S {
  const known = new Map<string, Bounds>(Object.entries(bounds));
  const problems = Object.entries(wished).flatMap(([name, value]: [string, unknown]) =>
    problemsOf(`${field}.${wireName(name)}`, known.get(name), value),
  );
  if (problems.length > 0) throw new Invalid(problems);
  return { ...settings, ...wished };
}

function problemsOf(field: string, bounds: Bounds | undefined, value: unknown): FieldProblem[] {
  if (!bounds) return [{ field, message: 'There is no such setting', code: 'UNKNOWN_FIELD' }];
  const problem = boundsProblem(bounds, value);
  return problem ? [{ field, ...problem }] : [];
}

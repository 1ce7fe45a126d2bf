import type { Actor } from '../context.ts';
import { withTenant } from '../models/database.ts';
import {
  clocksOf,
  datedOf,
  momentOf,
  watchedPolicy,
  type Watched,
} from '../models/watchedPolicy.ts';
import { getWorkflowRow } from '../models/workflowRows.ts';
import {
  acknowledgementBounds,
  nextCycleUntil,
  stepName,
  stepsAhead,
  type AcknowledgementAction,
  type AcknowledgementStepName,
} from '../rules/acknowledgements.ts';
import { dateAt } from '../rules/calendar.ts';
import { acknowledgementWorkflowId } from '../rules/workflowIds.ts';
import {
  acknowledgementConsequences,
  acknowledgementTitles,
  peopleOf,
} from './acknowledgementTimelines.ts';
import {
  isSameStep,
  runningGroups,
  stepsOf,
  type PlannedStep,
  type StandingGroup,
} from './settingsPreview.ts';
import { settingsUnder, type Preview, type PreviewedTimer } from './workflowPreviews.ts';
import { workflowClosed } from './workflows.ts';

export interface AcknowledgementWhatIf {
  /** The policy's. */
  readonly id: string;
  /** Some of `AcknowledgementSettings`, as if they were configured for the policy. */
  readonly settings?: object | undefined;
}

/** So many dates are shown, the first. */
const mostShown = 1000;

/** Of all who are asked or will be asked again, by day and in numbers. @throws NotFound; Conflict WORKFLOW_CLOSED; Invalid */
export const previewAcknowledgement = (
  actor: Actor,
  { id, settings: configured = {} }: AcknowledgementWhatIf,
): Promise<Preview> =>
  withTenant(actor.companyId, async () => {
    const { status, workflowClosedAt } = await getWorkflowRow('acknowledgement', id);
    if (workflowClosedAt) throw workflowClosed('acknowledgement', id);
    const at = new Date(Date.now());
    const now = await watchedPolicy(id, at);
    settingsUnder(now.settings, configured, acknowledgementBounds, 'compliance_settings');
    const wished = await watchedPolicy(id, at, { configured });
    const groups = await runningGroups(now.timeZone, { policyId: id });
    const courses = groups.map((group): Course => {
      // Of today, and told already.
      const told = stepsUnder(group, now).filter((step) => step.at < group.nextActionAt);
      const under = (watched: Watched) => {
        const steps = stepsUnder(group, watched).filter((step) => !told.some(isSameStep(step)));
        return courseOf(group, watched, steps);
      };
      return { group, before: under(now), after: under(wished) };
    });
    const running = courses.filter(({ group }) => !group.standsStill);
    const paused = courses.filter(({ group }) => group.standsStill);
    return {
      workflowId: acknowledgementWorkflowId(actor.companyId, id),
      status,
      timers: together(running.flatMap((course) => countedOf(course, at))),
      paused: namesOf(paused.flatMap(({ before }) => before)),
      cancelled: namesOf(running.flatMap(goneFrom)),
    };
  });

/** What comes for people who stand alike, as things are and under other settings. */
interface Course {
  readonly group: StandingGroup;
  readonly before: readonly CourseStep[];
  readonly after: readonly CourseStep[];
}

const stepsUnder = (group: StandingGroup, watched: Watched): readonly PlannedStep[] =>
  stepsOf(group, clocksOf(watched, group.campaignId), watched.today);

/** What is past by now comes now. */
const countedOf = ({ group: { people }, before, after }: Course, now: Date): CountedStep[] =>
  after.map((step) => {
    const running = before.find(({ name, follows }) => name === step.name && follows === null);
    return {
      ...step,
      at: step.at < now ? now : step.at,
      people,
      runsUntil: step.follows === null && running ? running.at : null,
    };
  });

const goneFrom = ({ before, after }: Course): CourseStep[] =>
  before.filter(
    ({ name, follows }) => follows === null && !after.some((step) => step.name === name),
  );

interface CourseStep extends PlannedStep {
  readonly name: AcknowledgementStepName;
  readonly follows: AcknowledgementStepName | null;
}

/** What comes for them, and after they are asked once more. */
function courseOf(
  group: StandingGroup,
  watched: Watched,
  steps: readonly PlannedStep[],
): readonly CourseStep[] {
  const { settings, timeZone, published } = watched;
  const dayOf = ({ at }: PlannedStep) => dateAt(at.getTime(), timeZone);
  const own = steps.map((step): CourseStep => ({
    ...step,
    name: stepName({ action: step.action, on: dayOf(step) }, group.dueDate),
    follows: null,
  }));
  const asking = own.find(({ action }) => action === 'open_next_cycle');
  if (!asking || !published) return own;
  const askedOn = dayOf(asking);
  const dueDate = nextCycleUntil(datedOf(watched, group), settings, askedOn);
  const cycle = stepsAhead(dueDate, settings, askedOn).map((step): CourseStep => ({
    action: step.action,
    at: momentOf(watched, step.on),
    name: stepName(step, dueDate),
    follows: 'open_next_cycle',
  }));
  return [...own, ...cycle];
}

interface CountedStep extends CourseStep {
  readonly people: number;
  readonly runsUntil: Date | null;
}

/** What comes for several groups at once is one line. */
function together(steps: readonly CountedStep[]): readonly PreviewedTimer[] {
  const lines = new Map<string, CountedStep>();
  for (const step of steps) {
    const { name, at, runsUntil, follows } = step;
    const key = JSON.stringify([name, at, runsUntil, follows]);
    lines.set(key, { ...step, people: step.people + (lines.get(key)?.people ?? 0) });
  }
  return [...lines.values()]
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .slice(0, mostShown)
    .map(({ name, action, at, runsUntil, follows, people }) => ({
      name,
      title: `${acknowledgementTitles[action]}: ${peopleOf(people)}`,
      kind: kindOf(action),
      dueAt: at,
      runsUntil,
      consequence: acknowledgementConsequences[action],
      follows,
    }));
}

const namesOf = (steps: readonly CourseStep[]): AcknowledgementStepName[] => [
  ...new Set(steps.map(({ name }) => name)),
];

function kindOf(action: AcknowledgementAction): PreviewedTimer['kind'] {
  switch (action) {
    case 'remind':
      return 'notice';
    case 'overdue':
    case 'open_next_cycle':
      return 'deadline';
    case 'escalate_hr':
    case 'escalate_exec':
      return 'escalation';
    default:
      return action satisfies never;
  }
}

import type { Role } from './permissions.ts';

/**
 * The course of one version of a compliance policy as data. A new status is a row of `statuses`, a new step
 * a row of `transitions`. Loaded by workflows.
 */
const statuses = [
  { code: 'draft', isOpen: true },
  { code: 'pending_approval', isOpen: true },
  { code: 'approved', isOpen: true },
  { code: 'published', isOpen: false },
  { code: 'superseded', isOpen: false },
  { code: 'retired', isOpen: false },
] as const;

export type PolicyVersionStatus = (typeof statuses)[number]['code'];

/** Every status, in the order of the requirement. */
export const policyVersionStatuses: readonly PolicyVersionStatus[] = statuses.map(
  ({ code }) => code,
);

/** On its way to be published; a policy has one such version at the most. */
export const openStatuses: readonly PolicyVersionStatus[] = statuses
  .filter(({ isOpen }) => isOpen)
  .map(({ code }) => code);

/** Who brings an event about; `system` is a clock, another version, or a step of somebody's own. */
type Party = Role | 'system';

const staff: readonly Party[] = ['compliance_manager', 'tenant_admin'];
const system: readonly Party[] = ['system'];

interface Row<Event extends string = string> {
  readonly from: readonly (PolicyVersionStatus | 'none')[];
  readonly event: Event;
  /** `same` keeps the status. */
  readonly to: PolicyVersionStatus | 'same';
  readonly by: readonly Party[];
}

const row = <const Event extends string>(
  from: Row['from'],
  event: Event,
  to: Row['to'],
  by: readonly Party[],
): Row<Event> => ({ from, event, to, by });

const transitions = [
  row(['none'], 'create', 'draft', staff),
  // By the approval of a configuration: its text was approved before.
  row(['none'], 'configure', 'published', staff),
  row(['draft'], 'submit', 'pending_approval', staff),
  // Nobody who wrote it; which of the two it is, the number of those who have approved decides.
  row(['pending_approval'], 'approve', 'approved', staff),
  row(['pending_approval'], 'note_approval', 'same', system),
  row(['pending_approval'], 'reject', 'draft', staff),
  row(['pending_approval', 'approved'], 'edit', 'draft', staff),
  row(['approved'], 'publish', 'published', [...staff, 'system']),
  row(['approved'], 'schedule_publish', 'same', staff),
  row(['published'], 'unpublish', 'approved', staff),
  row(['published'], 'retire', 'retired', staff),
  row(['published'], 'plan_review', 'same', staff),
  row(['published'], 'supersede', 'superseded', system),
  row(['superseded'], 'restore', 'published', system),
  row(['draft'], 'discard', 'same', staff),
  row(['pending_approval', 'approved'], 'discard', 'same', system),
  row(['pending_approval', 'approved'], 'move_timer', 'same', [...staff, 'operator']),
  // Its clocks stand still; people go on deciding.
  row(['pending_approval', 'approved'], 'pause', 'same', ['operator']),
  row(['pending_approval', 'approved'], 'resume', 'same', ['operator']),
];

export type PolicyVersionEvent = (typeof transitions)[number]['event'];

/** Every event, in the order of the table. */
export const policyVersionEvents: readonly PolicyVersionEvent[] = [
  ...new Set(transitions.map(({ event }) => event)),
];

/** The status after the event; undefined when the event is illegal there. */
export function nextVersionStatus(
  status: PolicyVersionStatus | 'none',
  event: PolicyVersionEvent,
): PolicyVersionStatus | undefined {
  const found = transitions.find((each) => each.event === event && each.from.includes(status));
  if (!found) return undefined;
  if (found.to !== 'same') return found.to;
  return status === 'none' ? undefined : status;
}

/** The events that somebody may ask for in this status; a 409 names them. */
export const allowedVersionEvents = (
  status: PolicyVersionStatus | 'none',
): readonly PolicyVersionEvent[] =>
  policyVersionEvents.filter((event) => versionPartiesOf(status, event).length > 0);

/** Who may bring an event about, for people who ask; nobody where no person may. */
export const versionPartiesOf = (
  status: PolicyVersionStatus | 'none',
  event: PolicyVersionEvent,
): readonly string[] =>
  transitions
    .filter((each) => each.event === event && each.from.includes(status))
    .flatMap(({ by }) => by)
    .filter((party) => party !== 'system');

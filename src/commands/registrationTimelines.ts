import { invalidField, NotFound } from '../errors.ts';
import type { MoveDeadline } from '../models/onboardingStart.ts';
import { illegalDecision, RegistrationRequest } from '../models/RegistrationRequest.ts';
import { getRow } from '../models/rows.ts';
import { Timer, type TimerName } from '../models/Timer.ts';
import {
  allowedDecisions,
  isOnboardingTimer,
  latestMove,
  nextRegistrationStatus,
} from '../rules/onboarding.ts';
import { onboardingWorkflowId } from '../rules/workflowIds.ts';
import { moveDeadline } from '../workflows/tenantOnboarding.ts';
import type { Temporal } from './temporal.ts';
import {
  createTimelines,
  createTimerChange,
  type PlannedChange,
  type Story,
  type TimerChange,
} from './timelines.ts';
import type { WorkflowCommands } from './workflows.ts';

const titles: Readonly<Partial<Record<TimerName, string>>> = {
  verify_email: 'The link to confirm the address runs out',
  review_reminder: 'Global administrators are reminded',
  review_escalation: 'The decision is overdue',
  review_expiry: 'The registration runs out',
  activation_reminder: 'The administrator is reminded to sign in',
  activation: 'The link to sign in runs out',
};

const consequences: Readonly<Partial<Record<TimerName, string>>> = {
  verify_email: 'Another link goes out unless the address is confirmed',
  review_reminder: 'Every global administrator is told by e-mail',
  review_escalation: 'Whoever is on call and operators are told, every day until it is decided',
  review_expiry: 'It expires, the domain is free and the applicant is told',
  activation_reminder: 'The administrator is reminded by e-mail',
  activation: 'A new link goes out; after the last one global administrators are told',
};

const who: Readonly<Record<string, string>> = {
  approve: 'a global administrator',
  reject: 'a global administrator, with a reason',
  move_deadline: 'a global administrator or an operator of the platform',
  retry: 'a global administrator or an operator of the platform',
};

const story: Story<RegistrationRequest> = {
  noun: 'registration',
  workflowId: (_companyId, id) => onboardingWorkflowId(id),
  find: (_actor, id) => getRow(RegistrationRequest, id),
  eventTitles: {
    submit: 'Registered',
    approve: 'Approved',
    reject: 'Rejected',
    expire: 'Expired',
    move_deadline: 'Deadline moved',
    provision: 'Set-up began',
    complete: 'Set up',
    fail: 'Set-up failed',
    retry: 'Set-up tried again',
    activate: 'First sign-in',
  },
  isNotice: (name) => name !== 'review_expiry',
  titleOf: (name) => titles[name] ?? name,
  consequenceOf: (name) => consequences[name] ?? '',
  movesOf: ({ status }) =>
    allowedDecisions(status).map((event) => ({ event, who: who[event] ?? 'staff' })),
  waitsForPerson: ({ status, emailVerifiedAt }) => {
    if (status === 'failed') {
      return 'an operator, who removes the cause and retries, or a global administrator, who rejects it';
    }
    if (status === 'active') return 'the first sign-in of its administrator';
    if (status !== 'pending') return undefined;
    return `a global administrator's decision${emailVerifiedAt ? '' : '; the address is not confirmed yet'}`;
  },
};

export const createRegistrationTimelines = ({
  temporal,
  workflows,
}: {
  readonly temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>;
  readonly workflows: WorkflowCommands;
}) => ({
  ...createTimelines(temporal, story),

  changeTimer: createTimerChange({
    workflows,
    update: moveDeadline,
    workflowIdOf: (_companyId, id) => onboardingWorkflowId(id),
    plan: planMove,
    shownAgain: async (...asked) => (await planMove(...asked)).shown,
  }),
});

export type RegistrationTimelines = ReturnType<typeof createRegistrationTimelines>;

async function planMove(
  id: string,
  name: string,
  { dueAt, extendByMs = 0, reason, dryRun }: TimerChange,
): Promise<PlannedChange<MoveDeadline>> {
  const registration = await getRow(RegistrationRequest, id);
  if (!nextRegistrationStatus(registration.status, 'move_deadline')) {
    throw illegalDecision(registration.status, 'move_deadline');
  }
  const ahead = await Timer.scheduledFor(id);
  const dueOf = (wanted: string) => ahead.find((each) => each.name === wanted)?.dueAt.getTime();
  const due = dueOf(name);
  if (due === undefined || !isOnboardingTimer(name)) {
    throw new NotFound(`The registration ${id} has no running timer ${name}`);
  }
  const wanted = dueAt?.getTime() ?? due + extendByMs;
  const now = Date.now();
  const last = latestMove(name, { now, submittedAt: registration.createdAt.getTime(), dueOf });
  if (wanted < now || wanted > last) {
    throw invalidField(
      'due_at',
      `This deadline may be moved from now to ${new Date(last).toISOString()}`,
      'DEADLINE_OUT_OF_RANGE',
    );
  }
  return {
    wish: { name, dueAt: wanted, reason },
    shown: { dryRun, scheduled: [{ name, dueAt: new Date(wanted) }], cancelled: [] },
  };
}

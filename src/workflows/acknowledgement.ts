import {
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { KeeperInput, KeeperState } from '../models/keeperStart.ts';
import { openAttention } from './attention.ts';
import { doing, maxSilenceMs, queueOf } from './doing.ts';
import { answerState } from './rebuilt.ts';
import { attribute } from './searchAttributes.ts';

/** Something that the keeper looks at has changed: what is published, who is there, a date. */
export const changed = defineSignal<[news?: Pick<KeeperInput, 'isMail'>]>('changed');
export const keeperState = defineQuery<KeeperState>('state');

/** So many looks at the rows fit into a run, with room to spare. */
const looksPerRun = 100;

/** What is due and yet was left is held by somebody; so many milliseconds until the next look. */
const restMs = 5000;

/**
 * The keeper of one policy's acknowledgements. The rows are the state: it sleeps until the earliest date
 * among them, has done what is due, and sleeps again.
 */
export async function acknowledgement({ companyId, policyId }: KeeperInput): Promise<void> {
  const { settleAudience, redate, carryOutWave } = proxyActivities<Activities>({
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: maxSilenceMs,
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  const { deliverQueued } = proxyActivities<Activities>({
    summary: 'e-mails',
    taskQueue: queueOf('notifications'),
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: maxSilenceMs,
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  const attention = openAttention();
  /** Who is concerned may be somebody else. */
  let isStale = true;
  /** There is something to look at. */
  let isAwake = false;
  let state: KeeperState = {
    status: 'watching',
    stateVersion: 0,
    pending: 0,
    nextAt: null,
    joinsAt: null,
    hasMail: false,
    isOutdated: false,
    isClosed: false,
  };
  setHandler(
    changed,
    (news) => {
      isAwake = true;
      isStale ||= !news?.isMail;
    },
    { description: 'Look at who is concerned and at the dates once more' },
  );
  answerState(keeperState, () => state, 'The acknowledgements as the keeper sees them');

  for (let looks = 1; looks < looksPerRun && !workflowInfo().continueAsNewSuggested; looks += 1) {
    isAwake = false;
    if (isStale) {
      isStale = false;
      await persist('who is concerned', () => settleAudience(order()));
    }
    await persist('what is due', () => carryOutWave(order()));
    state = await persist('the next date', () => doing('the next date').readKeeper(order()));
    show();
    if (state.isOutdated) await persist('dates by other settings', () => redate(order()));
    else if (state.hasMail) await persist('e-mails', () => deliverQueued(mail()));
    else if (isAwake) continue;
    else if (state.isClosed) return;
    else await untilNext();
  }
  return continueAsNew<typeof acknowledgement>({ v: 1, companyId, policyId });

  function order() {
    return { companyId, policyId, at: Date.now() };
  }

  function persist<T>(title: string, step: () => Promise<T>): Promise<T> {
    return attention.persist(title, step, async () => {});
  }

  function mail() {
    return { companyId, workflowId: workflowInfo().workflowId, at: Date.now() };
  }

  async function untilNext(): Promise<void> {
    const isReady = (): boolean => isAwake;
    if (state.nextAt === null) await condition(isReady);
    else {
      const left = Math.max(restMs, state.nextAt - Date.now());
      await condition(isReady, left, { summary: 'the next date' });
      if (state.joinsAt !== null && state.joinsAt <= Date.now()) isStale = true;
    }
  }

  function show(): void {
    const { status, stateVersion, pending, nextAt } = state;
    setCurrentDetails(
      `**${status}**, ${pending} asked and not answered\n\n` +
        (nextAt === null ? '' : `- next date: ${new Date(nextAt).toISOString()}`),
    );
    upsertSearchAttributes([
      { key: attribute.entityStatus, value: status },
      { key: attribute.stateVersion, value: stateVersion },
      { key: attribute.dueAt, value: nextAt === null ? null : new Date(nextAt) },
    ]);
  }
}

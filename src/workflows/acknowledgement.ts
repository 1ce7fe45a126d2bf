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
export const changed = defineSignal('changed');
export const keeperState = defineQuery<KeeperState>('state');

/** So many looks at the rows fit into a run, with room to spare. */
const looksPerRun = 100;

/**
 * The keeper of one policy's acknowledgements. The rows are the state: it sleeps until the earliest date
 * among them, has done what is due, and sleeps again.
 */
export async function acknowledgement(input: KeeperInput): Promise<void> {
  const { companyId, policyId } = input;
  const { settleAudience, redate, carryOutWave } = proxyActivities<Activities>({
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: maxSilenceMs,
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  const { deliverQueued } = proxyActivities<Activities>({
    summary: 'e-mails',
    taskQueue: queueOf('notifications'),
    startToCloseTimeout: '6 hours',
    heartbeatTimeout: maxSilenceMs,
    retry: { initialInterval: '1 second', maximumInterval: '1 minute' },
  });
  const attention = openAttention();
  let isStale = true;
  let state: KeeperState = {
    status: 'watching',
    stateVersion: 0,
    pending: 0,
    nextAt: null,
    hasMail: false,
    isOutdated: false,
    isClosed: false,
  };
  let mail: Promise<void> | undefined;
  let isMailOwed = false;
  let isDue = true;
  /** Mail has gone out, or dates were set anew: what is next may be something else. */
  let isAwake = false;
  setHandler(changed, () => void (isStale = true), {
    description: 'Look at who is concerned and at the dates once more',
  });
  answerState(keeperState, () => state, 'The acknowledgements as the keeper sees them');

  for (let looks = 0; ; looks += 1) {
    if (isStale) {
      isStale = false;
      isDue = true;
      await persist('who is concerned', () => settleAudience(order()));
    }
    if (isDue) await persist('what is due', () => carryOutWave(order()));
    state = await persist('the next date', () => doing('the next date').readKeeper(order()));
    show();
    if (state.isOutdated) {
      await persist('dates by other settings', () => redate(order()));
      isAwake = true;
    }
    if (state.hasMail) sendMail();
    if (state.isClosed || looks >= looksPerRun || workflowInfo().continueAsNewSuggested) {
      await condition(() => isStale || mail === undefined);
      if (!isStale && state.isClosed) return;
      if (!isStale) return continueAsNew<typeof acknowledgement>(input);
    } else await untilNext();
  }

  function order() {
    return { companyId, policyId, at: Date.now() };
  }

  function persist<T>(title: string, step: () => Promise<T>): Promise<T> {
    return attention.persist(title, step, async () => {});
  }

  /** One walk over what is queued at a time; what is queued meanwhile gets another one. */
  function sendMail(): void {
    isMailOwed = true;
    mail ??= (async () => {
      while (isMailOwed) {
        isMailOwed = false;
        const { workflowId } = workflowInfo();
        await deliverQueued({ companyId, workflowId, at: Date.now() });
      }
    })().finally(() => {
      mail = undefined;
      isAwake = true;
    });
  }

  async function untilNext(): Promise<void> {
    const { nextAt } = state;
    const isReady = (): boolean => isStale || isAwake;
    if (nextAt === null) await condition(isReady);
    else {
      const left = nextAt - Date.now();
      if (left > 0) await condition(isReady, left, { summary: 'the next date' });
    }
    isAwake = false;
    isDue = nextAt !== null && nextAt <= Date.now();
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

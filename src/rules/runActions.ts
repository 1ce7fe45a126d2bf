import { workflowKinds, type WorkflowKind } from './workflowIds.ts';

/** What operators do to a run, the same for every kind where the kind has it. */
export const runActions = [
  'retry_step',
  'signal',
  'cancel',
  'terminate',
  'reset',
  'pause',
  'resume',
] as const;

export type RunAction = (typeof runActions)[number];

/** One action on one run. */
export interface RunOrder {
  readonly action: RunAction;
  readonly kind: WorkflowKind;
  readonly id: string;
  readonly reason: string;
  readonly commandId: string;
  /** The object's id once more, where somebody has to confirm what nobody can take back. */
  readonly confirm?: string | undefined;
  /** An earlier try may have had its effect, and died before it could write that down. */
  readonly isRepeated?: boolean;
  /** Commits with the line in the audit. */
  readonly alongside?: () => Promise<void>;
}

/** The scan of a document remembers nothing that its row could tell it anew. */
const remembering = workflowKinds.filter((kind) => kind !== 'document');

/** The keeper of a policy that is in force has nothing to end with, and would be started again. */
const endable = workflowKinds.filter((kind) => kind !== 'acknowledgement');

/** The kinds of run that have the action. */
export function kindsWith(action: RunAction): readonly WorkflowKind[] {
  switch (action) {
    case 'pause':
    case 'resume':
      return ['claim', 'policy-approval'];
    case 'signal':
    case 'reset':
      return remembering;
    case 'cancel':
    case 'terminate':
      return endable;
    case 'retry_step':
      return workflowKinds;
    default:
      return action satisfies never;
  }
}

/** Nobody can take it back, so that it is confirmed. */
export const needsConfirmation = (action: RunAction): boolean =>
  action === 'terminate' || action === 'reset';

/** So many runs are acted on by one operation. */
export const mostBulkItems = 1000;

/** Runs a second. */
export const bulkRate = { usual: 5, most: 50 } as const;

export const bulkStatuses = ['running', 'finished', 'aborted'] as const;

export type BulkStatus = (typeof bulkStatuses)[number];

/** `refused`: the run or its state does not allow it. `failed`: it was tried and nobody answered. */
export const bulkResults = ['pending', 'done', 'refused', 'failed'] as const;

export type BulkResult = (typeof bulkResults)[number];

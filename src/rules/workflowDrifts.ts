import type { WorkflowKind } from './workflowIds.ts';

/**
 * `missing`: the object goes on and has no run. `left_open`: its run goes on after its end. `state`,
 * `timers`: the run has another version of the object, or waits for another date.
 */
export const driftFindings = ['missing', 'left_open', 'state', 'timers'] as const;

export type DriftFinding = (typeof driftFindings)[number];

/** The run of a document shows nothing of it; forgotten scans are looked for by themselves. */
export const driftKinds = [
  'subscription',
  'claim',
  'payment',
  'booking',
  'report',
  'policy-approval',
  'acknowledgement',
  'onboarding',
] as const satisfies readonly WorkflowKind[];

export type DriftKind = (typeof driftKinds)[number];

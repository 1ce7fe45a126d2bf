import { boundsProblem, type Bounds } from './bounds.ts';
import type { Problem } from './problem.ts';

/** The numbers of a lifecycle. Units are in the names; lists hold days, shares are 0 to 1. */
export interface LifecycleValues {
  readonly renewalOfferDays: number;
  readonly renewalReminderDays: readonly number[];
  readonly renewalCallDays: number;
  readonly lateRenewalDays: number;
  readonly coolingOffDays: number;
  readonly shortRate: number;
  readonly paymentWindowHours: number;
  readonly graceDays: number;
  readonly graceReminderDays: readonly number[];
  readonly reinstatementDays: number;
}

/** What a plan (`lifecycle_config`) or a company (settings, section `subscription`) may set. */
export type LifecycleConfig = Partial<LifecycleValues>;

export type LifecycleSource = 'plan' | 'setting' | 'default';

/** A number in force, and who set it. */
export interface Resolved<Value> {
  readonly value: Value;
  readonly source: LifecycleSource;
}

export type Lifecycle = {
  readonly [Key in keyof LifecycleValues]: Resolved<LifecycleValues[Key]>;
};

export interface LifecycleProblem extends Problem {
  readonly field: string;
}

export const lifecycleDefaults: LifecycleValues = {
  renewalOfferDays: 45,
  renewalReminderDays: [30, 14, 7, 1],
  renewalCallDays: 7,
  lateRenewalDays: 30,
  coolingOffDays: 14,
  shortRate: 0,
  paymentWindowHours: 72,
  graceDays: 30,
  graceReminderDays: [1, 10, 20, 27],
  reinstatementDays: 30,
};

export const lifecycleBounds: Readonly<Record<keyof LifecycleValues, Bounds>> = {
  renewalOfferDays: { kind: 'whole', min: 14, max: 90 },
  renewalReminderDays: { kind: 'list', min: 1, max: 90 },
  renewalCallDays: { kind: 'whole', min: 1, max: 30 },
  lateRenewalDays: { kind: 'whole', min: 0, max: 90 },
  coolingOffDays: { kind: 'whole', min: 0, max: 60 },
  shortRate: { kind: 'share', min: 0, max: 1 },
  paymentWindowHours: { kind: 'whole', min: 1, max: 336 },
  graceDays: { kind: 'whole', min: 0, max: 90 },
  graceReminderDays: { kind: 'list', min: 1, max: 90 },
  reinstatementDays: { kind: 'whole', min: 0, max: 180 },
};

/** What is wrong with a config from outside, one problem per key; empty when it may be stored. */
export const lifecycleProblems = (config: unknown): readonly LifecycleProblem[] => {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    return [{ field: '', code: 'INVALID_FORMAT', message: 'The lifecycle is an object' }];
  }
  return Object.entries(config).flatMap(([field, value]) => problemOf(field, value) ?? []);
};

/**
 * Every number in force: the plan's, else the company's, else the default. Both configs were checked
 * when they were stored, so a bad one here is a bug: RangeError.
 */
export const resolveLifecycle = (plan: LifecycleConfig, company: LifecycleConfig): Lifecycle => {
  const problems = [...lifecycleProblems(plan), ...lifecycleProblems(company)];
  if (problems.length > 0) {
    throw new RangeError(problems.map(({ field, message }) => `${field}: ${message}`).join('; '));
  }

  const pick = <Key extends keyof LifecycleValues>(key: Key): Resolved<LifecycleValues[Key]> => {
    const ofPlan: LifecycleValues[Key] | undefined = plan[key];
    if (ofPlan !== undefined) return { value: ofPlan, source: 'plan' };
    const ofCompany: LifecycleValues[Key] | undefined = company[key];
    if (ofCompany !== undefined) return { value: ofCompany, source: 'setting' };
    return { value: lifecycleDefaults[key], source: 'default' };
  };
  return {
    renewalOfferDays: pick('renewalOfferDays'),
    renewalReminderDays: pick('renewalReminderDays'),
    renewalCallDays: pick('renewalCallDays'),
    lateRenewalDays: pick('lateRenewalDays'),
    coolingOffDays: pick('coolingOffDays'),
    shortRate: pick('shortRate'),
    paymentWindowHours: pick('paymentWindowHours'),
    graceDays: pick('graceDays'),
    graceReminderDays: pick('graceReminderDays'),
    reinstatementDays: pick('reinstatementDays'),
  };
};

const known = (field: string): field is keyof LifecycleValues =>
  Object.hasOwn(lifecycleBounds, field);

const problemOf = (field: string, value: unknown): LifecycleProblem | undefined => {
  if (!known(field)) return { field, code: 'UNKNOWN_FIELD', message: 'There is no such setting' };
  const problem = boundsProblem(lifecycleBounds[field], value);
  return problem && { field, ...problem };
};

import type { Problem } from './problem.ts';

/** Bounds of a number, both ends included. A `list` holds up to ten different whole numbers in them. */
export interface Bounds {
  readonly kind: 'whole' | 'share' | 'list';
  readonly min: number;
  readonly max: number;
}

/** What is wrong with a value from outside; undefined when it is within. */
export const boundsProblem = ({ kind, min, max }: Bounds, value: unknown): Problem | undefined =>
  fits[kind](value, min, max)
    ? undefined
    : { code: 'OUT_OF_RANGE', message: `${kinds[kind]} from ${min} to ${max}` };

const isWhole = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;

/** Shares have up to four places, so that money is multiplied by whole ten-thousandths. */
const isShare = (value: unknown, min: number, max: number): boolean =>
  typeof value === 'number' &&
  value >= min &&
  value <= max &&
  Math.round(value * 10_000) / 10_000 === value;

const isList = (value: unknown, min: number, max: number): boolean =>
  Array.isArray(value) &&
  value.length <= 10 &&
  new Set(value).size === value.length &&
  value.every((entry) => isWhole(entry, min, max));

const fits = { whole: isWhole, share: isShare, list: isList };

const kinds = {
  whole: 'A whole number',
  share: 'A number with up to four decimal places',
  list: 'Up to ten different whole numbers',
};

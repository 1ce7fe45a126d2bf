import { eraseApplicant } from './eraseApplicant.ts';
import { erasing } from './erase.ts';
import { exporting } from './export.ts';

export type Privacy = ReturnType<typeof createPrivacy>;

/** What a person may ask of a company about themself: to see everything, and to be forgotten. */
export const createPrivacy = (dependencies: Parameters<typeof erasing>[0]) => ({
  export: exporting,
  erase: erasing(dependencies),
  eraseApplicant,
});

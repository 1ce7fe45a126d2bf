import { isDeepStrictEqual } from 'node:util';
import type { InferAttributes } from 'sequelize';
import type { Campaign } from '../models/Campaign.ts';
import { clocksOf, settingsOf, watchedPolicy } from '../models/watchedPolicy.ts';
import { compareDates, type CalendarDate } from '../rules/calendar.ts';
import { movedDue, type CampaignSettings } from '../rules/campaigns.ts';
import {
  changedSteps,
  firstOf,
  runningGroups,
  stepsOf,
  type MovedSteps,
} from './settingsPreview.ts';

/** People who were asked alike, and what moves for them. */
export interface MovedRequests extends Pick<MovedSteps, 'status' | 'people' | 'before' | 'after'> {
  readonly dueDate: CalendarDate;
  readonly newDueDate: CalendarDate;
}

/** What follows from other days or settings of a campaign that is under way. */
export interface CampaignPlan {
  /** The first of them. */
  readonly moved: readonly MovedRequests[];
  readonly people: number;
  /** What the campaign has to say so that its keeper moves them. */
  readonly noted: Partial<Pick<InferAttributes<Campaign>, 'movedDays' | 'isChanged'>>;
}

/** Nothing is changed. */
export async function planChange(
  { id, policyId, movedDays }: Campaign,
  terms: { readonly dueDays: number; readonly settings: CampaignSettings },
): Promise<CampaignPlan> {
  const watched = await watchedPolicy(policyId, new Date(Date.now()));
  const { today, timeZone } = watched;
  const now = clocksOf(watched, id);
  const { dueDays } = terms;
  const settings = Object.fromEntries(
    Object.entries(terms.settings).filter(([, value]) => value !== undefined),
  );
  const then = { timeZone, settings: settingsOf(watched, { dueDays, settings }) };
  if (isDeepStrictEqual(now.settings, then.settings)) return { moved: [], people: 0, noted: {} };

  const days = then.settings.manualDays - now.settings.manualDays;
  const moved = (await runningGroups(timeZone, { campaignId: id })).flatMap(
    (group): MovedRequests[] => {
      const { status, people, dueDate } = group;
      const newDueDate = status === 'pending' ? movedDue(dueDate, days, today) : dueDate;
      const isEased = days !== 0 && compareDates(newDueDate, today) >= 0;
      const eased = isEased ? { ...group, escalation: 'none' as const } : group;
      const changed = changedSteps(
        stepsOf(group, now, today),
        stepsOf({ ...eased, dueDate: newDueDate }, then, today),
      );
      if (!changed && newDueDate === dueDate) return [];
      return [{ status, people, dueDate, newDueDate, before: [], after: [], ...changed }];
    },
  );
  return { ...firstOf(moved), noted: { movedDays: movedDays + days, isChanged: true } };
}

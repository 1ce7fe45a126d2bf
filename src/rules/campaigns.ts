import { leastDays, type AcknowledgementSettings, type Audience } from './acknowledgements.ts';
import { addDays, compareDates, laterDate, type CalendarDate } from './calendar.ts';

export const campaignStatuses = ['draft', 'running', 'paused', 'done', 'cancelled'] as const;

export type CampaignStatus = (typeof campaignStatuses)[number];

/** `finish` comes by itself, once nobody who was asked is left. */
export type CampaignEvent = 'launch' | 'pause' | 'resume' | 'cancel' | 'finish';

/** What a campaign may set for its own requests, besides the days in which they are due. */
export type CampaignSettings = {
  readonly [Name in 'remindBefore' | 'overdueEveryDays' | 'escalateHrDays' | 'escalateExecDays']?:
    AcknowledgementSettings[Name] | undefined;
};

/**
 * Until when an open request is due once its campaign gives so many more days, or less: then whoever had more
 * than a week keeps a week.
 */
export function movedDue(dueDate: CalendarDate, days: number, today: CalendarDate): CalendarDate {
  const moved = addDays(dueDate, days);
  if (days >= 0) return moved;
  const least = addDays(today, leastDays);
  return laterDate(moved, compareDates(dueDate, least) < 0 ? dueDate : least);
}

/** What a campaign is after it; undefined where it cannot be. */
export const campaignAfter = (
  status: CampaignStatus,
  event: CampaignEvent,
): CampaignStatus | undefined => steps[event][status];

const steps: Readonly<
  Record<CampaignEvent, { readonly [Status in CampaignStatus]?: CampaignStatus }>
> = {
  launch: { draft: 'running' },
  pause: { running: 'paused' },
  resume: { paused: 'running' },
  cancel: { draft: 'cancelled', running: 'cancelled', paused: 'cancelled' },
  finish: { running: 'done' },
};

/** The first part of an audience that leads out of another one; undefined where it is within. */
export const leadsOutOf = (audience: Audience, whole: Audience): keyof Audience | undefined =>
  (['customerId', 'role', 'department'] as const).find((name) => {
    const [wanted, allowed] = [audience[name], whole[name]];
    return (
      wanted !== null &&
      allowed !== null &&
      wanted.trim().toLowerCase() !== allowed.trim().toLowerCase()
    );
  });

import type { BusinessCalendar } from '../rules/businessDays.ts';
import { clocksUnder, type MigratedTimer, type SettingsChange } from '../rules/claimClocks.ts';
import { claimSettings, type ClaimSettings } from '../rules/claimSettings.ts';
import type { Claim } from './Claim.ts';
import type { SetClaimTimer } from './claimFile.ts';
import type { Company } from './Company.ts';

/** A running claim as the company's settings would have it. */
export interface ClaimUnderSettings {
  readonly config: ClaimSettings;
  readonly change: SettingsChange<SetClaimTimer & MigratedTimer>;
}

/** What the settings as they are make of a claim that keeps those of the day it was reported. */
export function underSettings(
  { claim, timers, policyType }: RunningClaim,
  { company, calendar, at }: Today,
): ClaimUnderSettings {
  const config = claimSettings(company.settings.claims, policyType);
  const set = timers.map((timer) => ({
    ...timer,
    setAt: timer.row.createdAt.getTime(),
    isMoved: timer.row.source === 'command',
  }));
  return {
    config,
    change: clocksUnder(claim.status, set, claim.config, {
      settings: config,
      calendar,
      at: at.getTime(),
    }),
  };
}

interface RunningClaim {
  readonly claim: Pick<Claim, 'status' | 'config'>;
  readonly policyType: string;
  readonly timers: readonly SetClaimTimer[];
}

interface Today {
  readonly company: Pick<Company, 'settings'>;
  readonly calendar: BusinessCalendar;
  readonly at: Date;
}

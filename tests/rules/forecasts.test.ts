import { usualCalendar } from '../../src/rules/businessDays.ts';
import { clocksAfterMove, firstClaimClocks, type SetTimer } from '../../src/rules/claimClocks.ts';
import {
  forecastClaimClocks,
  timersAfterSettings,
  timersAfterStep,
} from '../../src/rules/claimForecast.ts';
import { claimSettings } from '../../src/rules/claimSettings.ts';
import { complianceSettings } from '../../src/rules/complianceSettings.ts';
import { resolveLifecycle } from '../../src/rules/lifecycle.ts';
import { approvalClocks, type DuePolicyTimer } from '../../src/rules/policyClocks.ts';
import {
  forecastPolicyClocks,
  policyClocksIn,
  policyClocksUnder,
} from '../../src/rules/policyForecast.ts';
import { forecastTermTimers } from '../../src/rules/termForecast.ts';
import type { TimerPlan } from '../../src/rules/termTimers.ts';

const dayMs = 86_400_000;
const at = Date.UTC(2026, 10, 23, 9);
const facts = { settings: claimSettings(), calendar: usualCalendar('Europe/Berlin'), at };
const set = (due: readonly Pick<SetTimer, 'name' | 'dueAt'>[]): SetTimer[] =>
  due.map((each) => ({ ...each, occurrence: 1, status: 'scheduled', pausedAt: null }));

describe('the forecast of a claim', () => {
  const forecast = (timers: readonly SetTimer[], until = at + 366 * dayMs) =>
    forecastClaimClocks(timers, facts, until);

  it('climbs each ladder once its deadline is missed, in the order of time', () => {
    const shown = forecast(set(firstClaimClocks(facts)));

    const triage = shown.filter(({ name }) => name.startsWith('triage'));
    expect(triage.map(({ name, follows }) => [name, follows])).toEqual([
      ['triage_due_soon', null],
      ['triage', null],
      ['triage_manager', 'triage'],
      ['triage_admin', 'triage'],
    ]);
    const dates = shown.map(({ dueAt }) => dueAt);
    expect(dates).toEqual(dates.toSorted((a, b) => a - b));
  });

  it('plans one letter after another until its horizon', () => {
    const { added } = clocksAfterMove({ from: 'under_review', to: 'investigation' }, [], facts);

    const letters = forecast(set(added), at + 100 * dayMs).filter(
      ({ name }) => name === 'status_letter',
    );

    expect(letters.map(({ follows }) => follows)).toEqual([null, 'status_letter', 'status_letter']);
  });

  it('ends where the claim closes by itself, and takes what is past for due now', () => {
    const shown = forecast(
      set([
        { name: 'auto_close', dueAt: at - dayMs },
        { name: 'status_letter', dueAt: at + dayMs },
      ]),
    );

    expect(shown).toEqual([{ name: 'auto_close', dueAt: at, follows: null }]);
  });
});

describe('the timers of a claim', () => {
  it('after a step are those that go on, stand still, came back and began', () => {
    const [ends, waits, resumes, stays] = set([
      { name: 'triage', dueAt: 1 },
      { name: 'decision', dueAt: 2 },
      { name: 'investigation', dueAt: 3 },
      { name: 'acknowledgement', dueAt: 4 },
    ]);
    if (!ends || !waits || !resumes || !stays) throw new Error('Four were set');

    const after = timersAfterStep(
      [ends, waits, { ...resumes, status: 'paused', pausedAt: 1 }, stays],
      {
        cancelled: [ends],
        paused: [waits],
        resumed: [],
        added: [{ name: 'documents', dueAt: 9 }],
      },
      5,
    );

    expect(after.map(({ name, status, pausedAt }) => [name, status, pausedAt])).toEqual([
      ['decision', 'paused', 5],
      ['investigation', 'paused', 1],
      ['acknowledgement', 'scheduled', null],
      ['documents', 'scheduled', null],
    ]);
    const back = timersAfterStep(
      [resumes],
      { cancelled: [], paused: [], resumed: [{ timer: resumes, dueAt: 8 }], added: [] },
      5,
    );
    expect(back).toMatchObject([{ name: 'investigation', dueAt: 8, status: 'scheduled' }]);
  });

  it('under other settings keep standing still where they did', () => {
    const [running] = set([{ name: 'decision', dueAt: 2 }]);
    if (!running) throw new Error('One was set');
    const paused = { ...running, status: 'paused', pausedAt: 1 } as const;

    const after = timersAfterSettings([paused], {
      moved: [{ timer: paused, dueAt: 7 }],
      cancelled: [],
      added: [],
    });

    expect(after).toEqual([{ ...paused, dueAt: 7 }]);
  });
});

describe('the forecast of a term', () => {
  const lifecycle = resolveLifecycle({ graceDays: 5, graceReminderDays: [1] }, {});
  const expiresAt = at + 100 * dayMs;
  const forecast = (timers: readonly TimerPlan[]) =>
    forecastTermTimers(timers, { lifecycle, timeZone: 'Europe/Berlin', at, expiresAt });
  const timer = (name: TimerPlan['name'], days: number): TimerPlan => ({
    name,
    occurrence: 1,
    dueAt: at + days * dayMs,
    source: 'term',
  });

  it('goes on from a premium that is never paid to the end of the reinstatement', () => {
    const shown = forecast([timer('expiry', 100), timer('invoice_due', 3)]);

    expect(shown.map(({ name, follows }) => [name, follows])).toEqual([
      ['invoice_due', null],
      ['grace_reminder_1', 'invoice_due'],
      ['grace_end', 'invoice_due'],
      ['reinstatement_close', 'grace_end'],
      ['expiry', null],
    ]);
  });

  it('takes what is past for due now', () => {
    expect(forecast([timer('renewal_offer', -2)])).toMatchObject([{ dueAt: at }]);
  });
});

describe('the forecast of a version', () => {
  const times = {
    settings: complianceSettings({}),
    calendar: usualCalendar('Europe/Berlin'),
    reviewDate: null,
    at,
  };
  const told = (clocks: readonly DuePolicyTimer[]) =>
    clocks.map(({ name, dueAt }) => [name, Math.round((dueAt - at) / dayMs)]);

  it('climbs to administrators, and tells them every week until its horizon', () => {
    const shown = forecastPolicyClocks(approvalClocks(times), times, at + 30 * dayMs);

    expect(shown.map(({ name, follows }) => [name, follows])).toEqual([
      ['approval_reminder', null],
      ['approval_escalation', null],
      ['approval_admin', 'approval_escalation'],
      ['approval_admin', 'approval_admin'],
      ['approval_admin', 'approval_admin'],
    ]);
    expect(told(shown)).toEqual([
      ['approval_reminder', 2],
      ['approval_escalation', 7],
      ['approval_admin', 14],
      ['approval_admin', 21],
      ['approval_admin', 28],
    ]);
  });

  it('goes on to the review of what is published at a time, and takes what is past for due now', () => {
    const shown = forecastPolicyClocks([{ name: 'publish', dueAt: at - dayMs }], times, at);

    expect(shown.map(({ name, follows }) => [name, follows])).toEqual([
      ['publish', null],
      ['review_reminder_1', 'publish'],
      ['review_reminder_2', 'publish'],
      ['review_due', 'publish'],
    ]);
    expect(told(shown).map(([, days]) => days)).toEqual([0, 335, 358, 365]);
  });

  it('has the clocks of the status that it goes to', () => {
    const names = (...of: Parameters<typeof policyClocksIn>) =>
      policyClocksIn(...of).map(({ name }) => name);

    expect(names('pending_approval', times)).toEqual(['approval_reminder', 'approval_escalation']);
    expect(names('published', { ...times, reviewDate: '2026-12-01' })).toEqual([
      'review_reminder_2',
      'review_due',
    ]);
    expect([...names('draft', times), ...names('approved', times)]).toEqual([]);
  });

  it('keeps under other settings what somebody moved, and what is past does not come again', () => {
    const submittedAt = at - 3 * dayMs;
    const running = [
      { name: 'approval_escalation', dueAt: at + dayMs, isMoved: false },
      { name: 'approval_reminder', dueAt: at + 2 * dayMs, isMoved: true },
    ] as const;
    const settings = complianceSettings({ approvalReminderBd: 1, approvalEscalateBd: 10 });
    const since = { submittedAt, publishedAt: null };

    const clocks = policyClocksUnder(running, since, { ...times, settings });

    expect(told(clocks)).toEqual([
      ['approval_escalation', 11],
      ['approval_reminder', 2],
    ]);
    expect(policyClocksUnder([], since, { ...times, settings })).toEqual([]);
  });

  it('is reviewed so many days after its publication, unless somebody planned the day', () => {
    const settings = complianceSettings({ reviewDays: 40, reviewReminderDays: [5] });
    const since = { submittedAt: null, publishedAt: at - 10 * dayMs };
    const under = (isMoved: boolean) =>
      policyClocksUnder([{ name: 'review_due', dueAt: at + 300 * dayMs, isMoved }], since, {
        ...times,
        settings,
      });

    expect(told(under(false))).toEqual([
      ['review_reminder_1', 25],
      ['review_due', 30],
    ]);
    expect(told(under(true))).toEqual([
      ['review_reminder_1', 295],
      ['review_due', 300],
    ]);
  });
});

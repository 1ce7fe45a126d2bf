import {
  allowedReportEvents,
  nextReportStatus,
  periodOf,
  periodProblem,
  reportStatuses,
  reportTypes,
  scheduleInWords,
  scheduleOf,
  scheduleProblem,
  type ReportEvent,
} from '../../src/rules/reports.ts';

describe('the lifecycle of a generation', () => {
  const events: readonly ReportEvent[] = ['begin', 'complete', 'fail', 'generate'];

  it('is this table and nothing else', () => {
    const legal = reportStatuses.flatMap((status) =>
      events.flatMap((event) => {
        const next = nextReportStatus(status, event);
        return next ? [`${status} ${event} ${next}`] : [];
      }),
    );

    expect(legal).toEqual([
      'pending begin running',
      'pending fail failed',
      'running complete ready',
      'running fail failed',
      'ready generate pending',
      'failed generate pending',
    ]);
  });

  it('lets people ask again only when it has ended', () => {
    expect(reportStatuses.map(allowedReportEvents)).toEqual([[], [], ['generate'], ['generate']]);
  });
});

describe('the period of a report', () => {
  const today = '2026-03-15';

  it('moves along with the day where nothing is said', () => {
    expect(periodOf('renewal_pipeline', {}, today)).toEqual({ from: today, to: '2027-03-15' });
    expect(periodOf('financial_summary', {}, today)).toEqual({
      from: '2025-04-01',
      to: '2026-03-16',
    });
    expect(periodOf('policy_type_analysis', {}, today)).toEqual({ from: null, to: null });
  });

  it('is what was said, and never ends before it begins', () => {
    const said = { from: '2026-01-01', to: '2026-02-01' };
    for (const type of ['renewal_pipeline', 'financial_summary', 'policy_type_analysis'] as const) {
      expect(periodOf(type, said, today)).toEqual(said);
    }
    expect(periodOf('renewal_pipeline', { to: '2026-01-01' }, today)).toEqual({
      from: '2025-01-01',
      to: '2026-01-01',
    });
    expect(periodOf('financial_summary', { from: '2027-01-31' }, today)).toEqual({
      from: '2027-01-31',
      to: '2028-01-31',
    });
    expect(periodOf('financial_summary', { to: '2026-03-01' }, today)).toEqual({
      from: '2025-03-01',
      to: '2026-03-01',
    });
  });

  it('can be told for every day that may be asked for', () => {
    for (const day of ['1900-01-01', '1900-01-02', '2200-12-31']) {
      for (const type of reportTypes) {
        expect(periodOf(type, { from: day }, today).from).toBe(day);
        expect(periodOf(type, { to: day }, today).to).toBe(day);
      }
    }
  });

  it('is refused when it is empty or endless', () => {
    expect(periodProblem({ from: '2026-01-01' })).toBeUndefined();
    expect(periodProblem({ from: '2026-01-01', to: '2026-01-02' })).toBeUndefined();
    expect(periodProblem({ from: '2026-01-01', to: '2026-01-01' })?.code).toBe('OUT_OF_RANGE');
    expect(periodProblem({ from: '2026-01-01', to: '2046-01-01' })).toBeUndefined();
    expect(periodProblem({ from: '2026-01-01', to: '2046-01-02' })?.code).toBe('OUT_OF_RANGE');
  });
});

describe('the schedule of a report', () => {
  it('gets the usual day where none is wished', () => {
    const wished = { hour: 7 };
    expect(scheduleOf({ frequency: 'daily', ...wished })).toEqual({ frequency: 'daily', hour: 7 });
    expect(scheduleOf({ frequency: 'weekly', ...wished })).toMatchObject({ dayOfWeek: 'monday' });
    expect(scheduleOf({ frequency: 'monthly', ...wished })).toMatchObject({ dayOfMonth: 1 });
  });

  it('is refused with a day that its frequency does not have', () => {
    expect(scheduleProblem({ frequency: 'weekly', hour: 7, dayOfWeek: 'friday' })).toBeUndefined();
    expect(scheduleProblem({ frequency: 'daily', hour: 7, dayOfWeek: 'friday' })?.field).toBe(
      'day_of_week',
    );
    expect(scheduleProblem({ frequency: 'weekly', hour: 7, dayOfMonth: 3 })?.field).toBe(
      'day_of_month',
    );
  });

  it('differs in words where it differs', () => {
    const schedules = [
      scheduleOf({ frequency: 'daily', hour: 7 }),
      scheduleOf({ frequency: 'daily', hour: 17 }),
      scheduleOf({ frequency: 'weekly', hour: 7 }),
      scheduleOf({ frequency: 'weekly', hour: 7, dayOfWeek: 'friday' }),
      scheduleOf({ frequency: 'monthly', hour: 7 }),
      scheduleOf({ frequency: 'monthly', hour: 7, dayOfMonth: 11 }),
    ];
    const words = schedules.flatMap((schedule) => [
      scheduleInWords(schedule, 'UTC'),
      scheduleInWords(schedule, 'Europe/Berlin'),
    ]);

    expect(new Set(words).size).toBe(words.length);
    expect(words).toContain('weekly on friday at 07:00, Europe/Berlin');
  });
});

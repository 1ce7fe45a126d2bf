import {
  acknowledgementDefaults,
  actionsBetween,
  compliancePercentage,
  concerns,
  joinerDue,
  nextAction,
  settle,
  stepsAhead,
  type Dated,
  type Published,
  type StandingRow,
} from '../../src/rules/acknowledgements.ts';
import { addDays, type CalendarDate } from '../../src/rules/calendar.ts';

const due = '2026-03-31';
const pending: Dated = { status: 'pending', dueDate: due, answeredOn: null, exemptedUntil: null };
const settings = acknowledgementDefaults;

describe('what happens next to an acknowledgement', () => {
  const daysAfterDue = (days: number): CalendarDate => addDays(due, days);

  it.each([
    [-30, 'remind', -7],
    [-7, 'remind', -3],
    [-3, 'remind', -1],
    [-1, 'overdue', 1],
    [0, 'overdue', 1],
    [1, 'overdue', 2],
    [6, 'escalate_hr', 7],
    [7, 'overdue', 8],
    [13, 'escalate_exec', 14],
    [14, 'overdue', 15],
    [400, 'overdue', 401],
  ])('after day %i it is %s on day %i', (after, action, on) => {
    expect(nextAction(pending, settings, daysAfterDue(after))).toEqual({
      action,
      on: daysAfterDue(on),
    });
  });

  it('is one of all the steps that lie ahead, each on its day', () => {
    const steps = (after: number): (readonly [string, CalendarDate])[] =>
      stepsAhead(due, settings, daysAfterDue(after)).map(({ action, on }) => [action, on]);

    expect(steps(-30)).toEqual([
      ['remind', daysAfterDue(-7)],
      ['remind', daysAfterDue(-3)],
      ['remind', daysAfterDue(-1)],
      ['overdue', daysAfterDue(1)],
      ['escalate_hr', daysAfterDue(7)],
      ['escalate_exec', daysAfterDue(14)],
    ]);
    expect(steps(6)).toEqual([
      ['escalate_hr', daysAfterDue(7)],
      ['overdue', daysAfterDue(7)],
      ['escalate_exec', daysAfterDue(14)],
    ]);
    expect(steps(14)).toEqual([['overdue', daysAfterDue(15)]]);
  });

  it('reminds of what is overdue as seldom as the settings say', () => {
    const weekly = { ...settings, overdueEveryDays: 7 };
    expect(nextAction(pending, weekly, daysAfterDue(0))?.on).toBe(daysAfterDue(1));
    expect(nextAction(pending, weekly, daysAfterDue(1))).toMatchObject({
      action: 'escalate_hr',
      on: daysAfterDue(7),
    });
    expect(nextAction(pending, weekly, daysAfterDue(7))).toMatchObject({
      action: 'overdue',
      on: daysAfterDue(8),
    });
  });

  it('asks again a year after the answer, a month ahead, and after an exemption', () => {
    const answered: Dated = { ...pending, status: 'acknowledged', answeredOn: '2026-03-01' };
    expect(nextAction(answered, settings, '2026-03-01')).toEqual({
      action: 'open_next_cycle',
      on: addDays('2026-03-01', 335),
    });
    // What should have happened long ago happens on the next day.
    expect(nextAction(answered, settings, '2030-01-01')?.on).toBe('2030-01-02');
    const exempted: Dated = { ...pending, status: 'exempted', exemptedUntil: '2026-06-30' };
    expect(nextAction(exempted, settings, '2026-03-01')?.on).toBe('2026-07-01');
  });

  it.each(['declined', 'superseded', 'cancelled'] as const)('leaves what is %s alone', (status) => {
    expect(nextAction({ ...pending, status }, settings, '2026-01-01')).toBeNull();
  });

  it('brings everything about once that days without a worker have left undone', () => {
    const found = (from: number, today: number) =>
      [...actionsBetween(pending, settings, daysAfterDue(from), daysAfterDue(today))].toSorted();
    expect(found(-7, -7)).toEqual(['remind']);
    expect(found(-7, -1)).toEqual(['remind']);
    expect(found(-6, -4)).toEqual([]);
    expect(found(1, 1)).toEqual(['overdue']);
    expect(found(-7, 20)).toEqual(['escalate_exec', 'escalate_hr', 'overdue']);
  });
});

describe('whom a policy concerns', () => {
  const member = { isThere: true, customerId: 'c', role: 'Engineer', department: 'IT' };
  const everybody = { customerId: null, role: null, department: null };

  it.each([
    [everybody, true],
    [{ ...everybody, customerId: 'c' }, true],
    [{ ...everybody, customerId: 'd' }, false],
    [{ ...everybody, role: ' engineer ' }, true],
    [{ ...everybody, department: 'HR' }, false],
    [{ customerId: 'c', role: 'engineer', department: 'it' }, true],
  ])('%j', (audience, isConcerned) => {
    expect(concerns(audience, member)).toBe(isConcerned);
    expect(concerns(audience, { ...member, isThere: false })).toBe(false);
  });

  it('gives whoever joined long ago a week', () => {
    expect(joinerDue('2026-01-10', '2026-01-12', settings)).toBe('2026-02-09');
    expect(joinerDue('2025-01-10', '2026-01-12', settings)).toBe('2026-01-19');
  });
});

describe('how somebody comes to stand as they should', () => {
  const published: Published = {
    version: 3,
    reackVersion: 2,
    nextReackVersion: 4,
    publishedOn: '2026-01-01',
  };
  const row = (changes: Partial<StandingRow>): StandingRow => ({
    id: 'r',
    status: 'pending',
    policyVersion: 3,
    isCurrent: true,
    ...changes,
  });

  it.each<[string, StandingRow[], boolean, Published | undefined, unknown]>([
    ['is asked once', [], true, published, { open: true }],
    ['is not asked again', [row({})], true, published, undefined],
    [
      'has answered',
      [row({ status: 'acknowledged', policyVersion: 2 })],
      true,
      published,
      undefined,
    ],
    ['follows a small change', [row({ policyVersion: 2 })], true, published, { follow: true }],
    [
      'is asked anew about a new text',
      [row({ policyVersion: 1 })],
      true,
      published,
      { close: 'superseded', open: true },
    ],
    [
      'has answered an older text',
      [row({ status: 'acknowledged', policyVersion: 1 })],
      true,
      published,
      { leave: true, open: true },
    ],
    [
      'had answered before the text was taken back',
      [row({ policyVersion: 4 }), row({ id: 's', status: 'acknowledged', isCurrent: false })],
      true,
      published,
      { close: 'cancelled', restore: 's' },
    ],
    [
      'had not answered before the text was taken back',
      [row({ policyVersion: 4 }), row({ status: 'superseded', isCurrent: false })],
      true,
      published,
      { close: 'cancelled', open: true },
    ],
    [
      'had not answered before a small change was taken back',
      [row({ policyVersion: 4 })],
      true,
      { ...published, nextReackVersion: null },
      { follow: true },
    ],
    [
      'had not answered before a small change and a new text were taken back',
      [row({ policyVersion: 5 })],
      true,
      published,
      { close: 'cancelled', open: true },
    ],
    [
      'had answered before a small change was taken back',
      [row({ status: 'acknowledged', policyVersion: 4 })],
      true,
      { ...published, nextReackVersion: null },
      undefined,
    ],
    [
      'had answered before a new text was taken back',
      [row({ status: 'acknowledged', policyVersion: 4 })],
      true,
      published,
      { leave: true, open: true },
    ],
    [
      'comes back with the answer to a small change that was taken back',
      [row({ status: 'acknowledged', policyVersion: 4, isCurrent: false })],
      true,
      { ...published, nextReackVersion: null },
      { restore: 'r' },
    ],
    [
      'has answered a text that was changed since',
      [row({ status: 'acknowledged', isOfOtherText: true })],
      true,
      published,
      { leave: true, open: true },
    ],
    ['leaves while asked', [row({})], false, published, { close: 'cancelled' }],
    [
      'leaves after the answer',
      [row({ status: 'acknowledged' })],
      false,
      published,
      { leave: true },
    ],
    [
      'comes back',
      [row({ status: 'cancelled', isCurrent: false })],
      true,
      published,
      { open: true },
    ],
    [
      'comes back with an answer that holds',
      [row({ status: 'acknowledged', isCurrent: false })],
      true,
      published,
      { restore: 'r' },
    ],
    [
      'comes back as whoever had declined',
      [row({ status: 'declined', isCurrent: false })],
      true,
      published,
      { restore: 'r' },
    ],
    [
      'comes back, and was asked once more before',
      [
        row({ id: 's', status: 'cancelled', isCurrent: false }),
        row({ status: 'acknowledged', isCurrent: false }),
      ],
      true,
      published,
      { open: true },
    ],
    ['need not any more', [row({})], true, undefined, { close: 'cancelled' }],
    ['never had to', [], false, published, undefined],
  ])('%s', (_, rows, isConcerned, present, settlement) => {
    expect(settle(rows, isConcerned, present)).toEqual(settlement);
  });

  it('is closed as superseded by what is retired, and not by what is taken back after it', () => {
    const closed = (policyVersion: number) => settle([row({ policyVersion })], false, undefined, 3);

    expect(closed(3)).toEqual({ close: 'superseded' });
    expect(closed(4)).toEqual({ close: 'cancelled' });
  });
});

describe('the percentage', () => {
  it.each([
    [{ pending: 0, acknowledged: 0, declined: 0 }, '0.00'],
    [{ pending: 1, acknowledged: 2, declined: 0 }, '66.66'],
    [{ pending: 1, acknowledged: 99_999, declined: 0 }, '99.99'],
    [{ pending: 0, acknowledged: 7, declined: 0 }, '100.00'],
    [{ pending: 0, acknowledged: 1, declined: 1 }, '50.00'],
  ])('of %j is %s', (counts, percentage) => {
    expect(compliancePercentage(counts)).toBe(percentage);
  });
});

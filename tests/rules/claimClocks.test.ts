import { Temporal } from 'temporal-polyfill';
import fc from 'fast-check';
import {
  addBusinessDays,
  addWorkingTime,
  usualCalendar,
  workingTime,
  type BusinessCalendar,
} from '../../src/rules/businessDays.ts';
import {
  clocksAfterFiring,
  clocksAfterMove,
  clocksAfterReassignment,
  clocksAfterRelease,
  clocksOnHold,
  clocksUnder,
  firstClaimClocks,
  isClaimTimer,
  kindOfClaimTimer,
  slaStatusOf,
  type SetTimer,
} from '../../src/rules/claimClocks.ts';
import { claimStatuses, type ClaimStatus } from '../../src/rules/claims.ts';
import { claimSettings } from '../../src/rules/claimSettings.ts';
import { approvalRefusal, approversOf, requiredRole } from '../../src/rules/claimApproval.ts';
import { businessCalendars, seed } from './property.ts';

const calendar = usualCalendar('Europe/Berlin');
const at = (local: string): number =>
  Temporal.PlainDateTime.from(local).toZonedDateTime('Europe/Berlin').epochMilliseconds;
const local = (instant: number): string =>
  Temporal.Instant.fromEpochMilliseconds(instant)
    .toZonedDateTimeISO('Europe/Berlin')
    .toPlainDateTime()
    .toString({ smallestUnit: 'minute' });
const settings = claimSettings();
const monday = at('2026-11-23T10:00');
const facts = { settings, calendar, at: monday };
const asSet = (
  due: readonly Pick<SetTimer, 'name' | 'dueAt'>[],
  status: SetTimer['status'] = 'scheduled',
  pausedAt: number | null = null,
): SetTimer[] => due.map((each) => ({ ...each, occurrence: 1, status, pausedAt }));
const names = (timers: readonly { name: string }[]): string[] => timers.map(({ name }) => name);
const entering = (from: ClaimStatus, to: ClaimStatus, when = facts) =>
  clocksAfterMove({ from, to }, [], when).added;

describe('working time', () => {
  const dayMs = 86_400_000;
  /** Of Lord Howe, New York and Berlin. */
  const clockChanges = ['2026-04-04', '2026-10-03', '2026-11-01', '2026-03-29', '2026-10-25'];
  const instants = fc.oneof(
    fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 11, 31) }),
    fc
      .tuple(fc.constantFrom(...clockChanges), fc.integer({ min: -2 * dayMs, max: 2 * dayMs }))
      .map(([day, offset]) => Date.parse(day) + offset),
  );
  const hoursOf = ({ workingHours: { from, to } }: BusinessCalendar): number =>
    Temporal.PlainTime.from(from).until(to).total('milliseconds');

  it('of so many business days is as many times the hours of a day, and leads there', () => {
    fc.assert(
      fc.property(
        businessCalendars(5),
        instants,
        fc.integer({ min: 0, max: 30 }),
        (any, from, days) => {
          const ms = days * hoursOf(any);
          const due = addBusinessDays(from, days, any);
          expect(workingTime(from, due, any)).toBe(ms);
          expect(addWorkingTime(from, ms, any)).toBe(due);
        },
      ),
      { seed },
    );
  });

  it('is given back in full, wherever it was stopped, also while the clocks change', () => {
    fc.assert(
      fc.property(
        businessCalendars(),
        instants,
        fc.integer({ min: 0, max: 20_000_000 }),
        instants,
        (any, from, ms, later) => {
          const due = addWorkingTime(from, ms, any);
          const left = workingTime(from, due, any);
          expect(left).toBe(ms);
          expect(workingTime(later, addWorkingTime(later, left, any), any)).toBe(left);
        },
      ),
      { seed },
    );
  });
});

describe('the clocks of a claim', () => {
  it('begin with the assignment and the letter', () => {
    expect(firstClaimClocks(facts).map(({ name, dueAt }) => [name, local(dueAt)])).toEqual([
      ['triage_due_soon', '2026-11-24T04:00'],
      ['triage', '2026-11-24T10:00'],
      ['acknowledgement', '2026-12-07T10:00'],
    ]);
  });

  it.each([
    ['reported', 'assigned', ['first_review_due_soon', 'first_review']],
    ['assigned', 'under_review', ['decision_due_soon', 'decision']],
    ['under_review', 'investigation', ['investigation_due_soon', 'investigation', 'status_letter']],
    [
      'investigation',
      'documents_requested',
      ['documents_reminder_7', 'documents_reminder_12', 'documents', 'documents_final'],
    ],
    ['investigation', 'waiting_approval', ['approval_due_soon', 'approval']],
    ['waiting_approval', 'under_review', []],
    ['waiting_approval', 'approved', []],
    ['approved', 'payment_processing', ['payment_due_soon', 'payment']],
    ['payment_processing', 'paid', ['auto_close']],
    ['waiting_approval', 'denied', ['auto_close']],
    ['denied', 'under_review', ['decision_due_soon', 'decision']],
    ['closed', 'under_review', ['decision_due_soon', 'decision']],
    ['paid', 'closed', []],
  ] as const)('from %s to %s set %j', (from, to, expected) => {
    expect(names(entering(from, to))).toEqual(expected);
  });

  it('close what was paid after 14 days and what was denied after 30', () => {
    const days = (to: 'paid' | 'denied', from: ClaimStatus): number[] =>
      entering(from, to).map(({ dueAt }) => (dueAt - monday) / 86_400_000);

    expect(days('paid', 'payment_processing')).toEqual([14]);
    expect(days('denied', 'waiting_approval')).toEqual([30]);
  });

  it('end with their status, and none is left of a closed claim', () => {
    for (const from of claimStatuses) {
      const set = asSet([
        ...firstClaimClocks(facts),
        ...claimStatuses.flatMap((to) => entering('closed', to)),
      ]);
      const { cancelled, paused, resumed } = clocksAfterMove({ from, to: 'closed' }, set, facts);

      expect(names(cancelled)).toEqual(names(set));
      expect([...paused, ...resumed]).toEqual([]);
    }
  });

  it('of the decision stand still while documents are awaited, and go on with what was left', () => {
    const decision = asSet(entering('assigned', 'under_review'));
    const asked = { ...facts, at: at('2026-11-25T10:00') };
    const { paused } = clocksAfterMove(
      { from: 'under_review', to: 'documents_requested' },
      decision,
      asked,
    );
    expect(names(paused)).toEqual(['decision_due_soon', 'decision']);

    const waiting = paused.map((timer) => ({
      ...timer,
      status: 'paused' as const,
      pausedAt: asked.at,
    }));
    const there = { ...facts, at: at('2026-12-02T10:00') };
    const { resumed, added } = clocksAfterMove(
      { from: 'documents_requested', to: 'under_review' },
      waiting,
      there,
    );
    expect(added).toEqual([]);
    expect(resumed.map(({ timer, dueAt }) => [timer.name, local(dueAt)])).toEqual([
      ['decision_due_soon', '2026-12-15T12:00'],
      ['decision', '2026-12-21T10:00'],
    ]);
  });

  it('stop all at once on hold; a release leaves those that the status stops', () => {
    const set = asSet([
      ...entering('assigned', 'under_review'),
      ...entering('under_review', 'documents_requested'),
    ]);
    const held = clocksOnHold(set).paused;
    expect(names(held)).toEqual(names(set));

    const stopped = held.map((timer) => ({
      ...timer,
      status: 'paused' as const,
      pausedAt: monday,
    }));
    const released = { ...facts, at: monday + 100 * 86_400_000 };
    const { resumed } = clocksAfterRelease('documents_requested', stopped, released);
    expect(resumed.map(({ timer }) => timer.name)).toEqual(
      names(set).filter((name) => !name.startsWith('decision')),
    );
    for (const { timer, dueAt } of resumed) {
      expect(dueAt - released.at).toBe(timer.dueAt - monday);
    }
  });

  it('of the status alone begin again for another adjuster, the claimant keeps his date', () => {
    const again = (status: ClaimStatus, from: ClaimStatus): string[] => {
      const set = asSet(entering(from, status));
      const { cancelled, added } = clocksAfterReassignment(status, set, facts);
      expect(names(cancelled)).toEqual(names(added));
      return names(added);
    };

    expect(again('assigned', 'reported')).toEqual(['first_review_due_soon', 'first_review']);
    expect(again('under_review', 'assigned')).toEqual(['decision_due_soon', 'decision']);
    expect(again('investigation', 'under_review')).toEqual([
      'investigation_due_soon',
      'investigation',
    ]);
    expect(again('documents_requested', 'under_review')).toEqual([]);
    expect(again('payment_processing', 'approved')).toEqual([]);
    expect(again('paid', 'payment_processing')).toEqual([]);
    expect(again('denied', 'waiting_approval')).toEqual([]);
  });

  it('climb once they are missed, and letters go on', () => {
    expect(
      clocksAfterFiring('triage', facts).map(({ name, dueAt }) => [name, local(dueAt)]),
    ).toEqual([
      ['triage_manager', '2026-11-24T10:00'],
      ['triage_admin', '2026-11-26T10:00'],
    ]);
    expect(names(clocksAfterFiring('status_letter', facts))).toEqual(['status_letter']);
    expect(clocksAfterFiring('triage_admin', facts)).toEqual([]);
  });

  it('are told from other timers by their names', () => {
    const ours = claimStatuses.flatMap((to) => names(entering('closed', to)));
    expect(ours.filter((name) => !isClaimTimer(name))).toEqual([]);
    for (const other of [
      'expiry',
      'start',
      'review_reminder',
      'renewal_reminder_30',
      'activation',
    ]) {
      expect(isClaimTimer(other)).toBe(false);
    }
    expect(kindOfClaimTimer('documents_final_due_soon')).toEqual({
      step: 'due_soon',
      clock: 'documents_final',
    });
  });
});

describe('settings applied to a running claim', () => {
  const set = (status: ClaimStatus, isMoved = false, from: ClaimStatus = 'reported') =>
    asSet(entering(from, status)).map((timer) => ({ ...timer, setAt: monday, isMoved }));
  const under = (
    status: ClaimStatus,
    timers: ReturnType<typeof set>,
    change: Partial<typeof settings>,
    now = '2026-11-24T10:00',
  ) => {
    const { moved, cancelled, added } = clocksUnder(status, timers, settings, {
      settings: { ...settings, ...change },
      calendar,
      at: at(now),
    });
    return {
      moved: moved.map(({ timer, dueAt }) => [timer.name, local(dueAt)]),
      cancelled: names(cancelled),
      added: added.map(({ name, dueAt }) => [name, local(dueAt)]),
    };
  };
  const unchanged = { moved: [], cancelled: [], added: [] };

  it('are due as they would have been set, with what announces them', () => {
    expect(under('assigned', set('assigned'), { firstReviewBd: 5 })).toEqual({
      ...unchanged,
      moved: [
        ['first_review_due_soon', '2026-11-26T16:00'],
        ['first_review', '2026-11-30T10:00'],
      ],
    });
    expect(under('assigned', set('assigned'), { decisionBd: 20 })).toEqual(unchanged);
    expect(under('assigned', set('assigned', true), { firstReviewBd: 5 })).toEqual(unchanged);
  });

  it('keep what they were held up by, and are due now where that would be past', () => {
    const late = set('paid', false, 'payment_processing').map((timer) => ({
      ...timer,
      dueAt: timer.dueAt + 3 * 86_400_000,
    }));

    expect(under('paid', late, { paidCloseDays: 20 }).moved).toEqual([
      ['auto_close', '2026-12-16T10:00'],
    ]);
    expect(under('paid', late, { paidCloseDays: 1 }, '2026-12-02T10:00').moved).toEqual([
      ['auto_close', '2026-12-02T10:00'],
    ]);
  });

  it('move the rungs of a ladder that somebody climbs', () => {
    const rungs = asSet(clocksAfterFiring('triage', facts)).map((timer) => ({
      ...timer,
      setAt: monday,
      isMoved: false,
    }));

    expect(under('reported', rungs, { managerBd: 2 }).moved).toEqual([
      ['triage_manager', '2026-11-25T10:00'],
    ]);
  });

  it('take back the reminders that they lack, and add those to come that are new', () => {
    const timers = set('documents_requested', false, 'under_review');

    expect(under('documents_requested', timers, { documentReminderDays: [1, 7, 10] })).toEqual({
      moved: [],
      cancelled: ['documents_reminder_12'],
      added: [['documents_reminder_10', '2026-12-03T10:00']],
    });
  });
});

describe('slaStatusOf', () => {
  it('is what the clocks of the status say, the worst of them', () => {
    const fired = (name: string) => (isClaimTimer(name) ? [{ name, hasFired: true }] : []);

    const reported = { status: 'reported', previousStatus: null } as const;
    const assigned = { ...reported, status: 'assigned' } as const;
    const waiting = { status: 'documents_requested', previousStatus: 'under_review' } as const;

    expect(slaStatusOf(reported, [])).toBe('on_track');
    expect(slaStatusOf(reported, fired('triage_due_soon'))).toBe('due_soon');
    expect(slaStatusOf(reported, [...fired('triage_due_soon'), ...fired('triage')])).toBe(
      'breached',
    );
    expect(slaStatusOf(assigned, fired('triage'))).toBe('on_track');
    expect(slaStatusOf(waiting, fired('decision'))).toBe('breached');
  });

  it('counts a late investigation while documents are awaited only if they interrupted it', () => {
    const late = [{ name: 'investigation', hasFired: true }] as const;
    const waiting = { status: 'documents_requested', previousStatus: 'under_review' } as const;

    expect(slaStatusOf(waiting, late)).toBe('on_track');
    expect(slaStatusOf({ ...waiting, previousStatus: 'investigation' }, late)).toBe('breached');
  });
});

describe('four eyes and limits', () => {
  const parties = { assignedTo: 'a', proposedBy: 'p', reportedBy: 'r', holderId: 'h' };

  it('keep those who had a part in the claim from deciding it', () => {
    for (const by of ['a', 'p', 'r', 'h', null]) expect(approvalRefusal(parties, by)).toBeDefined();
    expect(approvalRefusal(parties, 'somebody else')).toBeUndefined();
  });

  it('send what is beyond a senior adjuster to a claims manager', () => {
    expect(requiredRole(['senior_adjuster'], '10000.00', settings)).toBeUndefined();
    expect(requiredRole(['senior_adjuster'], '10000.01', settings)).toBe('claims_manager');
    expect(requiredRole(['claims_manager'], '10000.01', settings)).toBeUndefined();
    expect(requiredRole(['adjuster'], '1.00', settings)).toBe('claims_manager');
    expect(approversOf('10000.01', settings)).toEqual(['claims_manager', 'tenant_admin']);
  });
});

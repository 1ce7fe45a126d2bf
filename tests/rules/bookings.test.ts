import fc from 'fast-check';
import {
  clocksAfterMove,
  clocksOf,
  clocksUnder,
  forecastBookingClocks,
  isBookingTimer,
  moveBounds,
  requestClocks,
  reviewClocks,
  stayClocks,
} from '../../src/rules/bookingClocks.ts';
import { refundDue, refundOfStay, type GivenUp } from '../../src/rules/bookingRefunds.ts';
import {
  bookingStatuses,
  compensationsOf,
  isReadyToConfirm,
  mayBePaid,
  mayRevive,
  nextBookingStatus,
  type BookingEvent,
} from '../../src/rules/bookings.ts';
import {
  bookingBounds,
  bookingDefaults,
  bookingSettings,
  type BookingSettings,
} from '../../src/rules/bookingSettings.ts';
import { boundsProblem } from '../../src/rules/bounds.ts';
import { compare, multiplyByRatio } from '../../src/rules/money.ts';
import { cancellationPolicies } from '../../src/rules/properties.ts';

const house = { timeZone: 'Europe/Berlin', checkInTime: '15:00', checkOutTime: '11:00' };
const stay = { startDate: '2026-06-20', endDate: '2026-06-24' };
const at = (text: string): number => Date.parse(`${text}+02:00`);
const iso = (dueAt: number): string => new Date(dueAt).toISOString();

describe('the steps of a booking', () => {
  it.each<[BookingEvent, Record<string, string>]>([
    ['book', { none: 'pending' }],
    ['pay', { pending: 'pending' }],
    ['take_payment', { pending: 'pending' }],
    ['accept', { pending: 'pending' }],
    ['confirm', { pending: 'confirmed' }],
    ['decline', { pending: 'cancelled' }],
    ['end_returned', { pending: 'cancelled' }],
    ['expire_hold', { pending: 'cancelled' }],
    ['expire_request', { pending: 'cancelled' }],
    ['cancel', { pending: 'cancelled', confirmed: 'cancelled' }],
    ['complete', { confirmed: 'completed' }],
    ['revive', { cancelled: 'pending' }],
    ['revive_confirmed', { cancelled: 'confirmed' }],
    ['return_payment', { cancelled: 'cancelled' }],
    ['adopt_refund', { cancelled: 'cancelled' }],
  ])('%s leads from and to %j', (event, expected) => {
    const found = (['none', ...bookingStatuses] as const).flatMap((status) => {
      const next = nextBookingStatus(status, event);
      return next ? [[status, next]] : [];
    });

    expect(Object.fromEntries(found)).toEqual(expected);
  });

  it('needs the money always, and the host unless anybody may book at once', () => {
    const ready = [true, false].flatMap((isPaid) =>
      [true, false].flatMap((isAccepted) =>
        [true, false].map((instantBook) => isReadyToConfirm({ isPaid, isAccepted, instantBook })),
      ),
    );

    expect(ready).toEqual([true, true, true, false, false, false, false, false]);
  });

  it('undoes the charge before it frees the nights, and revives only what nobody decided against', () => {
    expect(compensationsOf({ isPaid: true })).toEqual(['refund_charge', 'release_nights']);
    expect(compensationsOf({ isPaid: false })).toEqual(['release_nights']);
    expect(
      (['hold', 'request', 'guest', 'host', 'operator', 'refund', null] as const).map(mayRevive),
    ).toEqual([true, false, false, false, false, false, false]);
  });
});

describe('a charge that the gateway has not seen', () => {
  it('is sent unless somebody has decided against the stay', () => {
    expect([
      mayBePaid('pending', null),
      mayBePaid('cancelled', 'hold'),
      mayBePaid('cancelled', 'guest'),
      mayBePaid('cancelled', 'host'),
      mayBePaid('cancelled', 'operator'),
    ]).toEqual([true, true, false, false, false]);
  });
});

describe('the clocks of a booking', () => {
  const settings = bookingDefaults;

  it('are those of how it stands', () => {
    const [bookedAt, paidAt, confirmedAt, cancelledAt] = [
      '2026-06-10T12:00',
      '2026-06-10T12:05',
      '2026-06-10T14:00',
      '2026-06-11T09:00',
    ].map(at);
    const standing = {
      bookedAt: bookedAt ?? 0,
      paidAt: null,
      confirmedAt: null,
      cancelledAt: null,
      completedAt: null,
    };
    const shown = (facts: Partial<Parameters<typeof clocksOf>[0]>) =>
      clocksOf(
        { status: 'pending', isRefunding: false, ...standing, ...facts },
        { stay, house, settings },
      ).map(({ name, dueAt }) => `${name} ${iso(dueAt).slice(0, 16)}`);

    expect(shown({})).toEqual(['hold 2026-06-10T10:15']);
    expect(shown({ paidAt: paidAt ?? 0 })).toEqual([
      'host_reminder 2026-06-11T04:05',
      'host_confirmation 2026-06-11T10:05',
    ]);
    expect(shown({ status: 'confirmed', confirmedAt: confirmedAt ?? 0 })).toEqual([
      'stay_reminder_7 2026-06-13T13:00',
      'stay_reminder_1 2026-06-19T13:00',
      'check_out 2026-06-24T09:00',
    ]);
    expect(shown({ status: 'completed' })).toEqual([
      'review_reminder 2026-07-01T09:00',
      'review_window 2026-07-08T09:00',
    ]);
    const cancelled = { status: 'cancelled', cancelledAt: cancelledAt ?? 0 } as const;
    expect(shown(cancelled)).toEqual([]);
    expect(shown({ ...cancelled, isRefunding: true })).toEqual([
      'refund_watch 2026-06-16T07:00',
      'refund_escalation 2026-06-21T07:00',
    ]);
  });

  describe('under other settings', () => {
    const booked = at('2026-06-10T12:00');
    const standing: Parameters<typeof clocksUnder>[0] = {
      status: 'pending',
      bookedAt: booked,
      paidAt: null,
      confirmedAt: null,
      cancelledAt: null,
      completedAt: null,
      isRefunding: false,
    };
    /** What becomes of the clocks that are set, a quarter of an hour after it was booked unless told. */
    const change = (
      facts: Partial<typeof standing>,
      wished: Partial<BookingSettings>,
      { byHand = [], now = '2026-06-10T12:10' }: { byHand?: string[]; now?: string } = {},
    ) => {
      const stands = { ...standing, ...facts };
      const before = { stay, house, settings, at: at(now) };
      const set = clocksOf(stands, before)
        .filter(({ dueAt }) => dueAt > at(now))
        .map((clock) => ({
          ...clock,
          source: byHand.includes(clock.name) ? ('command' as const) : ('setting' as const),
        }));
      const after = { ...before, settings: { ...settings, ...wished } };
      const { moved, cancelled, added } = clocksUnder(stands, set, before, after);
      return {
        moved: moved.map(({ timer, dueAt }) => `${timer.name} ${iso(dueAt).slice(0, 16)}`),
        cancelled: cancelled.map(({ name }) => name),
        added: added.map(({ name, dueAt }) => `${name} ${iso(dueAt).slice(0, 16)}`),
      };
    };
    const none = { moved: [], cancelled: [], added: [] };
    const paid = { paidAt: at('2026-06-10T12:05') };
    const confirmed = { status: 'confirmed', confirmedAt: at('2026-06-10T14:00') } as const;
    const completed = { status: 'completed', completedAt: at('2026-06-24T09:00') } as const;

    it('are due by as much later or earlier, and at the earliest now', () => {
      expect(change({}, { holdMinutes: 60 }).moved).toEqual(['hold 2026-06-10T11:00']);
      expect(change({}, { holdMinutes: 5 }).moved).toEqual(['hold 2026-06-10T10:10']);
      expect(change(paid, { hostConfirmationHours: 48 })).toEqual({
        ...none,
        moved: ['host_reminder 2026-06-11T22:05', 'host_confirmation 2026-06-12T10:05'],
      });
    });

    it('stay where nothing that they go by has changed', () => {
      expect(change({}, {})).toEqual(none);
      expect(change(paid, { holdMinutes: 60, reviewDays: 30 })).toEqual(none);
    });

    it('stay where somebody moved them, and so does what reminds of them', () => {
      const byHand = ['host_confirmation', 'host_reminder'];
      expect(change(paid, { hostConfirmationHours: 48 }, { byHand })).toEqual(none);
      const window = ['review_window'];
      const later = { byHand: window, now: '2026-07-02T09:00' };
      expect(change(completed, { reviewReminderDays: 10 }, later)).toEqual(none);
    });

    it('have the reminders of the new settings that are ahead, and none of the old', () => {
      expect(change(confirmed, { stayReminderDays: [3, 1] })).toEqual({
        ...none,
        cancelled: ['stay_reminder_7'],
        added: ['stay_reminder_3 2026-06-17T13:00'],
      });
      const late = { now: '2026-06-18T09:00' };
      expect(change(confirmed, { stayReminderDays: [3, 1] }, late)).toEqual(none);
      const shortened = change(completed, { reviewDays: 7 }, { now: '2026-06-25T09:00' });
      expect(shortened).toEqual({
        moved: ['review_window 2026-07-01T09:00'],
        cancelled: ['review_reminder'],
        added: [],
      });
    });

    it('remind again where there is more time than there was', () => {
      const reminded = { now: '2026-07-02T09:00' };
      expect(change(completed, { reviewReminderDays: 10 }, reminded)).toEqual({
        ...none,
        added: ['review_reminder 2026-07-04T09:00'],
      });
    });
  });

  it('go on after the stay, which may be left later than was agreed', () => {
    const checkOut = { name: 'check_out', dueAt: at('2026-07-03T10:00') } as const;

    const forecast = forecastBookingClocks([checkOut], { stay, house, settings, at: 0 });

    expect(forecast.map(({ name, dueAt, follows }) => [name, iso(dueAt), follows])).toEqual([
      ['check_out', iso(checkOut.dueAt), null],
      ['review_reminder', iso(at('2026-07-10T10:00')), 'check_out'],
      ['review_window', iso(at('2026-07-17T10:00')), 'check_out'],
    ]);
    expect(forecastBookingClocks([], { stay, house, settings, at: 0 })).toEqual([]);
  });

  it('give the host a day, but no longer than until the guest arrives, and an hour at least', () => {
    const usual = requestClocks({ stay, house, settings, at: at('2026-06-10T12:00') });
    const late = requestClocks({ stay, house, settings, at: at('2026-06-20T11:00') });
    const evening = requestClocks({ stay, house, settings, at: at('2026-06-20T20:00') });

    expect(usual.map(({ dueAt }) => iso(dueAt))).toEqual([
      iso(at('2026-06-11T06:00')),
      iso(at('2026-06-11T12:00')),
    ]);
    expect(late.map(({ dueAt }) => iso(dueAt))).toEqual([
      iso(at('2026-06-20T14:00')),
      iso(at('2026-06-20T15:00')),
    ]);
    expect(evening.map(({ dueAt }) => iso(dueAt))).toEqual([
      iso(at('2026-06-20T20:45')),
      iso(at('2026-06-20T21:00')),
    ]);
  });

  it.each([
    ['hold', '2026-06-10T12:00', '2026-06-10T12:00', '2026-06-11T12:00'],
    ['host_confirmation', '2026-06-10T12:00', '2026-06-10T12:00', '2026-06-17T12:00'],
    ['host_confirmation', '2026-06-19T12:00', '2026-06-19T12:00', '2026-06-20T15:00'],
    ['host_confirmation', '2026-06-20T20:00', '2026-06-20T20:00', '2026-06-20T21:00'],
    ['hold', '2026-06-20T20:00', '2026-06-20T20:00', '2026-06-20T21:00'],
    ['check_out', '2026-06-10T12:00', '2026-06-20T15:00', '2026-07-24T11:00'],
    ['check_out', '2026-06-24T10:00', '2026-06-24T10:00', '2026-07-24T11:00'],
    ['review_window', '2026-06-25T10:00', '2026-06-25T10:00', '2026-08-24T10:00'],
  ] as const)('let %s be moved on %s to between %s and %s', (name, now, earliest, latest) => {
    const bounds = moveBounds(name, { stay, house, at: at(now) });

    expect(bounds).toEqual({ earliest: at(earliest), latest: at(latest) });
  });

  it.each([
    'host_reminder',
    'stay_reminder_7',
    'review_reminder',
    'refund_watch',
    'refund_escalation',
  ] as const)('do not let %s be moved, which follows something else', (name) => {
    expect(moveBounds(name, { stay, house, at: 0 })).toBeUndefined();
  });

  it.each([
    // The deadline, its new time, when its reminder runs, and when it runs then.
    ['host_confirmation', '2026-06-12T12:00', '2026-06-11T06:00', '2026-06-12T00:00'],
    ['host_confirmation', '2026-06-11T00:00', '2026-06-11T06:00', '2026-06-10T21:00'],
    ['host_confirmation', '2026-06-12T12:00', null, '2026-06-12T00:00'],
    ['host_confirmation', '2026-06-11T11:00', null, null],
    ['host_confirmation', '2026-06-10T12:00', '2026-06-11T06:00', null],
    ['review_window', '2026-06-14T12:00', '2026-06-11T06:00', '2026-06-12T12:00'],
    ['check_out', '2026-06-14T12:00', null, null],
  ] as const)('move what reminds of %s to %s with it, from %s to %s', (name, to, was, will) => {
    const reminder = name === 'review_window' ? 'review_reminder' : 'host_reminder';
    const running = [
      ...(was ? [{ name: reminder, dueAt: at(was) } as const] : []),
      { name, dueAt: at('2026-06-11T12:00') },
    ];

    const { due, cancelled } = clocksAfterMove({ name, dueAt: at(to) }, running, {
      settings,
      at: at('2026-06-10T12:00'),
    });

    expect(due.map((timer) => [timer.name, iso(timer.dueAt)])).toEqual([
      ...(will ? [[reminder, iso(at(will))]] : []),
      [name, iso(at(to))],
    ]);
    expect(cancelled).toEqual(was && !will ? [reminder] : []);
  });

  it('remind of a stay on days that are still ahead, and end with the check-out', () => {
    const clocks = stayClocks({ stay, house, settings, at: at('2026-06-15T12:00') });

    expect(clocks.map(({ name, dueAt }) => [name, iso(dueAt)])).toEqual([
      ['stay_reminder_1', iso(at('2026-06-19T15:00'))],
      ['check_out', iso(at('2026-06-24T11:00'))],
    ]);
  });

  it.each([
    ['early', '2026-06-22T10:00', '2026-07-01T11:00', '2026-07-08T11:00'],
    ['in time', '2026-06-24T11:00:03', '2026-07-01T11:00', '2026-07-08T11:00'],
    ['late', '2026-07-24T10:00', '2026-07-31T10:00', '2026-08-07T10:00'],
  ])('leave two weeks for a review of a stay that was left %s', (_, left, reminder, end) => {
    const clocks = reviewClocks({ stay, house, settings, at: at(left) });

    expect(clocks.map(({ name, dueAt }) => [name, iso(dueAt)])).toEqual([
      ['review_reminder', iso(at(reminder))],
      ['review_window', iso(at(end))],
    ]);
  });

  it('go by the property before the company, and by the company before the defaults', () => {
    const own = { holdMinutes: 5, hostConfirmationHours: null };

    const settled = bookingSettings({ holdMinutes: 30, hostConfirmationHours: 2 }, own);

    expect(settled).toEqual({ ...bookingDefaults, holdMinutes: 5, hostConfirmationHours: 2 });
    const problems = Object.entries(bookingBounds).map(([key, bounds]) =>
      boundsProblem(bounds, Object.entries(bookingDefaults).find(([each]) => each === key)?.[1]),
    );
    expect(problems).toEqual(problems.map(() => undefined));
  });

  it.each(['hold', 'stay_reminder_7', 'refund_watch', 'stay_reminder_', 'expiry', 'hold_2'])(
    'knows whether %s is one of them',
    (name) => {
      expect(isBookingTimer(name)).toBe(/^(hold|stay_reminder_7|refund_watch)$/.test(name));
    },
  );
});

describe('what goes back of a stay', () => {
  const given = (
    policy: GivenUp['policy'],
    when: string,
    booked = '2026-01-01T12:00',
  ): GivenUp => ({
    stay,
    house,
    policy,
    total: '400.00',
    pricePerNight: '100.00',
    bookedAt: at(booked),
    at: at(when),
  });

  it.each<[GivenUp['policy'], string, string, string]>([
    ['flexible', '2026-06-19T15:00', '400.00', 'in_time'],
    ['flexible', '2026-06-19T15:01', '300.00', 'first_night_kept'],
    ['flexible', '2026-06-20T16:00', '300.00', 'first_night_kept'],
    ['flexible', '2026-06-22T14:00', '200.00', 'nights_begun_kept'],
    ['flexible', '2026-06-22T15:00', '100.00', 'nights_begun_kept'],
    ['flexible', '2026-06-24T10:00', '0.00', 'nights_begun_kept'],
    ['moderate', '2026-06-15T15:00', '400.00', 'in_time'],
    ['moderate', '2026-06-15T15:01', '200.00', 'half'],
    ['moderate', '2026-06-21T16:00', '100.00', 'half_of_nights_left'],
    ['strict', '2026-06-13T15:00', '200.00', 'half'],
    ['strict', '2026-06-13T15:01', '0.00', 'too_late'],
  ])('under the rule %s at %s is %s', (policy, when, amount, rule) => {
    expect(refundOfStay(given(policy, when))).toEqual({ amount, rule });
  });

  it.each([
    ['JPY', '51.00'],
    ['EUR', '50.50'],
  ])('in %s is a half that can be moved: %s', (currency, amount) => {
    const booking = {
      ...stay,
      status: 'confirmed',
      totalAmount: '101.00',
      pricePerNight: '101.00',
      currency,
      createdAt: new Date(at('2026-01-01T12:00')),
      config: { house, policy: 'moderate' },
    } as const;

    expect(refundDue(booking, 'guest', at('2026-06-18T12:00'))).toEqual({ amount, rule: 'half' });
  });

  it('is all under the strict rule within two days of booking, two weeks ahead', () => {
    const soon = given('strict', '2026-06-03T12:00', '2026-06-01T12:00');
    const later = given('strict', '2026-06-03T12:01', '2026-06-01T12:00');
    const close = given('strict', '2026-06-07T12:00', '2026-06-06T12:00');

    expect([soon, later, close].map((each) => refundOfStay(each).amount)).toEqual([
      '400.00',
      '200.00',
      '200.00',
    ]);
  });

  it('is never more than was paid, never below zero, and never grows with time', () => {
    const moment = fc.integer({ min: at('2026-05-20T00:00'), max: at('2026-06-24T11:00') });
    fc.assert(
      fc.property(
        fc.constantFrom(...cancellationPolicies),
        moment,
        moment,
        fc.integer({ min: 1, max: 99_999 }),
        (policy, one, other, cents) => {
          const pricePerNight = multiplyByRatio('1.00', cents, 100);
          const total = multiplyByRatio(pricePerNight, 4, 1);
          const refund = (when: number) =>
            refundOfStay({ ...given(policy, '2026-06-01T00:00'), pricePerNight, total, at: when })
              .amount;

          const [early, late] = [refund(Math.min(one, other)), refund(Math.max(one, other))];

          expect(compare(early, total)).toBeLessThanOrEqual(0);
          expect(compare(late, '0.00')).toBeGreaterThanOrEqual(0);
          expect(compare(late, early)).toBeLessThanOrEqual(0);
        },
      ),
    );
  });
});

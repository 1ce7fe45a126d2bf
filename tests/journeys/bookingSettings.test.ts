import { previewBooking } from '../../src/commands/bookingPreview.ts';
import { createBookingTimelines } from '../../src/commands/bookingTimelines.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { createRunningBookings, type RunningBookings } from '../../src/commands/runningBookings.ts';
import { as, buildActor, once } from '../support/build.ts';
import { beginBooking, type BookingJourney } from '../support/bookings.ts';
import { instantOf, useJourneysWithGateway, type Journeys } from '../support/journey.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

describe('settings applied to running bookings', () => {
  let journeys: Journeys;
  let runningBookings: RunningBookings;
  useJourneysWithGateway((opened) => {
    journeys = opened;
    runningBookings = createRunningBookings(opened);
  });

  const set = ({ company }: BookingJourney, booking: object) =>
    journeys.database.sql(
      'UPDATE platform.companies SET settings = $2, version = version + 1 WHERE id = $1',
      [company.id, { booking }],
    );
  const dueAt = async ({ id }: BookingJourney, name: string): Promise<number> => {
    const [timer] = await journeys.database.sql<{ due_at: Date }>(
      `SELECT due_at FROM core.timers WHERE entity_id = $1 AND name = $2 AND status = 'scheduled'`,
      [id, name],
    );
    return timer?.due_at.getTime() ?? 0;
  };
  const apply = async ({ company }: BookingJourney, dryRun: boolean) => {
    const admin = await buildActor({ companyId: company.id, role: 'tenant_admin' });
    const wish = { dryRun, reason: 'A fair' };
    const answer = await as(admin, () => runningBookings(admin, wish, once(admin)));
    if (answer instanceof Replay) throw new Error('A first request is no replay');
    return { admin, ...answer };
  };

  it('are shown first, and then hold with their clocks, once, with who and why', async () => {
    const booking = await beginBooking(journeys);
    const due = await dueAt(booking, 'hold');
    await set(booking, { holdMinutes: 45, reviewDays: 30 });

    const preview = await apply(booking, true);
    const whatIf = await previewBooking(
      await buildActor({ companyId: booking.company.id, role: 'operator' }),
      {
        id: booking.id,
        settings: { holdMinutes: 45 },
      },
    );
    const untouched = await dueAt(booking, 'hold');
    const applied = await apply(booking, false);
    const again = await apply(booking, false);

    expect(preview).toMatchObject({
      dryRun: true,
      done: [
        {
          id: booking.id,
          propertyId: booking.property.id,
          status: 'pending',
          timers: [{ name: 'hold', dueAt: new Date(due), newDueAt: new Date(due + 30 * minuteMs) }],
        },
      ],
      failed: [],
      remaining: 1,
    });
    expect(untouched).toBe(due);
    expect(whatIf.timers).toMatchObject([
      { name: 'hold', dueAt: new Date(due + 30 * minuteMs), runsUntil: new Date(due) },
    ]);
    expect(applied).toMatchObject({ done: preview.done, failed: [], remaining: 0 });
    expect(again).toMatchObject({ done: [], failed: [], remaining: 0 });
    expect(await dueAt(booking, 'hold')).toBe(due + 30 * minuteMs);
    const row = await booking.row();
    expect(row).toMatchObject({
      config: { settings: { holdMinutes: 45, reviewDays: 30, hostConfirmationHours: 24 } },
      state_version: 2,
    });
    expect(instantOf(row['hold_expires_at'])).toBe(due + 30 * minuteMs);
    expect(await booking.events()).toEqual(['book', 'apply_settings']);
    const lines = await journeys.database.sql(
      `SELECT action, actor_id, after->>'timer' AS timer, after->>'reason' AS reason
       FROM core.audit_logs WHERE entity_id = $1 AND action <> 'CREATE' ORDER BY action, timer`,
      [booking.id],
    );
    const by = { actor_id: applied.admin.userId };
    expect(lines).toEqual([
      { action: 'STATUS_CHANGE', ...by, timer: null, reason: null },
      { action: 'TIMER_CHANGE', ...by, timer: 'hold', reason: 'A fair' },
    ]);

    await booking.passTo('hold', -minuteMs);
    expect(await booking.row()).toMatchObject({ status: 'pending' });
    await booking.passTo('hold', minuteMs);
    expect(await booking.row()).toMatchObject({ status: 'cancelled', cancelled_by: 'hold' });
  });

  it('leave alone what the property says for itself, and what somebody moved', async () => {
    const booking = await beginBooking(journeys);
    const ownHours = (hours: number) =>
      journeys.database.sql(
        'UPDATE shared.properties SET host_confirmation_hours = $2 WHERE id = $1',
        [booking.property.id, hours],
      );
    await booking.pay();
    await booking.settled();
    const operator = await buildActor({ companyId: booking.company.id, role: 'operator' });
    const asked = await dueAt(booking, 'host_confirmation');
    await set(booking, { hostConfirmationHours: 48 });
    await ownHours(24);

    const nothing = await apply(booking, true);
    await ownHours(72);
    const more = await apply(booking, true);
    const { changeTimer } = createBookingTimelines({
      temporal: journeys.server.temporal,
      workflows: journeys.workflows,
    });
    const moved = asked + 3 * hourMs;
    await as(operator, () =>
      changeTimer(
        operator,
        booking.id,
        'host_confirmation',
        { dueAt: new Date(moved), reason: 'A holiday', dryRun: false },
        once(operator),
      ),
    );
    const applied = await apply(booking, false);

    expect(nothing).toMatchObject({ done: [], remaining: 0 });
    expect(more.done).toMatchObject([
      {
        id: booking.id,
        timers: [
          { name: 'host_reminder' },
          { name: 'host_confirmation', newDueAt: new Date(asked + 48 * hourMs) },
        ],
      },
    ]);
    expect(applied.done).toMatchObject([{ id: booking.id, timers: [] }]);
    expect(await dueAt(booking, 'host_confirmation')).toBe(moved);
    expect(await booking.row()).toMatchObject({
      config: { settings: { hostConfirmationHours: 72 } },
    });
  });
});

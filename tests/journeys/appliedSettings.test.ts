import { createRegistrationTimelines } from '../../src/commands/registrationTimelines.ts';
import { createRunningTimers, type RunningTimers } from '../../src/commands/runningTimers.ts';
import type { Actor } from '../../src/context.ts';
import { platformCompanyId } from '../../src/models/database.ts';
import { as, buildActor, once } from '../support/build.ts';
import { dayMs, useJourneys, type Journeys } from '../support/journey.ts';
import { beginOnboarding, type Onboarding } from '../support/onboarding.ts';

describe('settings applied to what runs', () => {
  let journeys: Journeys;
  let timers: RunningTimers;
  let admin: Actor;
  useJourneys((opened) => void (journeys = opened));
  beforeEach(async () => {
    timers = createRunningTimers(journeys);
    admin = await buildActor({ companyId: platformCompanyId, role: 'global_admin' });
  });
  afterEach(async () => {
    await set({});
    // Their runs end with the test.
    await journeys.database.sql(
      `UPDATE core.registration_requests SET status = 'expired' WHERE status = 'pending'`,
    );
  });

  const set = (onboarding: object) =>
    journeys.database.sql('UPDATE platform.companies SET settings = $2 WHERE id = $1', [
      platformCompanyId,
      { onboarding },
    ]);
  const apply = (key?: string) =>
    as(admin, () => timers.apply(admin, 'Fewer reviewers', once(admin, key)));
  const dueIn = async ({ id }: Onboarding): Promise<Record<string, number>> => {
    const rows = await journeys.database.sql<{ name: string; days: number }>(
      `SELECT t.name, (extract(epoch FROM t.due_at - r.created_at) / 86400)::float AS days
       FROM core.timers t JOIN core.registration_requests r ON r.id = t.entity_id
       WHERE r.id = $1 AND t.status = 'scheduled'`,
      [id],
    );
    return Object.fromEntries(rows.map(({ name, days }) => [name, days]));
  };

  it('shows what would move and moves it, once, with who and why', async () => {
    const onboarding = await beginOnboarding(journeys);
    const { id } = onboarding;
    const before = await dueIn(onboarding);
    await set({ verifyEmailHours: 72, reviewExpireDays: 40 });

    const preview = await timers.preview();
    const untouched = await dueIn(onboarding);
    const applied = await apply();
    const again = await apply();

    expect(preview.total).toBe(2);
    expect(preview.timers).toMatchObject([
      { registrationId: id, companyName: onboarding.wish.companyName, name: 'verify_email' },
      { registrationId: id, name: 'review_expiry' },
    ]);
    expect(untouched).toEqual(before);
    expect(applied).toEqual({
      moved: expect.arrayContaining([...preview.timers]),
      failed: [],
      remaining: 0,
    });
    expect(again).toEqual({ moved: [], failed: [], remaining: 0 });
    expect(await dueIn(onboarding)).toEqual({ ...before, verify_email: 3, review_expiry: 40 });
    expect(await timers.preview()).toEqual({ timers: [], total: 0 });

    const row = await onboarding.row();
    expect(Number(row['expires_at']) - Number(row['created_at'])).toBe(40 * dayMs);
    expect(Number(row['verification_expires_at']) - Number(row['created_at'])).toBe(3 * dayMs);
    const lines = await onboarding.rows(
      `SELECT actor_id, after->>'timer' AS timer, after->>'reason' AS reason,
         (before->>'dueAt') < (after->>'dueAt') AS later
       FROM core.audit_logs WHERE entity_id = $1 AND action = 'TIMER_CHANGE' ORDER BY 2`,
    );
    expect(lines).toEqual(
      ['review_expiry', 'verify_email'].map((timer) => ({
        actor_id: admin.userId,
        timer,
        reason: 'Fewer reviewers',
        later: true,
      })),
    );
  });

  it('fires what is moved at its new time, and what would be past at once', async () => {
    const onboarding = await beginOnboarding(journeys);
    await journeys.passUntil(journeys.now() + 8 * dayMs);
    await set({ reviewExpireDays: 7 });

    await apply();
    await journeys.endOf(onboarding.workflowId, onboarding.id);

    expect(await onboarding.row()).toMatchObject({ status: 'expired' });
    const [lasted] = await onboarding.rows(
      `SELECT extract(epoch FROM workflow_closed_at - created_at) / 86400 < 9 AS short
       FROM core.registration_requests WHERE id = $1`,
    );
    expect(lasted).toEqual({ short: true });
  });

  it('leaves alone what somebody moved, and what was set again since', async () => {
    const onboarding = await beginOnboarding(journeys);
    const { id } = onboarding;
    const { changeTimer } = createRegistrationTimelines({ ...journeys, ...journeys.server });
    const change = { extendByMs: dayMs, reason: 'A holiday', dryRun: false };
    await as(admin, () => changeTimer(admin, id, 'review_expiry', change, once(admin)));
    await journeys.passUntil(journeys.now() + 3 * dayMs);
    const before = await dueIn(onboarding);

    await set({ verifyEmailHours: 336, reviewExpireDays: 40 });

    expect(before).toMatchObject({ review_expiry: 31 });
    expect(await timers.preview()).toEqual({ timers: [], total: 0 });
    expect(await apply()).toEqual({ moved: [], failed: [], remaining: 0 });
    expect(await dueIn(onboarding)).toEqual(before);
  });

  it('has nothing to move once it is decided', async () => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.reject();
    await set({ reviewExpireDays: 40 });

    expect(await timers.preview()).toEqual({ timers: [], total: 0 });
  });
});

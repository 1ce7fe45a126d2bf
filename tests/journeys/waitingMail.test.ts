import { activityInfo } from '@temporalio/activity';
import { withTenant } from '../../src/models/database.ts';
import { queueMail } from '../../src/models/mail.ts';
import { notificationWorkflowId, paymentWorkflowId } from '../../src/rules/workflowIds.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { beginBooking } from '../support/bookings.ts';
import { beginClaim } from '../support/claims.ts';
import { useJourneys, useJourneysWithGateway, type Journeys } from '../support/journey.ts';
import { openRealTemporal, openSkippingTemporal } from '../support/lifecycle.ts';
import type { TestGateway } from '../support/payments.ts';

describe('a mail that can wait', () => {
  let journeys: Journeys;
  const sent: { readonly to: string; readonly at: number }[] = [];
  const now = (): number => activityInfo().currentAttemptScheduledTimestampMs;
  useJourneys(
    (opened) => void (journeys = opened),
    () =>
      openSkippingTemporal(() => ({
        sendMail: async ({ to }) => void sent.push({ to, at: now() }),
      })),
  );

  it('is sent by its run when the quiet hours are over', async () => {
    const began = await journeys.server.env.currentTimeMs();
    const hour = new Date(began).getUTCHours();
    const { id: companyId } = await buildCompany({
      timeZone: 'UTC',
      settings: { notifications: { quietFromHour: hour, quietUntilHour: (hour + 5) % 24 } },
    });
    const { userId, email } = await buildActor({ companyId });
    const start = await withTenant(companyId, async () =>
      queueMail({
        companyId,
        to: { userId },
        template: 'report_ready',
        payload: { reportName: 'Claims' },
      }),
    );

    await journeys.server.temporal.start(start);
    await journeys.server.env.client.workflow.getHandle(start.workflowId).result();

    const hourOf = (instant: number): number => Math.floor(instant / 3_600_000);
    expect(sent.map(({ to, at }) => [to, hourOf(at) - hourOf(began)])).toEqual([[email, 5]]);
  });
});

/** The server that skips time stands still for ever once a child outlives its parent. */
describe('a mail that can wait, on the real server', () => {
  let journeys: Journeys;
  let gateway: TestGateway;
  useJourneysWithGateway((...opened) => void ([journeys, gateway] = opened), openRealTemporal);
  const settings = { notifications: { digest: 'daily' } } as const;

  /** Messages about an object that go out by runs of their own, which are ended. */
  async function endDeliveries(companyId: string, entityId: string): Promise<string[]> {
    const waiting = await journeys.database.sql<{ id: string; code: string }>(
      `SELECT id, template_code AS code FROM core.notifications
       WHERE entity_id = $1 AND channel = 'email' AND status = 'queued' ORDER BY id`,
      [entityId],
    );
    for (const { id } of waiting) {
      const run = journeys.server.temporal.client.workflow.getHandle(
        notificationWorkflowId(companyId, id),
      );
      expect((await run.describe()).status.name).toBe('RUNNING');
      await run.terminate('The test is over');
    }
    return waiting.map(({ code }) => code);
  }

  it('outlives the run of a claim that an operator ends', async () => {
    const claim = await beginClaim(journeys, { begin: { settings } });
    await claim.toReview();
    await claim.rest();
    const run = journeys.server.temporal.client.workflow.getHandle(claim.workflowId);

    await run.cancel();

    await expect(run.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    const waiting = await endDeliveries(claim.contract.company.id, claim.id);
    expect(waiting.toSorted()).toEqual(['claim_assigned', 'claim_withdrawn']);
  }, 60_000);

  it('keeps no payment open, so that a stay is its guest’s as soon as it is paid', async () => {
    const booking = await beginBooking(journeys, { instantBook: true, settings });
    await gateway.script(['ok']);

    await booking.pay();
    const paymentId = String((await booking.row())['payment_id']);
    const companyId = booking.company.id;
    const { workflow } = journeys.server.temporal.client;
    await workflow.getHandle(paymentWorkflowId(companyId, paymentId)).result();
    await booking.rest();

    expect(await booking.row()).toMatchObject({ status: 'confirmed' });
    expect(await endDeliveries(companyId, paymentId)).toEqual(['payment_received']);
  }, 60_000);
});

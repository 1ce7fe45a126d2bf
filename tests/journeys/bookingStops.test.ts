import { setTimeout } from 'node:timers/promises';
import { paymentWorkflowId } from '../../src/rules/workflowIds.ts';
import { beginBooking } from '../support/bookings.ts';
import { useJourneysWithGateway, type Journeys } from '../support/journey.ts';
import { openRealTemporal } from '../support/lifecycle.ts';
import type { TestGateway } from '../support/payments.ts';

/** The server that skips time tells no run that its child was ended. */
describe('a booking that operators stop, on the real server', () => {
  let journeys: Journeys;
  let gateway: TestGateway;
  useJourneysWithGateway((...opened) => void ([journeys, gateway] = opened), openRealTemporal);

  it('ends, though the run of its payment was ended right before', async () => {
    const booking = await beginBooking(journeys, { instantBook: true });
    const run = (id: string) => journeys.server.temporal.client.workflow.getHandle(id);
    const { workflowId } = booking;
    const hasHeard = async (): Promise<boolean> =>
      ((await run(workflowId).fetchHistory()).events ?? []).some(
        (event) => event.childWorkflowExecutionTerminatedEventAttributes,
      );
    await gateway.script(['processing']);
    await booking.pay();
    const { payment_id: paymentId } = await booking.row();
    await run(paymentWorkflowId(booking.company.id, String(paymentId))).terminate('a test');
    while (!(await hasHeard())) await setTimeout(50);
    await booking.rest();

    await run(workflowId).cancel();

    await expect(run(workflowId).result()).rejects.toMatchObject({
      cause: { name: 'CancelledFailure' },
    });
    expect(await booking.row()).toMatchObject({ status: 'cancelled', cancelled_by: 'operator' });
  }, 60_000);
});

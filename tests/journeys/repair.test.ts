import { attribute } from '../../src/workflows/searchAttributes.ts';
import { changeExpiry, renew, state } from '../../src/workflows/subscriptionLifecycle.ts';
import { retryStep } from '../../src/workflows/attention.ts';
import { readAgain } from '../../src/workflows/lifecycle.ts';
import { dayMs, events, useJourneys, type Journey, type Journeys } from '../support/journey.ts';
import { openSkippingTemporal } from '../support/lifecycle.ts';

describe('a step that fails for good', () => {
  let journeys: Journeys;
  let isMailAway = false;
  useJourneys(
    (opened) => void (journeys = opened),
    () =>
      openSkippingTemporal((mails) => ({
        sendMail: async (mail) => {
          if (isMailAway) throw new Error('The mail server is away');
          mails.push(mail);
        },
      })),
  );

  const needsAttention = async ({ workflowId }: Journey): Promise<unknown> =>
    (
      await journeys.server.temporal.client.workflow.getHandle(workflowId).describe()
    ).typedSearchAttributes.get(attribute.needsAttention);

  it('raises NeedsAttention and refuses commands until retryStep heals it', async () => {
    const journey = await journeys.begin();
    const expiresAt = await journey.expiresAt();
    await journeys.passUntil(expiresAt - 3_600_000);
    await journey.setRow('state_version = 5');
    await journeys.passUntil(expiresAt + dayMs);
    const stuck = { row: await journey.row(), needsAttention: await needsAttention(journey) };
    const refused = journey.send(renew, 'meanwhile', { reason: null });
    await expect(refused).rejects.toMatchObject({ status: 409, code: 'NEEDS_ATTENTION' });

    await journeys.server.env.client.workflow
      .getHandle(journey.workflowId)
      .executeUpdate(retryStep, { args: [{ reason: 'The row was put right' }] });
    await journeys.passUntil(journeys.now() + dayMs);

    expect(stuck).toMatchObject({ row: { status: 'active' }, needsAttention: true });
    expect(await journey.row()).toMatchObject({ status: 'expired', state_version: 6 });
    expect(await needsAttention(journey)).toBe(false);
    expect(await events(journey)).toEqual(['subscribe', 'expire']);
  });

  it('of a command goes to its sender, and the run takes over what the row knows', async () => {
    const journey = await journeys.begin();
    const wish = { expiresAt: journeys.now() + 5 * dayMs, reason: 'Agreed' };
    await journey.setRow('state_version = 5');

    const first = journey.send(changeExpiry, 'first', wish);
    await expect(first).rejects.toMatchObject({ status: 409, code: 'VERSION_CONFLICT' });
    const second = await journey.send(changeExpiry, 'second', wish);

    expect(second).toMatchObject({ status: 'active', stateVersion: 6 });
  });

  it('to deliver a mail is given up after five tries and told to operators, once', async () => {
    isMailAway = true;
    const journey = await journeys.begin({ rest: false });
    await journeys.passUntil(journeys.now() + 2 * dayMs);
    isMailAway = false;

    const notifications = await journey.notifications();

    expect(notifications).toMatchObject([
      { template_code: 'subscription_confirmed', channel: 'email', status: 'failed', attempts: 5 },
      { template_code: 'subscription_confirmed', channel: 'in_app', status: 'sent' },
      { template_code: 'delivery_failed', channel: 'in_app', recipient_role: 'operator' },
    ]);
    expect(await journey.row()).toMatchObject({ status: 'active' });
  });

  it('to deliver a mail does not keep a renewal from its new run, which goes on trying', async () => {
    const journey = await journeys.begin({ plan: { durationMonths: 6 } });
    const expiresAt = await journey.expiresAt();
    await journeys.passUntil(expiresAt - 60 * dayMs);
    isMailAway = true;

    await journey.renew();
    isMailAway = false;
    await journeys.passUntil(journeys.now() + dayMs);

    expect(await journey.row()).toMatchObject({ term_no: 2 });
    expect(journey.subjects().filter((subject) => subject.includes('is renewed'))).toHaveLength(1);
  });

  it('of a row that was put right while a run gave way to the next is what that begins with', async () => {
    const journey = await journeys.begin({ plan: { durationMonths: 6 } });
    await journeys.passUntil((await journey.expiresAt()) - 60 * dayMs);
    isMailAway = true;
    await journey.renew();
    await journey.setRow('state_version = 17');
    await journeys.server.temporal.tell(readAgain, journey.workflowId);
    isMailAway = false;

    await journeys.passUntil(journeys.now() + dayMs);

    const next = journeys.server.temporal.client.workflow.getHandle(journey.workflowId);
    expect(await next.query(state)).toMatchObject({ termNo: 2, stateVersion: 17 });
  });
});

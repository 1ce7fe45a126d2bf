import { activityInfo } from '@temporalio/activity';
import { withTenant } from '../../src/models/database.ts';
import { queueMail } from '../../src/models/mail.ts';
import { buildActor, buildCompany } from '../support/build.ts';
import { useJourneys, type Journeys } from '../support/journey.ts';
import { openSkippingTemporal } from '../support/lifecycle.ts';

describe('a mail that can wait', () => {
  let journeys: Journeys;
  const sent: { readonly to: string; readonly at: number }[] = [];
  const now = (): number => activityInfo().currentAttemptScheduledTimestampMs;
  useJourneys(
    (opened) => void (journeys = opened),
    () =>
      openSkippingTemporal(() => ({
        now,
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

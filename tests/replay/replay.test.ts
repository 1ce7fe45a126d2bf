import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ApplicationFailure } from '@temporalio/common';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker } from '@temporalio/worker';
import { projectDir } from '../../local/dataDir.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import { pauseVersion } from '../../src/commands/policyApprovalPauses.ts';
import { createReports } from '../../src/commands/reports.ts';
import type { WebhookOutcome } from '../../src/gateways/outgoingWebhooks.ts';
import { platformCompanyId, withTenant } from '../../src/models/database.ts';
import { queueMail } from '../../src/models/mail.ts';
import { addDays } from '../../src/rules/calendar.ts';
import {
  acknowledgementWorkflowId,
  paymentWorkflowId,
  replayWorkflowId,
  scheduledReportWorkflowId,
  scheduleWorkflowId,
} from '../../src/rules/workflowIds.ts';
import { retryStep } from '../../src/workflows/attention.ts';
import { gatewayNews, moveRetry } from '../../src/workflows/payment.ts';
import { reinstate, renew } from '../../src/workflows/subscriptionLifecycle.ts';
import { hire, wakeKeeper } from '../support/acknowledgements.ts';
import { as, buildActor, buildCompany, once } from '../support/build.ts';
import { beginBooking, type BookingJourney } from '../support/bookings.ts';
import { beginBulk } from '../support/bulk.ts';
import type { Scan } from '../../src/scanner.ts';
import { beginClaim, type ClaimJourney } from '../support/claims.ts';
import { noClosedRuns } from '../support/closedRuns.ts';
import { memoryStorage, sendDocument } from '../support/documents.ts';
import { dayMs, instantOf, openJourneys, type Journeys } from '../support/journey.ts';
import { openSkippingTemporal } from '../support/lifecycle.ts';
import { beginOnboarding } from '../support/onboarding.ts';
import { beginPolicy, type PolicyJourney } from '../support/policies.ts';
import { buildPayment, openTestGateway, type TestGateway } from '../support/payments.ts';
import { reportSchedulesInMemory } from '../support/reportSchedules.ts';
import { services } from '../support/services.ts';
import { promisedWebhook, testSealer } from '../support/webhooks.ts';

/** Histories of every path that running workflows may have taken. Never edited, only added to. */
const folder = path.join(import.meta.dirname, 'histories');

let gateway: TestGateway;
let webhookOutcome: WebhookOutcome;

/** `npm run record-histories` adds today's; commit them with a change of the order of steps. */
const isRecording = process.env['RECORD_HISTORIES'] === '1';

interface Run {
  readonly workflowId: string;
  /** Of a renewed subscription the second run, instead of the one that ends in the continuation. */
  readonly isLatest?: boolean;
}

const paths: Readonly<Record<string, (journeys: Journeys) => Promise<Run>>> = {
  'subscription-expires': async (journeys) => {
    const journey = await journeys.begin();
    await journey.end();
    return journey;
  },
  'subscription-cancelled': async (journeys) => {
    const journey = await journeys.begin();
    await journey.cancel({ reason: 'The house is sold' });
    await journey.end();
    return journey;
  },
  'subscription-cancelled-later': async (journeys) => {
    const journey = await journeys.begin({ startsIn: 3 });
    const today = journey.dateAt(journeys.now());
    await journey.cancel({ effectiveDate: addDays(today, 40) });
    await journey.end();
    return journey;
  },
  'subscription-renewed': renewed,
  'subscription-second-term': async (journeys) => ({
    ...(await renewed(journeys)),
    isLatest: true,
  }),
  'subscription-expiry-moved': async (journeys) => {
    const journey = await journeys.begin();
    await journey.moveExpiry(journeys.now() + 5 * dayMs);
    await journey.end();
    return journey;
  },
  'subscription-repaired': async (journeys) => {
    const journey = await journeys.begin({ plan: shortPlan });
    const { expires_at: expiresAt } = await journey.row();
    await journeys.passUntil(instantOf(expiresAt) - 3_600_000);
    await journey.setRow('state_version = 5');
    await journeys.passUntil(instantOf(expiresAt) + 60_000);
    await journeys.server.temporal.client.workflow
      .getHandle(journey.workflowId)
      .executeUpdate(retryStep, { args: [{ reason: 'The row was put right' }] });
    await journey.end();
    return journey;
  },
  'subscription-refused': async (journeys) => {
    const journey = await journeys.begin({ plan: shortPlan });
    await journey.send(renew, 'too-early', { reason: null }).catch(() => undefined);
    await journey.end();
    return journey;
  },
  'subscription-stopped-by-operator': async (journeys) => {
    const journey = await journeys.begin();
    await journeys.server.temporal.client.workflow.getHandle(journey.workflowId).cancel();
    await journey.end().catch(() => undefined);
    return journey;
  },
  'subscription-paid-and-cancelled': async (journeys) => {
    await gateway.script(['ok']);
    const journey = await journeys.begin({ settings: invoiced, plan: shortPlan });
    await journeys.passUntil(journeys.now() + dayMs);
    await journey.cancel();
    await journey.end();
    return journey;
  },
  'subscription-not-taken-up': async (journeys) => {
    await gateway.script(['decline']);
    const journey = await journeys.begin({ settings: invoiced, plan: shortPlan });
    await journey.end();
    return journey;
  },
  'subscription-lapsed-and-reinstated': async (journeys) => {
    await gateway.script(['ok']);
    const journey = await journeys.begin({ settings: invoiced, plan: shortPlan, autoRenew: true });
    await journeys.passUntil(journeys.now() + dayMs);
    await gateway.script(['decline']);
    await journeys.passUntil((await journey.expiresAt()) + 40 * dayMs);
    await journey.setRow('auto_renew = false');
    await journey.send(reinstate, 'reinstate', { onCredit: false, reason: null });
    await journey.end();
    return { ...journey, isLatest: true };
  },
  'bulk-finished': async (journeys) => {
    const { contract } = await beginClaim(journeys);
    const operator = await contract.staff('operator');
    const bulk = await beginBulk(journeys, operator, { action: 'signal', perSecond: 1 });
    await bulk.end();
    return bulk;
  },
  'claim-denied-and-closed': async (journeys) => {
    const claim = await beginClaim(journeys);
    await claim.toApproval('900.00');
    const manager = await claim.person('claims_manager');
    await claim.as(manager, (command) => claim.claims.deny(manager, command, 'exclusion'));
    await claim.end();
    return claim;
  },
  'claim-paid': async (journeys) => {
    const claim = await approvedClaim(journeys);
    await claim.reaches('paid');
    await claim.end();
    return claim;
  },
  'claim-payment-failed-and-retried': async (journeys) => {
    await gateway.script(['decline']);
    const claim = await approvedClaim(journeys);
    await claim.reaches('approved');
    const manager = await claim.person('claims_manager');
    await claim.as(manager, (command) =>
      claim.claims.updateStatus(manager, command, 'payment_processing', {}),
    );
    await claim.reaches('paid');
    await claim.end();
    return claim;
  },
  'claim-payment-failed-and-paid-by-hand': async (journeys) => {
    await gateway.script(['decline']);
    const claim = await approvedClaim(journeys);
    await claim.reaches('approved');
    const manager = await claim.person('claims_manager');
    await claim.as(manager, (command) =>
      claim.claims.updateStatus(manager, command, 'paid', { reference: 'Cheque 17' }),
    );
    await claim.end();
    return claim;
  },
  'claim-appealed': async (journeys) => {
    const claim = await beginClaim(journeys);
    const { holder } = claim.contract;
    await claim.toApproval('900.00');
    const manager = await claim.person('claims_manager');
    const senior = await claim.person('senior_adjuster');
    await claim.as(manager, (command) => claim.claims.deny(manager, command, 'exclusion'));
    await claim.as(holder, (command) => claim.claims.appeal(holder, command));
    await claim.as(manager, (command) => claim.claims.assign(manager, command, senior.userId));
    await claim.as(manager, (command) => claim.claims.withdraw(manager, command));
    await claim.end();
    return claim;
  },
  'claim-reopened': async (journeys) => {
    const claim = await beginClaim(journeys);
    const { holder } = claim.contract;
    const manager = await claim.person('claims_manager');
    await claim.as(holder, (command) => claim.claims.withdraw(holder, command));
    await claim.end();
    await claim.as(manager, (command) => claim.claims.reopen(manager, command));
    await journeys.dispatcher.drained();
    await journeys.passUntil(journeys.now() + 10 * dayMs);
    await claim.as(holder, (command) => claim.claims.withdraw(holder, command));
    await claim.end();
    return { workflowId: claim.workflowId, isLatest: true };
  },
  'claim-on-hold-for-a-year': async (journeys) => {
    const claim = await beginClaim(journeys);
    const manager = await claim.person('claims_manager');
    await claim.as(manager, (command) => claim.claims.hold(manager, command, 'legal'));
    await journeys.passUntil(journeys.now() + 365 * dayMs);
    await claim.as(manager, (command) => claim.claims.release(manager, command));
    await journeys.passUntil(journeys.now() + 7 * dayMs);
    await claim.as(manager, (command) => claim.claims.withdraw(manager, command));
    await claim.end();
    return claim;
  },
  'claim-documents-and-letters': async (journeys) => {
    const claim = await beginClaim(journeys);
    await claim.toReview();
    const adjuster = await claim.person('adjuster');
    const toInvestigation = () =>
      claim.as(adjuster, (command) =>
        claim.claims.updateStatus(adjuster, command, 'investigation', {}),
      );
    await toInvestigation();
    await journeys.passUntil(journeys.now() + 40 * dayMs);
    await claim.as(adjuster, (command) =>
      claim.claims.requestDocuments(adjuster, command, ['Invoice']),
    );
    await journeys.passUntil(journeys.now() + 25 * dayMs);
    await toInvestigation();
    const manager = await claim.person('claims_manager');
    await claim.as(manager, (command) => claim.claims.withdraw(manager, command));
    await claim.end();
    return claim;
  },
  'claim-assigned-by-rule': async (journeys) => {
    const claim = await beginClaim(journeys, {
      begin: { settings: { claims: { assignmentRule: 'least_loaded' } } },
    });
    const manager = await claim.person('claims_manager');
    const dueAt = new Date(journeys.now() + 3 * dayMs);
    const change = { dueAt, reason: 'A storm', dryRun: false };
    await claim.as(manager, ({ once: request }) =>
      claim.timelines.changeTimer(manager, claim.id, 'triage', change, request),
    );
    await journeys.passUntil(dueAt.getTime() + dayMs);
    await claim.as(manager, (command) => claim.claims.markDuplicate(manager, command, undefined));
    await claim.end();
    return claim;
  },
  'claim-stopped-by-operator': async (journeys) => {
    const claim = await beginClaim(journeys);
    await journeys.server.temporal.client.workflow.getHandle(claim.workflowId).cancel();
    await claim.end().catch(() => undefined);
    return claim;
  },
  'policy-approval-superseded': async (journeys) => {
    const policy = await beginPolicy(journeys, {
      settings: { compliance: { approvalQuorum: 2 } },
    });
    const { author, deciders, versions } = policy;
    const [first, second] = deciders;
    await policy.as(author, (command) => versions.submit(author, command, []));
    await policy.as(first, (command) => versions.reject(first, command));
    await policy.as(author, (command) => versions.submit(author, command, [first.userId]));
    await journeys.passUntil((await policy.dueAt(1, 'approval_escalation')) + 60_000);
    for (const decider of [first, second]) {
      await policy.as(decider, (command) => versions.approve(decider, command));
    }
    const publishAt = new Date(journeys.now() + dayMs);
    await policy.as(author, (command) => versions.publish(author, command, publishAt));
    await journeys.passUntil(publishAt.getTime() + 60_000);
    await journeys.passUntil((await policy.dueAt(1, 'review_due')) + 60_000);
    await policy.draftNext();
    await policy.as(author, (command) => versions.submit(author, command, []));
    for (const decider of [first, second]) {
      await policy.as(decider, (command) => versions.approve(decider, command));
    }
    await policy.as(author, (command) => versions.publish(author, command, undefined));
    await policy.rest(1);
    return { workflowId: await policy.workflowId(1) };
  },
  'policy-approval-paused': async (journeys) => {
    const policy = await beginPolicy(journeys);
    const { author, versions } = policy;
    await policy.as(author, (command) => versions.submit(author, command, []));
    const id = await policy.versionId(1);
    const ask = (event: 'pause' | 'resume') =>
      as(author, () =>
        pauseVersion(journeys.workflows, author, {
          id,
          event,
          commandId: `test/${event}/${id}`,
          reason: 'A lawsuit',
        }),
      );
    await ask('pause');
    await journeys.passUntil(journeys.now() + 30 * dayMs);
    await ask('resume');
    await journeys.passUntil((await policy.dueAt(1, 'approval_escalation')) + 60_000);
    await policy.rest(1);
    return { workflowId: await policy.workflowId(1) };
  },
  'policy-approval-taken-back': async (journeys) => {
    const policy = await beginPolicy(journeys);
    const { author, versions } = policy;
    await policy.toPublished();
    await policy.draftNext();
    await policy.toPublished();
    await policy.rest(1);
    await policy.as(author, (command) => versions.unpublish(author, command));
    await policy.startOwed(1);
    await policy.as(author, (command) => versions.publish(author, command, undefined));
    await policy.rest(1);
    await policy.as(author, (command) => versions.retire(author, command));
    await policy.rest(2);
    return { workflowId: await policy.workflowId(2) };
  },
  'policy-approval-stopped-by-operator': async (journeys) => {
    const policy = await beginPolicy(journeys);
    const workflowId = await policy.workflowId(1);
    await journeys.server.temporal.client.workflow.getHandle(workflowId).cancel();
    await policy.rest(1);
    return { workflowId };
  },
  'acknowledgement-withdrawn': async (journeys) => {
    const { policy, workflowId } = await beginKeeper(journeys);
    // Escalated to executives, then by other settings, then over.
    await journeys.passUntil(journeys.now() + 46 * dayMs);
    await journeys.database.sql(
      `UPDATE platform.companies SET settings = settings || '{"compliance": {"overdueEveryDays": 9}}'
       WHERE id = $1`,
      [policy.company.id],
    );
    await wakeKeeper(journeys, policy);
    await policy.as(policy.author, (command) => policy.versions.retire(policy.author, command));
    await policy.rest(1);
    await wakeKeeper(journeys, policy);
    return { workflowId };
  },
  'acknowledgement-second-run': async (journeys) => {
    const { workflowId } = await beginKeeper(journeys);
    await journeys.passUntil(journeys.now() + 110 * dayMs);
    return { workflowId, isLatest: true };
  },
  'acknowledgement-stopped-by-operator': async (journeys) => {
    const { workflowId } = await beginKeeper(journeys);
    await journeys.server.temporal.client.workflow.getHandle(workflowId).cancel();
    return { workflowId };
  },
  'onboarding-activated': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.approve();
    await onboarding.reaches('active');
    await onboarding.noteSignIn();
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-dedicated-failed-and-retried': async (journeys) => {
    const adminPhone = '+49307654321';
    const onboarding = await beginOnboarding(journeys, { adminPhone });
    const { userId } = await buildActor({ companyId: platformCompanyId });
    const setPhone = (phone: string | null) =>
      journeys.database.sql('UPDATE platform.users SET phone_number = $2 WHERE id = $1', [
        userId,
        phone,
      ]);
    await setPhone(adminPhone);
    await onboarding.approve({ isolation: 'dedicated_schema' });
    await onboarding.reaches('failed');
    await setPhone(null);
    await onboarding.retry();
    await onboarding.reaches('active');
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-stalled': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.approve();
    await onboarding.reaches('active');
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-rejected': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await onboarding.reject();
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-expired': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-failed-and-retried': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    const { requestedDomain } = onboarding.wish;
    await journeys.database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, verified_at)
       VALUES (gen_random_uuid(), '00000000-0000-7000-8000-000000000000', $1, now())`,
      [requestedDomain],
    );
    await onboarding.approve();
    await onboarding.reaches('failed');
    await journeys.database.sql('DELETE FROM platform.domains WHERE domain = $1', [
      requestedDomain,
    ]);
    await onboarding.retry();
    await onboarding.reaches('active');
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-failed-and-rejected': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await journeys.database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, verified_at)
       VALUES (gen_random_uuid(), '00000000-0000-7000-8000-000000000000', $1, now())`,
      [onboarding.wish.requestedDomain],
    );
    await onboarding.approve();
    await onboarding.reaches('failed');
    await onboarding.reject();
    await journeys.endOf(onboarding.workflowId, onboarding.id);
    return onboarding;
  },
  'onboarding-stopped-by-operator': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await journeys.server.temporal.client.workflow.getHandle(onboarding.workflowId).cancel();
    await journeys.endOf(onboarding.workflowId, onboarding.id).catch(() => undefined);
    return onboarding;
  },
  'onboarding-failed-and-stopped': async (journeys) => {
    const onboarding = await beginOnboarding(journeys);
    await journeys.database.sql(
      `INSERT INTO platform.domains (id, company_id, domain, verified_at)
       VALUES (gen_random_uuid(), '00000000-0000-7000-8000-000000000000', $1, now())`,
      [onboarding.wish.requestedDomain],
    );
    await onboarding.approve();
    await onboarding.reaches('failed');
    await journeys.server.temporal.client.workflow.getHandle(onboarding.workflowId).cancel();
    await journeys.endOf(onboarding.workflowId, onboarding.id).catch(() => undefined);
    return onboarding;
  },
  'payment-completed': (journeys) => runPayment(journeys, ['ok']),
  'payment-retried': (journeys) => runPayment(journeys, ['decline_for_now', 'ok']),
  'payment-failed': (journeys) => runPayment(journeys, ['decline']),
  'payment-looked-up': (journeys) => runPayment(journeys, ['timeout_after_success']),
  'payment-told-of': (journeys) =>
    runPayment(journeys, ['timeout_after_success'], async ({ server }, workflowId) => {
      await server.temporal.client.workflow.getHandle(workflowId).signal(gatewayNews);
    }),
  'payment-no-longer-due': async (journeys) => {
    await gateway.script(['decline_for_now', 'decline_for_now', 'decline_for_now']);
    const journey = await journeys.begin({ settings: invoiced, plan: shortPlan });
    const { id: companyId } = journey.company;
    const [payment] = await journeys.database.sql<{ id: string }>(
      `SELECT id FROM shared.payments WHERE company_id = $1 AND purpose = 'premium'`,
      [companyId],
    );
    const workflowId = paymentWorkflowId(companyId, payment?.id ?? '');
    await journeys.passUntil(journeys.now() + 5 * dayMs);
    await journeys.settled(workflowId);
    return { workflowId };
  },
  'payment-retry-moved': (journeys) =>
    runPayment(
      journeys,
      ['decline_for_now', 'ok'],
      async ({ server, passUntil, now }, workflowId) => {
        await passUntil(now() + 60_000);
        await server.temporal.client.workflow.getHandle(workflowId).executeUpdate(moveRetry, {
          updateId: `moved-${workflowId}`,
          args: [{ dueAt: now() + 2 * dayMs, reason: 'The payer is abroad' }],
        });
      },
    ),
  'payment-stopped-by-operator': (journeys) =>
    runPayment(journeys, ['decline_for_now'], async ({ server, settled }, workflowId) => {
      await settled(workflowId);
      await server.temporal.client.workflow.getHandle(workflowId).cancel();
    }),
  'payment-gateway-away': async (journeys) => {
    await gateway.stop();
    return runPayment(journeys, [], async ({ server, passUntil, now }, workflowId) => {
      await passUntil(now() + dayMs / 8);
      await gateway.startAgain();
      await server.temporal.client.workflow
        .getHandle(workflowId)
        .executeUpdate(retryStep, { args: [{ reason: 'The gateway is back' }] });
    });
  },
  'payment-of-a-stay-that-was-given-up': async (journeys) => {
    await gateway.stop();
    const booking = await beginBooking(journeys, { instantBook: true });
    await booking.pay();
    await booking.rest();
    await booking.cancel();
    await gateway.startAgain();
    await booking.end();
    const { payment_id: paymentId } = await booking.row();
    return { workflowId: paymentWorkflowId(booking.company.id, String(paymentId)) };
  },
  'booking-stayed': async (journeys) => {
    const booking = await paidBooking(journeys);
    await booking.confirm();
    await booking.end();
    return booking;
  },
  'booking-not-paid': async (journeys) => {
    const booking = await beginBooking(journeys);
    await booking.end();
    return booking;
  },
  'booking-declined': async (journeys) => {
    const booking = await paidBooking(journeys);
    await booking.decline();
    await booking.end();
    return booking;
  },
  'booking-paid-at-the-second-try-and-given-up': async (journeys) => {
    await gateway.script(['decline']);
    const booking = await paidBooking(journeys, { instantBook: true });
    await booking.pay();
    await booking.settled();
    await booking.cancel();
    await booking.end();
    return booking;
  },
  'booking-paid-late': async (journeys) => {
    const booking = await beginBooking(journeys, { instantBook: true });
    await booking.passTo('hold', -4000);
    await gateway.script(['processing']);
    await booking.pay();
    await booking.end();
    return booking;
  },
  'booking-refund-failed': async (journeys) => {
    const booking = await paidBooking(journeys, { instantBook: true });
    await gateway.script(['decline']);
    await booking.cancel();
    await booking.end();
    return booking;
  },
  'booking-stopped-by-operator': async (journeys) => {
    const booking = await paidBooking(journeys, { instantBook: true });
    await journeys.server.temporal.client.workflow.getHandle(booking.workflowId).cancel();
    await journeys.settled(booking.workflowId);
    return booking;
  },
  'mail-delivered': async ({ server }) => {
    const { id: companyId } = await buildCompany();
    const { userId } = await buildActor({ companyId });
    const start = await withTenant(companyId, async () =>
      queueMail({ companyId, to: { userId }, template: 'welcome' }),
    );
    await server.temporal.start(start);
    await server.temporal.client.workflow.getHandle(start.workflowId).result();
    return start;
  },
  'webhook-told': (journeys) => toldByWebhook(journeys, { status: 204 }),
  'webhook-given-up': (journeys) => toldByWebhook(journeys, { status: 410 }),
  'document-clean': (journeys) => scanned(journeys, 'Das Dach'),
  'document-clean-and-claim-told': (journeys) => scanned(journeys, 'Das Dach'),
  'document-infected': (journeys) => scanned(journeys, 'a virus'),
  'document-failed-and-retried': async (journeys) => {
    const { workflowId } = await sendDocument(journeys, storage, 'the scanner is broken');
    const handle = journeys.server.temporal.client.workflow.getHandle(workflowId);
    await journeys.settled(workflowId);
    isScannerMended = true;
    await handle.executeUpdate(retryStep, { args: [{ reason: 'The scanner is mended' }] });
    await handle.result();
    return { workflowId };
  },
  'document-stopped-by-operator': async (journeys) => {
    const { workflowId } = await sendDocument(journeys, storage, 'the scanner is away');
    const handle = journeys.server.temporal.client.workflow.getHandle(workflowId);
    await handle.cancel();
    await handle.result().catch(() => undefined);
    return { workflowId };
  },
  'report-ready': (journeys) => reported(journeys),
  'report-failed': async (journeys) => {
    await journeys.database.sql('ALTER TABLE shared.policies RENAME COLUMN premium TO hidden');
    const run = await reported(journeys);
    await journeys.database.sql('ALTER TABLE shared.policies RENAME COLUMN hidden TO premium');
    return run;
  },
  'report-scheduled': async ({ server }) => {
    const { id: companyId } = await buildCompany();
    const workflowId = scheduledReportWorkflowId(companyId, companyId);
    await server.temporal.client.workflow.execute('scheduledReport', {
      workflowId,
      taskQueue: 'test-lifecycle',
      args: [{ companyId, reportId: companyId }],
    });
    return { workflowId };
  },
  'replay-checked': async (journeys) => {
    const { company, workflowId: checked } = await journeys.begin();
    const workflowId = replayWorkflowId(company.id, checked);
    await journeys.server.temporal.client.workflow.execute('replayCheck', {
      workflowId,
      taskQueue: 'test-lifecycle',
      args: [{ companyId: company.id, workflowId: checked }],
    });
    return { workflowId };
  },
  'job-align-reports': (journeys) => runJob(journeys, 'alignReports'),
  'job-export-histories': (journeys) => runJob(journeys, 'exportHistories'),
  'job-reconcile': (journeys) => runJob(journeys, 'reconcile'),
  'job-digests': (journeys) => runJob(journeys, 'remindOfRenewals'),
  'job-maintain': (journeys) => runJob(journeys, 'maintain'),
  'job-watch-runs': (journeys) => runJob(journeys, 'watchRuns'),
};

async function approvedClaim(journeys: Journeys): Promise<ClaimJourney> {
  const claim = await beginClaim(journeys);
  await claim.toApproval('900.00');
  const manager = await claim.person('claims_manager');
  await claim.as(manager, (command) => claim.claims.approve(manager, command, '900.00'));
  return claim;
}

/** Without reminders: a short history. */
const shortPlan = { durationMonths: 6, lifecycleConfig: { renewalReminderDays: [1] } };

const invoiced = { billing: { mode: 'invoice' } } as const;

async function runPayment(
  journeys: Journeys,
  outcomes: Parameters<TestGateway['script']>[0],
  meanwhile: (journeys: Journeys, workflowId: string) => Promise<void> = async () => {},
): Promise<Run> {
  const { id: companyId } = await buildCompany();
  const { userId } = await buildActor({ companyId });
  const { payment, start } = await buildPayment({ companyId, userId });
  const { workflowId } = start;
  if (outcomes.length > 0) await gateway.script(outcomes, payment.id);
  journeys.track(workflowId);
  await journeys.server.temporal.start(start);
  await meanwhile(journeys, workflowId);
  await journeys.endOf(workflowId, payment.id);
  return { workflowId };
}

async function scanned(journeys: Journeys, text: string): Promise<Run> {
  const { workflowId } = await sendDocument(journeys, storage, text);
  await journeys.server.temporal.client.workflow.getHandle(workflowId).result();
  return { workflowId };
}

const storage = memoryStorage();

let isScannerMended = false;

/** Finds what a text says of itself. */
const scan: Scan = async (content) => {
  const text = await buffer(content);
  if (text.includes('away')) throw new Error('The scanner is away');
  if (text.includes('broken') && !isScannerMended) throw ApplicationFailure.nonRetryable('Broken');
  return text.includes('virus') ? { isInfected: true, name: 'Test.Virus' } : { isInfected: false };
};

/** Two people are asked to read what is published. */
async function beginKeeper(journeys: Journeys): Promise<Run & { policy: PolicyJourney }> {
  const policy = await beginPolicy(journeys);
  await hire(policy.company.id, 2);
  await policy.toPublished();
  await wakeKeeper(journeys, policy);
  return { policy, workflowId: acknowledgementWorkflowId(policy.company.id, policy.id) };
}

async function paidBooking(
  journeys: Journeys,
  wish: Parameters<typeof beginBooking>[1] = {},
): Promise<BookingJourney> {
  const booking = await beginBooking(journeys, wish);
  await booking.pay();
  await booking.settled();
  return booking;
}

async function renewed(journeys: Journeys): Promise<Run> {
  const journey = await journeys.begin({ plan: shortPlan });
  const { expires_at: expiresAt } = await journey.row();
  await journeys.passUntil(instantOf(expiresAt) - 20 * dayMs);
  await journey.renew();
  await journey.end();
  return journey;
}

async function reported({ dispatcher, server }: Journeys): Promise<Run> {
  const author = await buildActor({
    companyId: (await buildCompany()).id,
    role: 'tenant_admin',
  });
  const wish = {
    name: 'All',
    reportType: 'policy_type_analysis',
    filters: {},
    format: 'json',
  } as const;
  const made = await as(author, () =>
    createReports({ dispatcher }).create(author, wish, once(author)),
  );
  if (made instanceof Replay) throw new Error('A first request is no replay');
  await dispatcher.drained();
  await server.temporal.client.workflow.getHandle(made.workflow.id).result();
  return { workflowId: made.workflow.id };
}

async function toldByWebhook({ server }: Journeys, outcome: WebhookOutcome): Promise<Run> {
  webhookOutcome = outcome;
  const start = await promisedWebhook();
  await server.temporal.start(start);
  await server.temporal.client.workflow.getHandle(start.workflowId).result();
  return start;
}

async function runJob({ server }: Journeys, job: string): Promise<Run> {
  const workflowId = scheduleWorkflowId(job);
  await server.temporal.client.workflow.execute(job, { workflowId, taskQueue: 'test-lifecycle' });
  return { workflowId };
}

if (isRecording) {
  describe('recording', () => {
    let journeys: Journeys;

    beforeAll(async () => {
      gateway = await openTestGateway();
      // The server that skips time knows no schedules, and lists nothing.
      const reportSchedules = reportSchedulesInMemory();
      journeys = await openJourneys(() =>
        openSkippingTemporal(() => ({
          reportSchedules,
          gateway: gateway.gateway,
          documents: { storage, scan },
          closedRuns: noClosedRuns(),
          webhooks: { send: async () => webhookOutcome, sealer: testSealer },
        })),
      );
    });

    afterEach(() => journeys.clear());

    afterAll(async () => {
      await journeys.close();
      await gateway.close();
    });

    it.each(Object.keys(paths))('writes %s', async (name) => {
      const run = await paths[name]?.(journeys);
      if (!run) throw new Error(`There is no path ${name}`);
      const { workflow } = journeys.server.temporal.client;
      const { raw, runId } = await workflow.getHandle(run.workflowId).describe();
      const { firstRunId } = raw.workflowExecutionInfo ?? {};
      if (!firstRunId) throw new Error(`The run of ${name} is unknown`);
      const handle = workflow.getHandle(run.workflowId, run.isLatest ? runId : firstRunId);
      // Stack traces name the folder of whoever recorded.
      const recorded = historyToJSON(await handle.fetchHistory());
      const history = recorded.replaceAll(`${projectDir}/`, '');

      const isNew = !existsSync(path.join(folder, `${name}.json`));
      const file = isNew ? `${name}.json` : `${name}@${new Date().toISOString().slice(0, 10)}.json`;
      writeFileSync(path.join(folder, file), `${history}\n`);

      expect(JSON.parse(history).events.length).toBeGreaterThan(5);
    });
  });
} else {
  describe('every recorded history', () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.json'));

    it('stands for a path that running workflows may have taken', () => {
      const recorded = new Set(files.map((file) => file.replace(/(@.*)?\.json$/, '')));
      expect([...recorded].toSorted()).toEqual(Object.keys(paths).toSorted());
    });

    it.each(files)('%s is replayed by the present workflows', async (file) => {
      await expect(replay(read(file))).resolves.toBeUndefined();
    });

    it.each(files)('%s fails to be replayed once a step of it is another one', async (file) => {
      const { events } = read(file);
      const step = events.find((event) => event.activityTaskScheduledEventAttributes);
      if (!step?.activityTaskScheduledEventAttributes) throw new Error(`${file} has no step`);
      step.activityTaskScheduledEventAttributes.activityType.name = 'anotherStep';

      await expect(replay({ events })).rejects.toThrow(/[Nn]ondeterminism|TMPRL1100/);
    });
  });
}

interface Event {
  readonly activityTaskScheduledEventAttributes?: { activityType: { name: string } };
}

const read = (file: string): { events: Event[] } =>
  JSON.parse(readFileSync(path.join(folder, file), 'utf8'));

const replay = (history: unknown): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle: { codePath: services().bundle } }, history);

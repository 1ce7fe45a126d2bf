import type Koa from 'koa';
import { checkTexts, offeredBy, sampleOf } from '../activities/companyTexts.ts';
import { platformTexts, rendering } from '../activities/templates.ts';
import type { DrawPdf } from '../commands/acknowledgementCertificate.ts';
import { createAcknowledgements } from '../commands/acknowledgements.ts';
import { createAcknowledgementTimelines } from '../commands/acknowledgementTimelines.ts';
import { createAlerts } from '../commands/alerts.ts';
import { createApiKeys } from '../commands/apiKeys.ts';
import { createAuth } from '../commands/auth.ts';
import { checkAudit } from '../commands/auditChecks.ts';
import { createAuditLogs } from '../commands/auditLogs.ts';
import { previewAcknowledgement } from '../commands/acknowledgementPreview.ts';
import { previewBooking } from '../commands/bookingPreview.ts';
import { createCampaigns } from '../commands/campaigns.ts';
import { createCategories } from '../commands/categories.ts';
import { createAvailability } from '../commands/availability.ts';
import { createBookings } from '../commands/bookings.ts';
import { createBookingTimelines } from '../commands/bookingTimelines.ts';
import { createBulkOperations } from '../commands/bulkOperations.ts';
import { createCalendars } from '../commands/calendars.ts';
import { createClaimExport } from '../commands/claimExport.ts';
import { createClaimHistories } from '../commands/claimHistories.ts';
import { createClaimLocations } from '../commands/claimLocations.ts';
import { createClaimNotes } from '../commands/claimNotes.ts';
import { previewClaim } from '../commands/claimPreview.ts';
import { createClaimRecoveries } from '../commands/claimRecoveries.ts';
import { createClaimReserves } from '../commands/claimReserves.ts';
import { createClaims } from '../commands/claims.ts';
import { createClaimTimelines } from '../commands/claimTimelines.ts';
import { createCompliancePolicies } from '../commands/compliancePolicies.ts';
import { createComplianceProgress } from '../commands/complianceProgress.ts';
import { createCompliances } from '../commands/compliances.ts';
import { createConfirming } from '../commands/confirming.ts';
import { createCompanies } from '../commands/companies.ts';
import { createCompanyAdministration } from '../commands/companyAdministration.ts';
import { createCustomerCompliances } from '../commands/customerCompliances.ts';
import { createCursors } from '../commands/cursors.ts';
import { createCustomers } from '../commands/customers.ts';
import { createDispatcher, outboxAge } from '../commands/dispatch.ts';
import { createDocumentLinks } from '../commands/documentLinks.ts';
import { createDocuments } from '../commands/documents.ts';
import { createDocumentTimelines } from '../commands/documentTimelines.ts';
import { createEmailChanges } from '../commands/emailChanges.ts';
import { createEmployeeImports } from '../commands/employeeImports.ts';
import { createEmployees } from '../commands/employees.ts';
import { createEvidencePacks } from '../commands/evidencePacks.ts';
import { createEndorsements } from '../commands/endorsements.ts';
import { createFactors } from '../commands/factors.ts';
import { createFraudFlags } from '../commands/fraudFlags.ts';
import { createHistories } from '../commands/histories.ts';
import { mostMailsAnHour } from '../commands/identity.ts';
import { createInvitations } from '../commands/invitations.ts';
import { createMemberships } from '../commands/memberships.ts';
import { createDomains } from '../commands/domains.ts';
import { createFlags } from '../commands/flags.ts';
import { createNotificationPreferences } from '../commands/notificationPreferences.ts';
import { createNotificationTemplates } from '../commands/notificationTemplates.ts';
import { createNotificationStreams } from '../commands/notificationStreams.ts';
import { createNotifications } from '../commands/notifications.ts';
import { createOverdueTimers } from '../commands/overdueTimers.ts';
import { createOwnCompany } from '../commands/ownCompany.ts';
import { linkingEmployees } from '../commands/ownEmployee.ts';
import { createOwnSessions } from '../commands/ownSessions.ts';
import { createPasswordChanges } from '../commands/passwordChanges.ts';
import { createPasswords } from '../commands/passwords.ts';
import { createPayments } from '../commands/payments.ts';
import { createPaymentTimelines } from '../commands/paymentTimelines.ts';
import { createPaymentWebhooks } from '../commands/paymentWebhooks.ts';
import { createPlans } from '../commands/plans.ts';
import { createPolicies } from '../commands/policies.ts';
import { createPolicyApprovalTimelines } from '../commands/policyApprovalTimelines.ts';
import { createPolicyChanges } from '../commands/policyChanges.ts';
import { createPolicyConfigurations } from '../commands/policyConfigurations.ts';
import { createPolicyDiffs } from '../commands/policyDiffs.ts';
import { createPolicyVersions } from '../commands/policyVersions.ts';
import { createPremiumInvoices } from '../commands/premiumInvoices.ts';
import { createPremiums } from '../commands/premiums.ts';
import { createPrivacy } from '../commands/privacy/privacy.ts';
import { createProperties } from '../commands/properties.ts';
import { createRegistrations } from '../commands/registrations.ts';
import { createRegistrationTimelines } from '../commands/registrationTimelines.ts';
import { createRunningBookings } from '../commands/runningBookings.ts';
import { createRunningClaims } from '../commands/runningClaims.ts';
import { createRunningTimers } from '../commands/runningTimers.ts';
import { previewPolicyApproval } from '../commands/policyApprovalPreview.ts';
import { previewSettings } from '../commands/settingsPreview.ts';
import { createReports } from '../commands/reports.ts';
import { createReportTimelines } from '../commands/reportTimelines.ts';
import { createReviews } from '../commands/reviews.ts';
import { createSessions } from '../commands/sessions.ts';
import { createStaging, createTableStaging } from '../commands/staging.ts';
import { previewSubscription } from '../commands/subscriptionPreview.ts';
import { createSubscriptions } from '../commands/subscriptions.ts';
import { openTemporal } from '../commands/temporal.ts';
import { createSubscriptionTimelines } from '../commands/subscriptionTimelines.ts';
import { createTemplates } from '../commands/templates.ts';
import { createTokens } from '../commands/tokens.ts';
import { createUsers } from '../commands/users.ts';
import { createTxtLookup, type ResolveTxt } from '../commands/txtRecords.ts';
import { createWebhookEndpoints } from '../commands/webhookEndpoints.ts';
import { createWorkerWatch } from '../commands/workerWatch.ts';
import { createWorkflowCommands } from '../commands/workflows.ts';
import { createWorkflowOperations } from '../commands/workflowOperations.ts';
import { createWorkflowDrifts } from '../commands/workflowDrifts.ts';
import { createWorkflowReplays } from '../commands/workflowReplays.ts';
import { createWorkflowSearch } from '../commands/workflowSearch.ts';
import { refuseOpenMetrics, type Config } from '../config.ts';
import { principalOf, runInContext } from '../context.ts';
import type { Logger } from '../logger.ts';
import { databaseMetrics } from '../metrics.ts';
import { openWebhooks } from '../gateways/openGateway.ts';
import { defineModels } from '../models/all.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { openDatabase, select, withGlobal, withIdentity } from '../models/database.ts';
import { memoryStore, postgresStore } from '../models/rateLimitStore.ts';
import { createLinks } from '../models/secretLinks.ts';
import { openStorage } from '../storage/storage.ts';
import { createApp } from './app.ts';
import { readEmployeeLine } from './employees/schema.ts';
import type { OnDenied } from './middleware/errors.ts';
import { createMetrics } from './middleware/metrics.ts';
import { createRateLimits } from './middleware/rateLimits.ts';
import { eventText } from './notifications/present.ts';
import { resourceRoutes } from './routes.ts';
import type { Lifecycle } from './server.ts';
import type { RequestState } from './state.ts';

export interface Api {
  readonly app: Koa<RequestState>;
  readonly lifecycle: Lifecycle;
  /** One look whether workers ask for work; raises an alert where none does. */
  readonly watchWorkers: () => Promise<void>;
  /** Before the server stops: what never ends by itself is not waited for. */
  endStreams(): void;
  /** After the server has stopped: lets what is under way end, then closes the connections. */
  close(): Promise<void>;
}

/** The whole API on its dependencies, not listening yet. One in a process: it opens the database. */
export async function composeApi({
  config,
  moduleLog,
  access,
  version,
  resolveTxt = createTxtLookup(),
}: {
  readonly config: Config;
  readonly moduleLog: (name: string) => Logger;
  readonly access: Logger;
  readonly version: string;
  /** How DNS is asked; a test answers itself. */
  readonly resolveTxt?: ResolveTxt | undefined;
}): Promise<Api> {
  refuseOpenMetrics(config);
  const metrics = createMetrics();
  const figures = databaseMetrics(metrics, moduleLog('database'), {
    isEchoed: config.database.echo,
  });
  const database = openDatabase(
    {
      url: config.database.url,
      poolMax: config.database.poolMax,
      acquireTimeoutMs: config.database.acquireTimeoutMs,
      statementTimeoutMs: 5000,
      applicationName: 'surety-api',
      onQuery: figures.onQuery,
    },
    defineModels,
  );
  figures.watchPool(database);
  const temporal = openTemporal(config);
  const dispatcher = createDispatcher({ temporal, log: moduleLog('dispatch') });
  const workflows = createWorkflowCommands(temporal);
  const tokens = createTokens(config);
  const sessions = createSessions();
  const apiKeys = createApiKeys({ config, log: moduleLog('identity') });
  const companies = createCompanies(config);
  const flags = createFlags();
  const passwords = createPasswords(config);
  const { dispatch } = dispatcher;
  const links = createLinks(config);
  const confirming = createConfirming({ links, dispatch });
  const ownCompany = createOwnCompany({ companies });
  const policies = createPolicies();
  const registrations = createRegistrations({ config, passwords, links, dispatcher, workflows });
  const factors = createFactors({ config, passwords });
  const { rateLimits: limits } = config;
  const counted = limits.store === 'postgres' ? postgresStore(config.database.url) : memoryStore();
  const linkEmployee = linkingEmployees((error) =>
    moduleLog('identity').warn({ err: error }, 'an employee is linked at the next sign-in'),
  );
  const auth = createAuth({
    config,
    passwords,
    tokens,
    sessions,
    companies,
    factors,
    dispatch,
    countAddress: counted.counter({
      name: 'known-address',
      points: mostMailsAnHour,
      seconds: 3600,
    }),
    linkEmployee,
    onAdministrator: (userId, companyId) =>
      void registrations
        .noteSignIn(userId, companyId)
        .catch((error: unknown) =>
          moduleLog('identity').warn({ err: error }, 'the first sign-in is noted later'),
        ),
  });
  const timelines = createSubscriptionTimelines({ temporal, workflows });
  const overdueTimers = createOverdueTimers();
  const cursors = createCursors(config);
  const workflowSearch = createWorkflowSearch({ temporal, companies, cursors });
  const notificationStreams = createNotificationStreams({
    sessions,
    url: config.database.url,
    log: moduleLog('notifications'),
    inWords: eventText,
  });
  const lifecycle: Lifecycle = { isStopping: false };
  const hasGateway = config.payments.gateway !== undefined;
  const documentLinks = createDocumentLinks(config);

  const app = createApp({
    config,
    log: moduleLog('http'),
    access,
    metrics,
    about: { name: config.appName, version, features: flags.features },
    probes: {
      database: async () => {
        await withGlobal(() => select('SELECT 1'));
        return {};
      },
      temporal: async () => {
        await temporal.connection.withDeadline(Date.now() + 2000, () =>
          temporal.connection.workflowService.getSystemInfo({}),
        );
        return { namespace: config.temporal.namespace };
      },
      workers: async () => {
        const pollers = await temporal.pollers();
        if (pollers === 0) throw new Error('no worker asks for work');
        return { pollers };
      },
      outbox: async () => ({ oldest_seconds: await outboxAge() }),
      timers: async () => ({ overdue: await overdueTimers() }),
      audit: auditPartitions,
    },
    // Without Temporal creations still answer 201, so the API stays in service.
    vital: ['database'],
    watched: ['audit'],
    lifecycle,
    tokens,
    sessions,
    apiKeys,
    companies,
    onDenied: recordDenial,
    rateLimits: limits.isOn
      ? createRateLimits({ limits, store: counted, fallback: memoryStore(), registry: metrics })
      : undefined,
    routes: resourceRoutes({
      apiKeys,
      auth,
      alerts: createAlerts(),
      auditLogs: createAuditLogs({ cursors }),
      availability: createAvailability(),
      bookings: createBookings({ dispatcher, workflows, hasGateway }),
      bookingTimelines: createBookingTimelines({ temporal, workflows }),
      calendars: createCalendars(),
      categories: createCategories(),
      claimHistories: createClaimHistories(),
      exportClaim: createClaimExport({ links: documentLinks }),
      claimTimelines: createClaimTimelines({ temporal, workflows }),
      claims: createClaims({ dispatcher, workflows }),
      claimLocations: createClaimLocations(),
      claimNotes: createClaimNotes(),
      claimRecoveries: createClaimRecoveries(),
      claimReserves: createClaimReserves(),
      companyAdministration: createCompanyAdministration({ companies, ownCompany, policies }),
      compliancePolicies: createCompliancePolicies({ dispatcher, workflows }),
      compliances: createCompliances(),
      customerCompliances: createCustomerCompliances(),
      acknowledgements: createAcknowledgements({ drawPdf }),
      campaigns: createCampaigns(),
      complianceProgress: createComplianceProgress(),
      evidencePacks: createEvidencePacks(),
      customers: createCustomers(),
      devMailDir: config.devMailDir,
      documents: createDocuments({
        storage: await openStorage(config.documents),
        links: documentLinks,
        dispatcher,
      }),
      stage: createStaging(config.documents.folder),
      stageTable: createTableStaging(config.documents.folder),
      employees: createEmployees(),
      employeeImports: createEmployeeImports({ readLine: readEmployeeLine }),
      endorsements: createEndorsements({ workflows }),
      factors,
      emailChanges: createEmailChanges({ links, passwords, dispatch }),
      fraudFlags: createFraudFlags(),
      histories: createHistories({ policies }),
      invitations: createInvitations({ links, passwords, dispatch, linkEmployee }),
      memberships: createMemberships({ confirming }),
      keySet: tokens.keySet,
      domains: createDomains({ config, companies, resolveTxt }),
      flags,
      notificationPreferences: createNotificationPreferences(),
      notificationTemplates: createNotificationTemplates({
        platformTexts,
        checkTexts,
        offeredBy,
        sampleOf,
        rendering,
      }),
      notifications: createNotifications({ cursors, rendering }),
      notificationStreams,
      ownCompany,
      ownSessions: createOwnSessions({ sessions }),
      passwordChanges: createPasswordChanges({ links, passwords, sessions, dispatch }),
      payments: createPayments({ dispatcher, hasGateway }),
      paymentTimelines: createPaymentTimelines({ temporal, workflows }),
      paymentWebhooks: createPaymentWebhooks({
        dispatcher,
        webhooks: openWebhooks(config),
      }),
      plans: createPlans(),
      policies,
      policyApprovalTimelines: createPolicyApprovalTimelines({ temporal, workflows }),
      acknowledgementTimelines: createAcknowledgementTimelines(temporal),
      policyConfigurations: createPolicyConfigurations({ dispatch }),
      policyDiffs: createPolicyDiffs(),
      policyVersions: createPolicyVersions({ dispatcher, workflows }),
      policyChanges: createPolicyChanges({ dispatcher, workflows }),
      premiumInvoices: createPremiumInvoices({ workflows, hasGateway }),
      premiums: createPremiums({ flags }),
      prefix: config.apiPrefix,
      properties: createProperties(),
      privacy: createPrivacy({ sessions }),
      registrations,
      reviews: createReviews(),
      runningBookings: createRunningBookings({ workflows }),
      runningClaims: createRunningClaims({ workflows }),
      runningTimers: createRunningTimers({ workflows }),
      settingsPreview: previewSettings,
      registrationTimelines: createRegistrationTimelines({ temporal, workflows }),
      reports: createReports({ dispatcher }),
      documentTimelines: createDocumentTimelines(temporal),
      reportTimelines: createReportTimelines(temporal),
      subscriptions: createSubscriptions({ dispatcher, workflows }),
      templates: createTemplates({ dispatch }),
      timelines,
      verifyAudit: checkAudit,
      webhookEndpoints: createWebhookEndpoints({ config, dispatch }),
      workflowOperations: createWorkflowOperations({ temporal, workflows, dispatcher }),
      workflowDrifts: createWorkflowDrifts({ temporal, dispatcher }),
      workflowPreviews: {
        claim: previewClaim,
        subscription: previewSubscription,
        booking: previewBooking,
        'policy-approval': previewPolicyApproval,
        acknowledgement: previewAcknowledgement,
      },
      workflowSearch,
      bulkOperations: createBulkOperations({ search: workflowSearch, dispatcher }),
      workflowReplays: createWorkflowReplays({ temporal }),
      users: createUsers({ links, sessions, dispatch, confirming }),
    }),
  });

  return {
    app,
    lifecycle,
    watchWorkers: createWorkerWatch(temporal),
    endStreams: () => notificationStreams.endAll(),
    async close() {
      await notificationStreams.stop();
      sessions.close();
      await apiKeys.close();
      await dispatcher.drained();
      await counted.close();
      await temporal.close();
      await database.close();
    },
  };
}

/** Rows in the default partition mean that the nightly job no longer makes the months ahead. */
async function auditPartitions(): Promise<Readonly<Record<string, unknown>>> {
  const [found] = await withGlobal(() =>
    select<{ stray: boolean }>(`SELECT pg_relation_size('core.audit_logs_default') > 0 AS stray`),
  );
  if (found?.stray) throw new Error('audit lines fall into the default partition');
  return {};
}

/** A denial is an event of its own; the request's transaction is gone by now. */
const recordDenial: OnDenied = async (refusal, request) => {
  const { actor, companyId, requestId, ip, userAgent } = request;
  await runInContext(
    {
      requestId,
      actorId: actor ? principalOf(actor) : null,
      actorType: actor?.type ?? 'system',
      ip,
      userAgent,
    },
    () =>
      withIdentity(companyId ?? null, async () => {
        AuditLog.record(
          'ACCESS_DENIED',
          { type: 'route', id: null },
          {
            after: {
              code: refusal.code,
              route: `${request.method} ${request.route ?? 'unknown'}`,
              permission: request.permission ?? null,
              object_id: request.objectId ?? null,
            },
          },
        );
      }),
  );
};

/** Its library takes a third of a second and 25 MB, which is not paid before the first certificate. */
const drawPdf: DrawPdf = async (letter) =>
  (await import('../activities/letterPdf.ts')).letterPdf(letter);

import { foundation } from './0001Foundation.ts';
import { identity } from './0002Identity.ts';
import { catalogue } from './0003Catalogue.ts';
import { subscriptions } from './0004Subscriptions.ts';
import { retention } from './0005Retention.ts';
import { frozenTerms } from './0006FrozenTerms.ts';
import { search } from './0007Search.ts';
import { administration } from './0008Administration.ts';
import { onboarding } from './0009Onboarding.ts';
import { people } from './0010People.ts';
import { companySettings } from './0011CompanySettings.ts';
import { apiKeys } from './0012ApiKeys.ts';
import { auditSeals } from './0013AuditSeals.ts';
import { businessSchemas } from './0014BusinessSchemas.ts';
import { privacy } from './0016Privacy.ts';
import { overdueTimers } from './0017OverdueTimers.ts';
import { oneCompany } from './0018OneCompany.ts';
import { auditRetention } from './0019AuditRetention.ts';
import { numberSlots } from './0020NumberSlots.ts';
import { policies } from './0021Policies.ts';
import { claims } from './0022Claims.ts';
import { claimRecords } from './0023ClaimRecords.ts';
import { payments } from './0024Payments.ts';
import { documents } from './0025Documents.ts';
import { reports } from './0026Reports.ts';
import { claimPrivacy } from './0027ClaimPrivacy.ts';
import { billing } from './0028Billing.ts';
import { claimWords } from './0030ClaimSearch.ts';
import { claimLists } from './0031ClaimLists.ts';
import { adjusterSkills } from './0032AdjusterSkills.ts';
import { peopleAndDomains } from './0033PeopleAndDomains.ts';
import { workflowDrifts } from './0034WorkflowDrifts.ts';
import { bulkOperations } from './0035BulkOperations.ts';
import { alerts } from './0036Alerts.ts';
import { runs } from './0037Runs.ts';
import { employees } from './0038Employees.ts';
import { complianceCatalogue } from './0039ComplianceCatalogue.ts';
import { notificationPreferences } from './0040NotificationPreferences.ts';
import { notificationTemplates } from './0041NotificationTemplates.ts';
import { webhookEndpoints } from './0042WebhookEndpoints.ts';
import { compliancePolicies } from './0043CompliancePolicies.ts';
import { acknowledgements } from './0044Acknowledgements.ts';
import { notificationHints } from './0045NotificationHints.ts';
import { mailDigests } from './0046MailDigests.ts';
import { complianceProgress } from './0047ComplianceProgress.ts';
import { acknowledgementRuns } from './0048AcknowledgementRuns.ts';
import { webhookRetention } from './0049WebhookRetention.ts';
import { campaigns } from './0050Campaigns.ts';
import { bookings } from './0051Bookings.ts';
import { auditYears } from './0053AuditYears.ts';
import { ownPropertySearch } from './0055OwnPropertySearch.ts';
import { managerTold } from './0057ManagerTold.ts';
import { auditTerms } from './0058AuditTerms.ts';
import { policyAsking } from './0062PolicyAsking.ts';
import { auditYearsOfAll } from './0065AuditYearsOfAll.ts';
import { suspendedCompanies } from './0066SuspendedCompanies.ts';
import { askingNumber } from './0071AskingNumber.ts';
import { answeredCounts } from './0072AnsweredCounts.ts';
import { gatheredMails } from './0073GatheredMails.ts';
import { joiningPeople } from './0074JoiningPeople.ts';
import { returnedStays } from './0075ReturnedStays.ts';
import { holdKinds } from './0077HoldKinds.ts';
import { templateHashes } from './0080TemplateHashes.ts';
import { changedCampaigns } from './0081ChangedCampaigns.ts';
import { unsetFlags } from './0087UnsetFlags.ts';
import { boundedSearch } from './0091BoundedSearch.ts';
import { frequentPolicySearch } from './0092FrequentPolicySearch.ts';
import { declinedRegistrations } from './0093DeclinedRegistrations.ts';
import { outboxAlerts } from './0094OutboxAlerts.ts';
import { applicants } from './0095Applicants.ts';

/** SQL that runs as the owner; several statements, one transaction for the whole run. */
export interface Migration {
  readonly name: string;
  readonly up?: string;
  readonly down?: string;
  /**
   * For every schema that holds business tables, after `up` and before `down`: `shared` together with
   * them, the schemas of companies one by one. It names no schema for what it makes and changes there,
   * and may rely on nothing else than what the first `up` of its kind had made.
   */
  readonly business?: { readonly up: string; readonly down: string };
}

/** In the order in which they run. A landed migration is never edited. */
export const migrations: readonly Migration[] = [
  foundation,
  identity,
  catalogue,
  subscriptions,
  retention,
  frozenTerms,
  search,
  administration,
  onboarding,
  people,
  companySettings,
  apiKeys,
  auditSeals,
  businessSchemas,
  privacy,
  overdueTimers,
  oneCompany,
  auditRetention,
  numberSlots,
  policies,
  claims,
  claimRecords,
  payments,
  documents,
  reports,
  claimPrivacy,
  billing,
  claimWords,
  claimLists,
  adjusterSkills,
  peopleAndDomains,
  workflowDrifts,
  bulkOperations,
  alerts,
  runs,
  employees,
  complianceCatalogue,
  notificationPreferences,
  notificationTemplates,
  webhookEndpoints,
  compliancePolicies,
  acknowledgements,
  notificationHints,
  mailDigests,
  complianceProgress,
  acknowledgementRuns,
  webhookRetention,
  campaigns,
  bookings,
  auditYears,
  ownPropertySearch,
  managerTold,
  auditTerms,
  policyAsking,
  auditYearsOfAll,
  suspendedCompanies,
  askingNumber,
  answeredCounts,
  gatheredMails,
  joiningPeople,
  returnedStays,
  holdKinds,
  templateHashes,
  changedCampaigns,
  unsetFlags,
  boundedSearch,
  frequentPolicySearch,
  declinedRegistrations,
  outboxAlerts,
  applicants,
];

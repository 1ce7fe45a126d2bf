/**
 * What GraphQL can ask for: each operation is a declared route under another name, so that access,
 * validation, repetition and presentation are the route's. A route that changes nothing is a query.
 */
export const queries = {
  me: 'GET /auth/me',
  users: 'GET /users',
  user: 'GET /users/:id',

  categories: 'GET /categories',
  category: 'GET /categories/:id',
  plans: 'GET /plans',
  plan: 'GET /plans/:id',
  quote: 'POST /plans/:id/quote',

  subscriptions: 'GET /subscriptions',
  subscription: 'GET /subscriptions/:id',
  subscriptionInvoices: 'GET /subscriptions/:id/invoices',
  subscriptionTimeline: 'GET /subscriptions/:id/timeline',
  previewCancellation: 'POST /subscriptions/:id/cancel/preview',
  previewEndorsement: 'POST /subscriptions/:id/endorse/preview',

  policies: 'GET /policies',
  policy: 'GET /policies/:id',
  searchPolicies: 'GET /policies/search',
  policyVersions: 'GET /policies/:id/versions',
  policyTimeline: 'GET /policies/:id/timeline',
  premium: 'POST /policies/calculate-premium',

  claims: 'GET /claims',
  claim: 'GET /claims/:id',
  claimHistory: 'GET /claims/:id/history',
  claimTransitions: 'GET /claims/:id/allowed-transitions',
  claimDelegates: 'GET /claims/:id/approval-delegates',
  claimTimeline: 'GET /claims/:id/timeline',
  claimExplanation: 'GET /claims/:id/explain',

  payments: 'GET /payments',
  payment: 'GET /payments/:id',
  paymentTimeline: 'GET /payments/:id/timeline',
  ledger: 'GET /ledger',

  compliances: 'GET /compliances',
  compliance: 'GET /compliances/:id',
  customerCompliances: 'GET /customer-compliance',
  customerCompliance: 'GET /customer-compliance/:id',
  complianceProgress: 'GET /compliance/progress',

  compliancePolicy: 'GET /compliance-policies/:id',
  compliancePolicies: 'GET /compliance-policies',
  compliancePolicyApprovals: 'GET /compliance-policies/:id/approvals',
  compliancePolicyVersions: 'GET /compliance-policies/:id/versions',
  compliancePolicyVersion: 'GET /compliance-policies/:id/versions/:number',
  compliancePolicyDiff: 'GET /compliance-policies/:id/versions/:number/diff',

  acknowledgements: 'GET /acknowledgements',
  myAcknowledgements: 'GET /acknowledgements/mine',
  acknowledgement: 'GET /acknowledgements/:id',
  acknowledgementHistory: 'GET /acknowledgements/:id/history',

  campaigns: 'GET /campaigns',
  campaign: 'GET /campaigns/:id',
  campaignProgress: 'GET /campaigns/:id/progress',

  employees: 'GET /employees',
  employee: 'GET /employees/:id',
  customers: 'GET /customers',
  customer: 'GET /customers/:id',

  reports: 'GET /reports',
  report: 'GET /reports/:id',
} as const;

export const mutations = {
  createUser: 'POST /users',
  updateUser: 'PATCH /users/:id',
  archiveUser: 'DELETE /users/:id',
  restoreUser: 'POST /users/:id/restore',

  createCategory: 'POST /categories',
  updateCategory: 'PATCH /categories/:id',
  archiveCategory: 'DELETE /categories/:id',
  restoreCategory: 'POST /categories/:id/restore',

  createPlan: 'POST /plans',
  updatePlan: 'PATCH /plans/:id',
  archivePlan: 'DELETE /plans/:id',
  restorePlan: 'POST /plans/:id/restore',

  subscribe: 'POST /subscriptions',
  cancelSubscription: 'PATCH /subscriptions/:id/cancel',
  renewSubscription: 'POST /subscriptions/:id/renew',
  setAutoRenew: 'PATCH /subscriptions/:id/auto-renew',
  endorseSubscription: 'POST /subscriptions/:id/endorse',
  paySubscription: 'POST /subscriptions/:id/pay',
  reinstateSubscription: 'POST /subscriptions/:id/reinstate',

  issuePolicy: 'POST /policies',
  updatePolicy: 'PATCH /policies/:id',
  renewPolicy: 'POST /policies/:id/renew',
  archivePolicy: 'DELETE /policies/:id',
  restorePolicy: 'POST /policies/:id/restore',

  reportClaim: 'POST /claims',
  updateClaim: 'PATCH /claims/:id',
  archiveClaim: 'DELETE /claims/:id',
  assignClaim: 'POST /claims/:id/assign',
  updateClaimStatus: 'PUT /claims/:id/update-status',
  requestClaimDocuments: 'POST /claims/:id/request-documents',
  approveClaim: 'POST /claims/:id/approve',
  denyClaim: 'POST /claims/:id/deny',
  markClaimDuplicate: 'POST /claims/:id/mark-duplicate',
  delegateClaimApproval: 'POST /claims/:id/delegate-approval',
  returnClaim: 'POST /claims/:id/return',
  holdClaim: 'POST /claims/:id/hold',
  releaseClaim: 'POST /claims/:id/release',
  withdrawClaim: 'POST /claims/:id/withdraw',
  appealClaim: 'POST /claims/:id/appeal',
  reopenClaim: 'POST /claims/:id/reopen',

  refundPayment: 'POST /payments/:id/refund',

  createCompliance: 'POST /compliances',
  updateCompliance: 'PATCH /compliances/:id',
  archiveCompliance: 'DELETE /compliances/:id',
  restoreCompliance: 'POST /compliances/:id/restore',

  createCustomerCompliance: 'POST /customer-compliance',
  planCustomerAudit: 'PATCH /customer-compliance/:id',
  completeCustomerAudit: 'POST /customer-compliance/:id/complete-audit',
  archiveCustomerCompliance: 'DELETE /customer-compliance/:id',
  restoreCustomerCompliance: 'POST /customer-compliance/:id/restore',

  createCompliancePolicy: 'POST /compliance-policies',
  updateCompliancePolicy: 'PATCH /compliance-policies/:id',
  archiveCompliancePolicy: 'DELETE /compliance-policies/:id',
  restoreCompliancePolicy: 'POST /compliance-policies/:id/restore',
  submitCompliancePolicy: 'POST /compliance-policies/:id/submit',
  approveCompliancePolicy: 'POST /compliance-policies/:id/approve',
  rejectCompliancePolicy: 'POST /compliance-policies/:id/reject',
  publishCompliancePolicy: 'POST /compliance-policies/:id/publish',
  unpublishCompliancePolicy: 'POST /compliance-policies/:id/unpublish',
  retireCompliancePolicy: 'POST /compliance-policies/:id/retire',
  acceptCompliancePolicyUpdate: 'POST /compliance-policies/:id/accept-update',
  createCompliancePolicyVersion: 'POST /compliance-policies/:id/versions',
  discardCompliancePolicyVersion: 'DELETE /compliance-policies/:id/versions/:number',

  requestAcknowledgements: 'POST /acknowledgements',
  moveAcknowledgement: 'PATCH /acknowledgements/:id',
  acknowledge: 'POST /acknowledgements/:id/acknowledge',
  declineAcknowledgement: 'POST /acknowledgements/:id/decline',
  requestExemption: 'POST /acknowledgements/:id/request-exemption',
  decideExemption: 'POST /acknowledgements/:id/decide-exemption',
  remindAcknowledgement: 'POST /acknowledgements/:id/remind',

  createCampaign: 'POST /campaigns',
  updateCampaign: 'PATCH /campaigns/:id',
  archiveCampaign: 'DELETE /campaigns/:id',
  restoreCampaign: 'POST /campaigns/:id/restore',
  launchCampaign: 'POST /campaigns/:id/launch',
  pauseCampaign: 'POST /campaigns/:id/pause',
  resumeCampaign: 'POST /campaigns/:id/resume',
  cancelCampaign: 'POST /campaigns/:id/cancel',

  createEmployee: 'POST /employees',
  updateEmployee: 'PATCH /employees/:id',
  archiveEmployee: 'DELETE /employees/:id',
  restoreEmployee: 'POST /employees/:id/restore',
  noteLeave: 'POST /employees/:id/leave',
  noteReturn: 'POST /employees/:id/return',

  createCustomer: 'POST /customers',
  updateCustomer: 'PATCH /customers/:id',
  archiveCustomer: 'DELETE /customers/:id',
  restoreCustomer: 'POST /customers/:id/restore',

  createReport: 'POST /reports',
  replaceReport: 'PUT /reports/:id',
  archiveReport: 'DELETE /reports/:id',
  generateReport: 'POST /reports/:id/generate',
} as const;

/**
 * Types known by another name than their schema's id, and those without an id that are not called
 * after the first operation that answers them (`claims` answers `Claim`).
 */
export const typeNames: Readonly<Record<string, string>> = {
  Plan: 'InsurancePlan',
  Category: 'PropertyCategory',
  Person: 'User',
  EmployeeManagerStatus: 'EmployeeStatus',
  User: 'Account',
  PreviewCancellation: 'CancellationPreview',
  PreviewEndorsement: 'EndorsementPreview',
  SubscriptionInvoice: 'PremiumInvoice',
  SubscriptionTimeline: 'Timeline',
  IssuePolicy: 'IssuedPolicy',
  RenewPolicy: 'RenewedPolicy',
};

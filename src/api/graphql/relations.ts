/** A field that leads to another type: `by` is the field that holds the id, in snake_case. */
export interface Relation {
  readonly by: string;
  /** What it leads to is loaded and shown as this route does it, for whoever may use the route. */
  readonly route: string;
  /** Of the route, where the id goes; `id` unless told. */
  readonly parameter?: string;
}

const ofPolicy = {
  insuredProperty: { by: 'insured_property_id', route: 'GET /properties/:id' },
  subscription: { by: 'subscription_id', route: 'GET /subscriptions/:id' },
  user: { by: 'user_id', route: 'GET /users/:id' },
  claims: { by: 'id', route: 'GET /policies/:id/claims' },
} as const;

const ofUser = {
  subscriptions: { by: 'id', route: 'GET /subscriptions', parameter: 'user_id' },
  properties: { by: 'id', route: 'GET /properties', parameter: 'owner_id' },
  bookings: { by: 'id', route: 'GET /bookings', parameter: 'guest_id' },
  reviews: { by: 'id', route: 'GET /users/:id/reviews' },
} as const;

const ofReview = {
  property: { by: 'property_id', route: 'GET /properties/:id' },
  booking: { by: 'booking_id', route: 'GET /bookings/:id' },
  reviewer: { by: 'reviewer_id', route: 'GET /users/:id' },
} as const;

const ofAcknowledgement = {
  policy: { by: 'policy_id', route: 'GET /compliance-policies/:id' },
  employee: { by: 'employee_id', route: 'GET /employees/:id' },
  customer: { by: 'customer_id', route: 'GET /customers/:id' },
} as const;

const ofCampaign = { policy: { by: 'policy_id', route: 'GET /compliance-policies/:id' } } as const;

/**
 * By type: where its fields lead. A list route leads to the rows of each, the newest first; its declaration
 * says by `ofEach` which parameters it can be. All of one level of a query is loaded at once.
 */
export const relations: Readonly<Record<string, Readonly<Record<string, Relation>>>> = {
  Account: ofUser,
  User: ofUser,
  PropertyCategory: { plans: { by: 'id', route: 'GET /plans', parameter: 'property_category' } },
  InsurancePlan: { category: { by: 'property_category_id', route: 'GET /categories/:id' } },
  Quote: { plan: { by: 'plan_id', route: 'GET /plans/:id' } },
  Subscription: {
    plan: { by: 'insurance_plan_id', route: 'GET /plans/:id' },
    insuredProperty: { by: 'insured_property_id', route: 'GET /properties/:id' },
    policy: { by: 'policy_id', route: 'GET /policies/:id' },
    user: { by: 'user_id', route: 'GET /users/:id' },
  },
  Policy: ofPolicy,
  IssuedPolicy: ofPolicy,
  RenewedPolicy: ofPolicy,
  Claim: {
    policy: { by: 'policy_id', route: 'GET /policies/:id' },
    assignee: { by: 'assigned_to', route: 'GET /users/:id' },
    payments: { by: 'id', route: 'GET /payments', parameter: 'claim_id' },
  },
  Payment: {
    claim: { by: 'claim_id', route: 'GET /claims/:id' },
    booking: { by: 'booking_id', route: 'GET /bookings/:id' },
    refundOf: { by: 'parent_payment_id', route: 'GET /payments/:id' },
    user: { by: 'user_id', route: 'GET /users/:id' },
  },
  Property: {
    owner: { by: 'owner_id', route: 'GET /users/:id' },
    category: { by: 'category_id', route: 'GET /categories/:id' },
    bookings: { by: 'id', route: 'GET /bookings', parameter: 'property_id' },
    reviews: { by: 'id', route: 'GET /properties/:id/reviews' },
  },
  Booking: {
    property: { by: 'property_id', route: 'GET /properties/:id' },
    guest: { by: 'guest_id', route: 'GET /users/:id' },
    host: { by: 'host_id', route: 'GET /users/:id' },
    payment: { by: 'payment_id', route: 'GET /payments/:id' },
    refund: { by: 'refund_id', route: 'GET /payments/:id' },
  },
  Review: ofReview,
  ReportedReview: ofReview,
  CustomerCompliance: {
    customer: { by: 'customer_id', route: 'GET /customers/:id' },
    compliance: { by: 'compliance_id', route: 'GET /compliances/:id' },
  },
  Acknowledgement: ofAcknowledgement,
  AcknowledgementDetail: ofAcknowledgement,
  Campaign: ofCampaign,
  ChangedCampaign: ofCampaign,
  Customer: { employees: { by: 'id', route: 'GET /employees', parameter: 'customer_id' } },
  Employee: {
    customer: { by: 'customer_id', route: 'GET /customers/:id' },
    manager: { by: 'manager_id', route: 'GET /employees/:id' },
    user: { by: 'user_id', route: 'GET /users/:id' },
  },
};

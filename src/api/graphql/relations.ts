/** A field that leads to another type: `by` is the field that holds the id, in snake_case. */
export interface Relation {
  readonly by: string;
  /** What it leads to is loaded and shown as this route does it, for whoever may use the route. */
  readonly route: string;
}

const ofPolicy = {
  subscription: { by: 'subscription_id', route: 'GET /subscriptions/:id' },
  user: { by: 'user_id', route: 'GET /users/:id' },
  claims: { by: 'id', route: 'GET /policies/:id/claims' },
} as const;

const ofAcknowledgement = {
  policy: { by: 'policy_id', route: 'GET /compliance-policies/:id' },
  employee: { by: 'employee_id', route: 'GET /employees/:id' },
  customer: { by: 'customer_id', route: 'GET /customers/:id' },
} as const;

/**
 * By type: where its fields lead. A list route leads to the rows of each, the newest first; its declaration
 * says by `ofEach` what the id is of. All of one level of a query is loaded at once.
 */
export const relations: Readonly<Record<string, Readonly<Record<string, Relation>>>> = {
  Account: { subscriptions: { by: 'id', route: 'GET /subscriptions' } },
  User: { subscriptions: { by: 'id', route: 'GET /subscriptions' } },
  PropertyCategory: { plans: { by: 'id', route: 'GET /plans' } },
  InsurancePlan: { category: { by: 'property_category_id', route: 'GET /categories/:id' } },
  Quote: { plan: { by: 'plan_id', route: 'GET /plans/:id' } },
  Subscription: {
    plan: { by: 'insurance_plan_id', route: 'GET /plans/:id' },
    policy: { by: 'policy_id', route: 'GET /policies/:id' },
    user: { by: 'user_id', route: 'GET /users/:id' },
  },
  Policy: ofPolicy,
  IssuedPolicy: ofPolicy,
  RenewedPolicy: ofPolicy,
  Claim: {
    policy: { by: 'policy_id', route: 'GET /policies/:id' },
    assignee: { by: 'assigned_to', route: 'GET /users/:id' },
    payments: { by: 'id', route: 'GET /payments' },
  },
  Payment: {
    claim: { by: 'claim_id', route: 'GET /claims/:id' },
    refundOf: { by: 'parent_payment_id', route: 'GET /payments/:id' },
    user: { by: 'user_id', route: 'GET /users/:id' },
  },
  CustomerCompliance: {
    customer: { by: 'customer_id', route: 'GET /customers/:id' },
    compliance: { by: 'compliance_id', route: 'GET /compliances/:id' },
  },
  Acknowledgement: ofAcknowledgement,
  AcknowledgementDetail: ofAcknowledgement,
  Campaign: { policy: { by: 'policy_id', route: 'GET /compliance-policies/:id' } },
  Customer: { employees: { by: 'id', route: 'GET /employees' } },
  Employee: {
    customer: { by: 'customer_id', route: 'GET /customers/:id' },
    manager: { by: 'manager_id', route: 'GET /employees/:id' },
    user: { by: 'user_id', route: 'GET /users/:id' },
  },
};

import type { CustomerView } from '../../commands/customers.ts';

export const presentCustomer = (customer: CustomerView) => ({
  id: customer.id,
  name: customer.name,
  subscription_type: customer.subscriptionType,
  is_self: customer.isSelf,
  contact_email: customer.contactEmail,
  created_at: customer.createdAt.toISOString(),
  updated_at: customer.updatedAt.toISOString(),
  archived_at: customer.archivedAt?.toISOString() ?? null,
  version: customer.version,
});

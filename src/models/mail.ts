import { v7 as uuid } from 'uuid';
import { notificationWorkflowId } from '../rules/workflowIds.ts';
import { Notification, type TemplateCode } from './Notification.ts';
import { OutboxEntry, type WorkflowStart } from './OutboxEntry.ts';

export interface NotificationDeliveryInput {
  readonly v: 1;
  readonly companyId: string;
  readonly notificationId: string;
}

/**
 * Promises, with the open transaction, one mail that belongs to no other workflow. To an address it
 * calls nobody by name: whoever gets it may not be the one who typed the name.
 * @param mail.key where the same event may come twice; a second row then breaks the unique key
 * @returns the start of its delivery, to dispatch after the commit
 */
export function queueMail({
  companyId,
  to,
  template,
  payload = {},
  key = `mail/${uuid()}/${template}/1`,
}: {
  readonly companyId: string;
  readonly to: { readonly address: string } | { readonly userId: string };
  readonly template: TemplateCode;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly key?: string;
}): WorkflowStart {
  const notificationId = Notification.queue({
    to: { channel: 'email', ...to },
    template,
    payload,
    key,
    about: { type: 'company', id: companyId },
  });
  const input: NotificationDeliveryInput = { v: 1, companyId, notificationId };
  return OutboxEntry.promise({
    companyId,
    entityType: 'notification',
    entityId: notificationId,
    workflowType: 'notificationDelivery',
    workflowId: notificationWorkflowId(companyId, notificationId),
    input,
    summary: `Mail: ${template.replaceAll('_', ' ')}`,
    attributes: { CompanyId: companyId, EntityType: 'notification', EntityId: notificationId },
  });
}

import { v7 as uuid } from 'uuid';
import { Notification, type TemplateCode } from '../models/Notification.ts';
import { OutboxEntry, type WorkflowStart } from '../models/OutboxEntry.ts';
import { notificationWorkflowId } from '../rules/workflowIds.ts';
import type { NotificationDeliveryInput } from '../workflows/notificationDelivery.ts';

/**
 * Promises, with the open transaction, one mail that belongs to no other workflow. It goes to an
 * address and calls nobody by name: whoever gets it may not be the one who typed the name.
 * @returns the start of its delivery, to dispatch after the commit
 */
export function queueMail(mail: {
  readonly companyId: string;
  readonly address: string;
  readonly template: TemplateCode;
}): WorkflowStart {
  const { companyId, address, template } = mail;
  const event = uuid();
  const notificationId = Notification.queue({
    to: { channel: 'email', address },
    template,
    payload: {},
    key: `mail/${event}/${template}/1`,
    about: { type: 'mail', id: event },
  });
  if (notificationId === undefined) throw new Error('An e-mail was not queued as one');
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

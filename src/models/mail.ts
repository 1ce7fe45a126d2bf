import { v7 as uuid } from 'uuid';
import { notificationWorkflowId } from '../rules/workflowIds.ts';
import { currentCompany } from './database.ts';
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
  return promiseDelivery(companyId, notificationId, template);
}

/**
 * The mail in which others go to a person, and its delivery: the relay starts it. Its words are those of
 * the notifications that name it.
 * @returns its id
 */
export function queueDigest({
  to,
  about,
  count,
  key,
}: {
  readonly to: { readonly userId: string } | { readonly address: string };
  /** Whose it is, or by what somebody without an account is called by name. */
  readonly about: { readonly type: string; readonly id: string };
  readonly count: number;
  readonly key: string;
}): string {
  const template = 'notification_digest';
  const companyId = currentCompany();
  const id = uuid();
  Notification.queue({
    id,
    to: { channel: 'email', ...to },
    template,
    payload: { count },
    key,
    about,
    // Not the one in which it was collected: that would send it as well.
    workflowId: notificationWorkflowId(companyId, id),
  });
  promiseDelivery(companyId, id, template);
  return id;
}

function promiseDelivery(
  companyId: string,
  notificationId: string,
  template: TemplateCode,
): WorkflowStart {
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

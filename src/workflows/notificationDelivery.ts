import { condition } from '@temporalio/workflow';
import type { NotificationDeliveryInput } from '../models/mail.ts';
import { openPost } from './post.ts';

/** One message until it is delivered or given up after a day. */
export async function notificationDelivery(input: NotificationDeliveryInput): Promise<void> {
  const post = openPost(input.companyId);
  post.send([input.notificationId]);
  await condition(() => post.isSettled);
}

import { condition } from '@temporalio/workflow';
import { openPost } from './post.ts';

export interface NotificationDeliveryInput {
  readonly v: 1;
  readonly companyId: string;
  readonly notificationId: string;
}

/** One message until it is delivered or given up after a day. */
export async function notificationDelivery(input: NotificationDeliveryInput): Promise<void> {
  const post = openPost(input.companyId);
  post.send([input.notificationId]);
  await condition(() => post.isSettled);
}

import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { text } from 'node:stream/consumers';
import { v7 as uuid } from 'uuid';
import type { WebhookDependencies } from '../../src/activities/webhooks.ts';
import { createWebhookEndpoints } from '../../src/commands/webhookEndpoints.ts';
import { withTenant } from '../../src/models/database.ts';
import { Notification } from '../../src/models/Notification.ts';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { promiseWebhooks } from '../../src/models/webhookStart.ts';
import { webhookSealer } from '../../src/secrets.ts';
import { as, buildActor, buildCompany } from './build.ts';

/** What the tests keep secrets under. */
export const testSealer = webhookSealer({ secretKey: 'a secret of the tests' });

/** For steps that tell no webhook. */
export const noWebhooks = (): WebhookDependencies['webhooks'] => ({
  send: () => Promise.reject(new Error('No webhook here')),
  sealer: testSealer,
});

/** A company that is told at this origin when a report is ready. */
export async function buildListening(origin = 'https://hooks.example') {
  const { id: companyId } = await buildCompany();
  const admin = await buildActor({ companyId, role: 'tenant_admin' });
  const endpoints = createWebhookEndpoints({
    config: { webhooks: { secretKey: 'a secret of the tests', allowedOrigins: [origin] } },
    dispatch: () => {},
  });
  await as(admin, () => endpoints.create(admin, { url: `${origin}/`, events: ['report_ready'] }));
  return { companyId, userId: admin.userId };
}

/** A report is ready there. */
export const happen = ({ companyId, userId }: Awaited<ReturnType<typeof buildListening>>) =>
  withTenant(companyId, async () => {
    const id = uuid();
    Notification.queue({
      to: { channel: 'in_app', userId },
      template: 'report_ready',
      payload: { reportName: 'Claims' },
      key: `report/${id}/ready/1`,
      about: { type: 'report', id },
    });
  });

/** Something happens in a company that listens for it. @returns the promise to tell it */
export async function promisedWebhook(origin?: string): Promise<WorkflowStart> {
  const listening = await buildListening(origin);
  await happen(listening);
  const [start] = (await promiseWebhooks(listening.companyId)).starts;
  if (!start) throw new Error('Nothing was promised');
  return start;
}

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  /** `http://127.0.0.1:…` */
  readonly origin: string;
  readonly received: Received[];
  /** What it answers from now on; 204 unless told. */
  answer(listener: RequestListener): void;
  close(): Promise<void>;
}

/** Somebody's program on loopback that webhooks are sent to. */
export async function openReceiver(): Promise<Receiver> {
  const received: Received[] = [];
  let answer: RequestListener = (_, response) => void response.writeHead(204).end();
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    origin: `http://127.0.0.1:${port}`,
    received,
    answer(listener) {
      answer = listener;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

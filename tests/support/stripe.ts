import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { startStripeMock } from './stripeMock.ts';

/** How a movement of money ends, as the next tries of a payment are told. */
type Ending =
  | 'ok'
  | 'decline'
  | 'decline_for_now'
  | 'processing'
  /** Carried out, and never answered. */
  | 'timeout_after_success'
  /** Carried out, and answered with 500. */
  | 'error_after_success'
  | 'balance_insufficient'
  | 'too_many_requests';

type Fields = Readonly<Record<string, unknown>>;

/** A charge, transfer or refund that was made. */
interface Made {
  readonly object: 'charge' | 'transfer' | 'refund';
  readonly id: string;
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  readonly transfer_group: string | null;
  readonly payment_intent: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/**
 * Stripe with a memory: every request is judged by stripe-mock, and what it answers is filled with what
 * was done before.
 */
export interface TestStripe {
  readonly url: string;
  readonly made: readonly Made[];
  /** Requests that stripe-mock refused. */
  readonly refused: readonly string[];
  readonly paths: readonly string[];
  script(paymentId: string, endings: readonly Ending[]): void;
  knows(
    userId: string,
    person: { readonly companyId: string; readonly means?: string; readonly account?: string },
  ): void;
  /** What was `processing` is done. */
  complete(paymentId: string): void;
  close(): Promise<void>;
}

export const stripeKey = 'sk_test_123';

export async function openTestStripe(): Promise<TestStripe> {
  const mock = await startStripeMock();
  const made: Made[] = [];
  const refused: string[] = [];
  const paths: string[] = [];
  const scripts = new Map<string, Ending[]>();
  const customers: Fields[] = [];
  const answered = new Map<string, { body: string; status: number; answer: Fields }>();

  const judged = async (request: IncomingMessage, body: string): Promise<Fields | undefined> => {
    const { method = 'GET', url = '' } = request;
    const response = await fetch(`${mock.url}${url}`, {
      method,
      headers: {
        Authorization: request.headers.authorization ?? '',
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      ...(method === 'POST' && { body }),
    });
    const answer: Fields = JSON.parse(await response.text());
    if (response.ok) return answer;
    refused.push(`${method} ${url} ${body}: ${JSON.stringify(answer)}`);
    return undefined;
  };

  /** What Stripe answers to a movement; undefined for silence. */
  function move(
    kind: Made['object'],
    asked: URLSearchParams,
    sample: Fields,
  ): { status: number; answer: Fields } | undefined {
    const metadata = Object.fromEntries(
      ['company_id', 'payment_id', 'attempt'].map((name) => [
        name,
        asked.get(`metadata[${name}]`) ?? '',
      ]),
    );
    const ending = scripts.get(metadata['payment_id'] ?? '')?.shift() ?? 'ok';
    if (ending === 'too_many_requests') return errorOf(429, 'rate_limit');
    if (ending === 'balance_insufficient') return errorOf(400, ending);
    const number = made.length + 1;
    const intent = kind === 'charge' ? `pi_${number}` : asked.get('payment_intent');
    const isDeclined = ending === 'decline' || ending === 'decline_for_now';
    const status = isDeclined ? 'failed' : ending === 'processing' ? 'pending' : 'succeeded';
    const reason = ending === 'decline_for_now' ? 'insufficient_funds' : 'stolen_card';
    const thing: Made = {
      object: kind,
      id: `${{ charge: 'ch', transfer: 'tr', refund: 're' }[kind]}_${number}`,
      status,
      amount: Number(asked.get('amount')),
      currency: asked.get('currency') ?? '',
      destination: asked.get('destination'),
      transfer_group: asked.get('transfer_group'),
      payment_intent: intent,
      metadata,
      ...(isDeclined && { failure_code: 'card_declined', outcome: { reason } }),
    };
    made.push(thing);
    switch (ending) {
      case 'timeout_after_success':
        return undefined;
      case 'error_after_success':
        return errorOf(500, 'api_error');
      case 'decline':
      case 'decline_for_now':
        return errorOf(402, 'card_declined', reason);
      default: {
        const answer = { ...sample, ...thing };
        const intentStatus = status === 'pending' ? 'processing' : status;
        return {
          status: 200,
          answer: kind === 'charge' ? { ...answer, id: intent, status: intentStatus } : answer,
        };
      }
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { method, url = '' } = request;
    const { pathname, searchParams } = new URL(url, mock.url);
    paths.push(`${method} ${pathname}`);
    if (request.headers.authorization !== `Bearer ${stripeKey}`) {
      return send(response, errorOf(401, 'api_key_invalid'));
    }
    const sample = await judged(request, body);
    if (!sample) return send(response, errorOf(400, 'parameter_unknown'));

    const kind = kinds[pathname];
    if (method === 'POST' && kind) {
      const key = String(request.headers['idempotency-key']);
      const earlier = answered.get(key);
      if (earlier) {
        const isSame = earlier.body === body;
        return send(response, isSame ? earlier : errorOf(400, '', '', 'idempotency_error'));
      }
      const answer = move(kind, new URLSearchParams(body), sample);
      // What Stripe never began it forgets.
      if (answer && answer.status !== 429) answered.set(key, { body, ...answer });
      return answer && send(response, answer);
    }
    const found =
      pathname === '/v1/customers/search'
        ? customers.filter(({ query }) => query === searchParams.get('query'))
        : made.filter(
            (each) =>
              each.object === kinds[pathname] &&
              [...searchParams].every(([name, value]) => name === 'limit' || each[name] === value),
          );
    const [shape] = Array.isArray(sample['data']) ? sample['data'] : [];
    return send(response, {
      status: 200,
      answer: { ...sample, data: found.map((each) => ({ ...shape, ...each })) },
    });
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      refused.push(String(error));
      response.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('There is no port');

  return {
    url: `http://127.0.0.1:${address.port}`,
    made,
    refused,
    paths,
    script: (paymentId, endings) => void scripts.set(paymentId, [...endings]),
    knows(userId, { companyId, means, account }) {
      customers.push({
        id: `cus_${customers.length + 1}`,
        query: `metadata['company_id']:'${companyId}' AND metadata['user_id']:'${userId}'`,
        invoice_settings: { default_payment_method: means ?? null },
        metadata: { ...(account && { payout_account: account }) },
      });
    },
    complete(paymentId) {
      const index = made.findIndex(({ metadata }) => metadata['payment_id'] === paymentId);
      const thing = made[index];
      if (thing) made[index] = { ...thing, status: 'succeeded' };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await mock.stop();
    },
  };
}

const kinds: Readonly<Record<string, Made['object'] | undefined>> = {
  '/v1/payment_intents': 'charge',
  '/v1/charges': 'charge',
  '/v1/transfers': 'transfer',
  '/v1/refunds': 'refund',
};

const errorOf = (status: number, code: string, declineCode = '', type = 'card_error') => ({
  status,
  answer: {
    error: {
      type,
      message: 'Words that nobody else should read',
      ...(code && { code }),
      ...(declineCode && { decline_code: declineCode }),
    },
  },
});

const send = (
  response: ServerResponse,
  { status, answer }: { readonly status: number; readonly answer: Fields },
): void =>
  void response
    .writeHead(status, { 'Content-Type': 'application/json' })
    .end(JSON.stringify(answer));

import { createHmac, randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { claimPort } from './ports.ts';

/**
 * A payment gateway that moves no money: `POST /transfers` under an Idempotency-Key, `GET
 * /transfers/<key>`, signed webhooks, and a ledger file that outlives it. A key has one transfer.
 */
export interface GatewaySimulator {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** How a transfer ends; the first tries of a key may each have their own. */
export type Outcome =
  | 'ok'
  /** Declined for good. */
  | 'decline'
  /** Declined, and the next try may pass. */
  | 'decline_for_now'
  /** Carried out, and answered after some seconds. */
  | 'slow'
  /** Carried out, and never answered. */
  | 'timeout_after_success'
  /** Not known yet; completed some seconds later, and told by webhook. */
  | 'processing'
  /** Told by webhook, each event twice and the last one first. */
  | 'webhooks_twice';

export interface Transfer {
  readonly id: string;
  readonly key: string;
  readonly kind: 'charge' | 'payout' | 'refund';
  readonly company_id: string;
  readonly payment_id: string;
  readonly amount: string;
  readonly currency: string;
  readonly status: 'completed' | 'declined' | 'processing';
  readonly attempt: number;
  readonly decline_code: string | null;
  readonly may_pass: boolean;
}

/** The amounts 6660.01 to 6660.06 are outcomes of their own, for whoever has only the product. */
const byCents: Readonly<Record<string, Outcome>> = {
  '6660.01': 'decline',
  '6660.02': 'decline_for_now',
  '6660.03': 'slow',
  '6660.04': 'timeout_after_success',
  '6660.05': 'processing',
  '6660.06': 'webhooks_twice',
};

interface Options {
  /** Where `ledger.jsonl` is kept. */
  readonly dir: string;
  /** Where it listens; nobody else can reach it by default. */
  readonly host?: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** What callers send as bearer token. */
  readonly key: string;
  readonly webhook?: { readonly url: string; readonly secret: string };
  /** Milliseconds of `slow` and of `processing`. */
  readonly delayMs?: number;
}

export async function startGatewaySimulator(options: Options): Promise<GatewaySimulator> {
  const { dir, key, webhook, host = '127.0.0.1', delayMs = 2000 } = options;
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const ledger = path.join(dir, 'ledger.jsonl');
  const transfers = new Map<string, Transfer>();
  for (const transfer of readLedger(ledger)) transfers.set(transfer.key, transfer);
  const scripts = new Map<string, Outcome[]>();
  let isStopped = false;

  const keep = (transfer: Transfer): Transfer => {
    // On disk before anybody hears of it.
    appendFileSync(ledger, `${JSON.stringify(transfer)}\n`, { mode: 0o600, flush: true });
    transfers.set(transfer.key, transfer);
    return transfer;
  };

  const tell = async (kind: string, transfer: Transfer, id = `evt_${randomUUID()}`) => {
    if (!webhook) return;
    const body = JSON.stringify({ id, type: kind, data: transfer });
    for (let attempt = 1; attempt <= 5 && !isStopped; attempt += 1) {
      const timestamp = String(Math.floor(Date.now() / 1000));
      const signature = createHmac('sha256', webhook.secret)
        .update(`${id}.${timestamp}.${body}`)
        .digest('base64');
      const response = await fetch(webhook.url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${signature}`,
        },
        body,
        signal: AbortSignal.timeout(15_000),
      }).catch(() => undefined);
      await response?.body?.cancel();
      if (response?.ok) return;
      await pause(1000 * attempt, undefined, { ref: false });
    }
  };

  const complete = async (transferKey: string): Promise<void> => {
    await pause(delayMs, undefined, { ref: false });
    const transfer = transfers.get(transferKey);
    if (isStopped || transfer?.status !== 'processing') return;
    await tell('transfer.completed', keep({ ...transfer, status: 'completed' }));
  };
  for (const { key: kept, status } of transfers.values()) {
    if (status === 'processing') void complete(kept);
  }

  const outcomeFor = (wish: Pick<Transfer, 'payment_id' | 'amount'>): Outcome => {
    const script = scripts.get(wish.payment_id) ?? scripts.get('*');
    return script?.shift() ?? byCents[wish.amount] ?? 'ok';
  };

  async function transferTo(response: ServerResponse, request: IncomingMessage): Promise<void> {
    const transferKey = String(request.headers['idempotency-key'] ?? '');
    const wish: Omit<Transfer, 'id' | 'key' | 'status'> & { name?: string } = JSON.parse(
      await text(request),
    );
    const earlier = transfers.get(transferKey);
    if (!transferKey || !/^\d+\.\d\d$/.test(wish.amount)) return answer(response, 400, {});
    if (earlier && (earlier.status !== 'declined' || wish.attempt <= earlier.attempt)) {
      return answer(response, 200, earlier);
    }
    const { kind, company_id, payment_id, amount, currency, attempt } = wish;
    const outcome = outcomeFor(wish);
    const isDeclined = outcome === 'decline' || outcome === 'decline_for_now';
    const transfer = keep({
      id: earlier?.id ?? `tr_${randomUUID()}`,
      key: transferKey,
      kind,
      company_id,
      payment_id,
      amount,
      currency,
      attempt,
      status: isDeclined ? 'declined' : outcome === 'processing' ? 'processing' : 'completed',
      decline_code: isDeclined
        ? outcome === 'decline'
          ? 'account_closed'
          : 'insufficient_funds'
        : null,
      may_pass: outcome === 'decline_for_now',
    });
    switch (outcome) {
      case 'timeout_after_success':
        return;
      case 'slow':
        await pause(delayMs);
        break;
      case 'processing':
        void complete(transferKey);
        break;
      case 'webhooks_twice':
        void tellTwice(transfer);
        break;
      default:
        void tell(`transfer.${transfer.status}`, transfer);
    }
    return answer(response, 200, transfer);
  }

  async function tellTwice(transfer: Transfer): Promise<void> {
    const [created, completed] = [`evt_${randomUUID()}`, `evt_${randomUUID()}`];
    await tell('transfer.completed', transfer, completed);
    await tell('transfer.created', { ...transfer, status: 'processing' }, created);
    await tell('transfer.completed', transfer, completed);
    await tell('transfer.created', { ...transfer, status: 'processing' }, created);
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method, url = '' } = request;
    if (url === '/health/ready') return answer(response, 200, { status: 'ready' });
    if (request.headers.authorization !== `Bearer ${key}`) return answer(response, 401, {});
    if (method === 'POST' && url === '/transfers') return transferTo(response, request);
    if (method === 'GET' && url.startsWith('/transfers/')) {
      const found = transfers.get(decodeURIComponent(url.slice('/transfers/'.length)));
      return answer(response, found ? 200 : 404, found ?? {});
    }
    // For tests and demonstrations: what comes next, and what has been.
    if (method === 'POST' && url === '/admin/script') {
      const script: { payment_id?: string; outcomes: Outcome[] } = JSON.parse(await text(request));
      scripts.set(script.payment_id ?? '*', script.outcomes);
      return answer(response, 200, {});
    }
    if (method === 'GET' && url === '/admin/transfers') {
      return answer(response, 200, { items: [...transfers.values()] });
    }
    return answer(response, 404, {});
  };

  const port = await claimPort(options.port, {
    name: 'the payment gateway',
    variable: 'PAYMENT_GATEWAY_PORT',
    isHttp: true,
  });
  const server = createServer((request, response) => {
    serve(request, response).catch(() => answer(response, 400, {}));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async stop() {
      isStopped = true;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

/** A line that was cut off by a death was told to nobody. */
function readLedger(file: string): Transfer[] {
  if (!existsSync(file)) return [];
  const content = readFileSync(file, 'utf8');
  const whole = content.slice(0, content.lastIndexOf('\n') + 1);
  if (whole !== content) writeFileSync(file, whole, { mode: 0o600, flush: true });
  return transfersIn(file);
}

/** Every state that a transfer was ever in, as a ledger has them by now; none where there is no file. */
export function transfersIn(file: string): Transfer[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line): Transfer => JSON.parse(line));
}

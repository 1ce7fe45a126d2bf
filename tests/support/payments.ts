import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { v7 as uuid } from 'uuid';
import {
  startGatewaySimulator,
  transfersIn,
  type GatewaySimulator,
  type Outcome,
  type Transfer,
} from '../../local/gatewaySimulator.ts';
import { httpGateway } from '../../src/gateways/httpGateway.ts';
import type { PaymentGateway } from '../../src/gateways/paymentGateway.ts';
import { withTenant } from '../../src/models/database.ts';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import type { Payment } from '../../src/models/Payment.ts';
import { openPayment, promisePayment, type OpenPayment } from '../../src/models/paymentStart.ts';

/** The simulated gateway on a ledger of its own, and our adapter to it. */
export interface TestGateway {
  readonly gateway: PaymentGateway;
  readonly url: string;
  /** What becomes of the next tries of a payment, or of all payments. */
  script(outcomes: readonly Outcome[], paymentId?: string): Promise<void>;
  /** As its ledger file has them: every state that a transfer was ever in. */
  ledger(): Transfer[];
  /** Movements of a payment that were carried out. */
  carriedOut(paymentId: string): number;
  stop(): Promise<void>;
  /** On the same port and ledger. */
  startAgain(): Promise<void>;
  close(): Promise<void>;
}

export const gatewayKey = 'key of the tests';

export async function openTestGateway({
  webhook,
  timeoutMs = 3000,
}: {
  readonly webhook?: { readonly url: string; readonly secret: string };
  /** Of a call; what comes later is unknown. */
  readonly timeoutMs?: number;
} = {}): Promise<TestGateway> {
  const dir = mkdtempSync(path.join(tmpdir(), 'surety-gateway-'));
  const start = (port: number): Promise<GatewaySimulator> =>
    startGatewaySimulator({
      dir,
      port,
      key: gatewayKey,
      delayMs: 100,
      ...(webhook && { webhook }),
    });
  let simulator = await start(0);
  const { url, port } = simulator;
  const ledgerFile = path.join(dir, 'ledger.jsonl');
  const ledger = (): Transfer[] => transfersIn(ledgerFile);

  return {
    gateway: httpGateway({ url, key: gatewayKey, timeoutMs }),
    url,
    async script(outcomes, paymentId) {
      const response = await fetch(`${url}/admin/script`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${gatewayKey}` },
        body: JSON.stringify({ ...(paymentId && { payment_id: paymentId }), outcomes }),
      });
      await response.body?.cancel();
    },
    ledger,
    carriedOut: (paymentId) =>
      ledger().filter((line) => line.payment_id === paymentId && line.status === 'completed')
        .length,
    stop: () => simulator.stop(),
    async startAgain() {
      simulator = await start(port);
    },
    async close() {
      await simulator.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

/** An opened payment, and the start that nobody has dispatched. */
export const buildPayment = ({
  companyId,
  ...wish
}: { readonly companyId: string } & Partial<About>): Promise<{
  readonly payment: Payment;
  readonly start: WorkflowStart;
}> =>
  withTenant(companyId, async () => {
    const about = {
      userId: null,
      payeeName: 'Ada Lovelace',
      amount: '120.00',
      currency: 'EUR',
      at: new Date(),
      ...wish,
    };
    const payment = openPayment(subjectOf(about));
    return { payment, start: promisePayment(payment) };
  });

type About = Omit<OpenPayment, 'purpose' | 'parentPaymentId'> & {
  readonly purpose?: OpenPayment['purpose'];
  readonly parentPaymentId?: string;
  readonly invoiceId?: string;
  readonly bookingId?: string;
};

function subjectOf({
  purpose = 'premium',
  parentPaymentId = '',
  invoiceId = uuid(),
  bookingId = uuid(),
  ...rest
}: About): OpenPayment {
  switch (purpose) {
    case 'claim_payout':
      return { ...rest, purpose, claimId: uuid() };
    case 'booking':
      return { ...rest, purpose, bookingId };
    case 'premium':
      return { ...rest, purpose, invoiceId };
    default:
      return { ...rest, purpose, parentPaymentId };
  }
}

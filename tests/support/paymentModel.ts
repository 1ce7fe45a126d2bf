import fc from 'fast-check';
import { v7 as uuid } from 'uuid';
import type {
  GatewayOutcome,
  Movement,
  PaymentGateway,
} from '../../src/gateways/paymentGateway.ts';

/** What becomes of a request on its way, and of the movement that it asks for. */
export type Fate =
  | 'ok'
  | 'decline'
  | 'decline_for_now'
  /** Carried out later. */
  | 'processing'
  /** Never arrives. */
  | 'lost'
  /** Arrives after somebody has given up waiting. */
  | 'late'
  /** Carried out, and its answer is lost. */
  | 'unheard';

const fates: readonly Fate[] = [
  'ok',
  'decline',
  'decline_for_now',
  'decline_for_now',
  'processing',
  'lost',
  'late',
  'unheard',
];

export type Act =
  /** The workflow's next step, whose activities may run a second time, one after or beside the other. */
  | {
      readonly kind: 'step';
      readonly fate: Fate;
      readonly isDeaf: boolean;
      readonly again: 'no' | 'after' | 'beside';
    }
  /** What was late arrives. */
  | { readonly kind: 'arrive' }
  /** What was in process is done. */
  | { readonly kind: 'finish' }
  /** A webhook, of which there are few: the same ones come again, in any order. */
  | { readonly kind: 'webhook'; readonly event: number };

export const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('step' as const),
      fate: fc.constantFrom(...fates),
      isDeaf: fc.boolean(),
      again: fc.constantFrom('no' as const, 'no' as const, 'after' as const, 'beside' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('arrive' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('finish' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('webhook' as const),
      event: fc.integer({ min: 1, max: 4 }),
    }),
  },
);

interface Transfer {
  readonly id: string;
  readonly outcome: 'completed' | 'declined' | 'processing';
  readonly mayPass: boolean;
  readonly attempt: number;
}

/**
 * A gateway in memory, as the port describes one: a key has one transfer, and a declined one is tried
 * anew by a higher attempt alone.
 */
export class ModelGateway implements PaymentGateway {
  readonly provider = 'model';
  fate: Fate = 'ok';
  /** The next look brings no answer. */
  isDeaf = false;
  /** How often money moved. */
  moved = 0;
  /** Declines of which anybody may have heard. */
  declines = 0;
  /** Requests that a look would have shown to be useless. */
  needless = 0;
  private transfer: Transfer | undefined;
  private late: { readonly attempt: number; readonly fate: Fate }[] = [];

  readonly charge = (movement: Movement): Promise<GatewayOutcome> => this.send(movement);
  readonly payout = (movement: Movement): Promise<GatewayOutcome> => this.send(movement);
  readonly refund = (movement: Movement): Promise<GatewayOutcome> => this.send(movement);

  async lookup(): Promise<GatewayOutcome | undefined> {
    if (this.isDeaf) {
      this.isDeaf = false;
      return { status: 'unknown' };
    }
    return this.transfer && told(this.transfer);
  }

  arrive(): void {
    for (const { attempt, fate } of this.late.splice(0)) this.carryOut(attempt, fate);
  }

  finish(): void {
    if (this.transfer?.outcome !== 'processing') return;
    this.moved += 1;
    this.transfer = { ...this.transfer, outcome: 'completed' };
  }

  private async send({ attempt }: Movement): Promise<GatewayOutcome> {
    if (this.knows(attempt)) this.needless += 1;
    switch (this.fate) {
      case 'lost':
        return { status: 'unknown' };
      case 'late':
        this.late.push({ attempt, fate: 'ok' });
        return { status: 'unknown' };
      case 'unheard':
        this.carryOut(attempt, 'ok');
        return { status: 'unknown' };
      default:
        return told(this.carryOut(attempt, this.fate));
    }
  }

  private knows(attempt: number): boolean {
    const { transfer } = this;
    return (
      transfer !== undefined && (transfer.outcome !== 'declined' || transfer.attempt >= attempt)
    );
  }

  private carryOut(attempt: number, fate: Fate): Transfer {
    const earlier = this.transfer;
    if (earlier && this.knows(attempt)) return earlier;
    const isDeclined = fate === 'decline' || fate === 'decline_for_now';
    if (isDeclined) this.declines += 1;
    if (fate === 'ok') this.moved += 1;
    this.transfer = {
      id: earlier?.id ?? `tr_${uuid()}`,
      outcome: isDeclined ? 'declined' : fate === 'processing' ? 'processing' : 'completed',
      mayPass: fate === 'decline_for_now',
      attempt,
    };
    return this.transfer;
  }
}

function told({ id, outcome, mayPass, attempt }: Transfer): GatewayOutcome {
  switch (outcome) {
    case 'completed':
      return { status: 'completed', transactionId: id };
    case 'declined':
      return {
        status: 'declined',
        code: mayPass ? 'insufficient_funds' : 'account_closed',
        mayPass,
        attempt,
      };
    case 'processing':
      return { status: 'unknown' };
    default:
      return outcome satisfies never;
  }
}

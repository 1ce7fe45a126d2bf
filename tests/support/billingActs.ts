import fc from 'fast-check';
import type { Bank, BillingModel, Shown } from './billingModel.ts';
import { dayMs, done, hourMs, passBoth, walkTwins, type Outcomes } from './model.ts';
import { doTermAct, termActs, type TermAct, type TermTwin } from './termModel.ts';

/** What a person, an administrator, the bank or time itself may do to what is invoiced. */
export type Act =
  | TermAct
  | { readonly kind: 'pass'; readonly days: number }
  | { readonly kind: 'bank'; readonly says: Bank }
  | { readonly kind: 'pay' }
  | { readonly kind: 'reinstate'; readonly onCredit: boolean }
  | { readonly kind: 'endorse'; readonly isDearer: boolean }
  /** The next deadline of a premium. */
  | { readonly kind: 'defer'; readonly inHours: number };

export const actsWith = (banks: readonly Bank[]): fc.Arbitrary<Act> =>
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass'), days: fc.nat(12) }) },
    // As long as a grace, or the time for a reinstatement.
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('pass'),
        days: fc.integer({ min: 20, max: 40 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass'), days: fc.nat(200) }) },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('bank'), says: fc.constantFrom(...banks) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('pay') }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('reinstate'), onCredit: fc.boolean() }) },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('endorse'), isDearer: fc.boolean() }) },
    { weight: 1, arbitrary: termActs.cancel },
    { weight: 3, arbitrary: termActs.renew },
    { weight: 2, arbitrary: termActs.move },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('defer'),
        inHours: fc.integer({ min: -5, max: 730 }),
      }),
    },
    { weight: 2, arbitrary: termActs.autoRenew },
    { weight: 2, arbitrary: termActs.repeat },
  );

/** Lets the bank answer as well. */
export interface Twin extends TermTwin<Shown> {
  setBank(says: Bank): Promise<void>;
}

/** Does the same to both; an error names the acts so far. */
export const walk = (model: BillingModel, twin: Twin, steps: readonly Act[]): Promise<void> =>
  walkTwins(
    model,
    twin,
    steps,
    async (act) => {
      const outcomes = await doBoth(model, twin, act);
      model.settle();
      return outcomes;
    },
    () => model.isClosed,
  );

async function doBoth(model: BillingModel, twin: Twin, act: Act): Promise<Outcomes> {
  switch (act.kind) {
    case 'pass':
      // Three hours off the full day: no tie with a deadline that an earlier act has set.
      return passBoth(model, twin, model.now + act.days * dayMs + 3 * hourMs);
    case 'bank':
      await twin.setBank(act.says);
      model.bank = act.says;
      return done;
    case 'pay': {
      const outcome = await twin.order({ kind: 'pay' });
      return [model.pay(), outcome];
    }
    case 'reinstate': {
      const { onCredit } = act;
      const outcome = await twin.order({ kind: 'reinstate', onCredit });
      return [model.reinstate(onCredit), outcome];
    }
    case 'endorse': {
      const isCheap = model.premium <= 30_000;
      const premium = model.premium + (act.isDearer || isCheap ? 40_000 : -30_000);
      const outcome = await twin.order({ kind: 'endorse', premium: (premium / 100).toFixed(2) });
      return [model.endorse(premium), outcome];
    }
    case 'defer': {
      const name = model.nextDeadline;
      // Ten minutes off, so that it meets none of the others.
      const dueAt = model.now + act.inHours * hourMs + hourMs / 6;
      const outcome = await twin.order({ kind: 'defer', name, dueAt });
      return [model.moveDeadline(name, dueAt), outcome];
    }
    default:
      return doTermAct(model, twin, act);
  }
}

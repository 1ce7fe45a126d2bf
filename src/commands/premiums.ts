import { invalidField } from '../errors.ts';
import { dateAt } from '../rules/calendar.ts';
import { compare } from '../rules/money.ts';
import {
  calculatePremium,
  mostPricedCoverage,
  type PremiumProposal,
  type Risk,
} from '../rules/premiums.ts';
import { agreedTermProblem } from '../rules/terms.ts';
import type { KnownCompany } from './companies.ts';
import type { Flags } from './flags.ts';

/** Which pricing was asked for by the flag, and which one made the proposal. */
export interface ProposedPremium extends PremiumProposal {
  readonly currency: string;
  readonly pricing: {
    readonly asked: 'ai' | 'standard';
    readonly used: 'standard';
    /** Why it is not the one that was asked for. */
    readonly note: string | null;
  };
}

/** Premiums of direct policies as they are proposed; nothing is stored. */
export const createPremiums = ({ flags }: { readonly flags: Pick<Flags, 'isOn'> }) => ({
  /** @throws Invalid `coverage_amount`, `start_date`, `end_date` */
  propose: async (
    company: KnownCompany,
    risk: Risk,
    currency = company.currency,
  ): Promise<ProposedPremium> => {
    const problem = agreedTermProblem(risk, dateAt(Date.now(), company.timeZone));
    if (problem) throw invalidField(problem.field, problem.message, problem.code);
    if (compare(risk.coverageAmount, mostPricedCoverage) > 0) {
      const message = `A premium is proposed for up to ${mostPricedCoverage}`;
      throw invalidField('coverage_amount', message, 'OUT_OF_RANGE');
    }
    const isAiAsked = await flags.isOn(company.id, 'enable_ai_pricing');
    return {
      ...calculatePremium(risk),
      currency,
      pricing: {
        asked: isAiAsked ? 'ai' : 'standard',
        used: 'standard',
        note: isAiAsked ? 'No provider of AI pricing is set up; this is the standard price' : null,
      },
    };
  },
});

export type Premiums = ReturnType<typeof createPremiums>;

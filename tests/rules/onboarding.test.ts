import fc from 'fast-check';
import { lastDaily } from '../../src/rules/onboarding.ts';
import { seed } from './property.ts';

const dayMs = 86_400_000;

describe('the ladder of a review that is overdue', () => {
  it('keeps its hour, however late one of its rungs came', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.nat(40 * dayMs), (dueAt, late) => {
        const from = lastDaily(dueAt, dueAt + late);

        expect((from - dueAt) % dayMs).toBe(0);
        expect(dueAt + late - from).toBeLessThan(dayMs);
        expect(from).toBeLessThanOrEqual(dueAt + late);
      }),
      { seed },
    );
  });
});

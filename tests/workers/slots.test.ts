import { slotsOf } from '../../worker/createWorker.ts';

describe('the steps that run at once', () => {
  it.each([7, 10, 20, 30, 100])(
    'never need more than %i connections, and none is without',
    (most) => {
      const slots = Object.values(slotsOf(most));

      expect(slots.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(most);
      expect(Math.min(...slots)).toBeGreaterThan(0);
    },
  );
});

import { slotsOf } from '../../worker/createWorker.ts';

describe('the steps that run at once', () => {
  it.each([6, 7, 10, 20, 30, 100])(
    'never need more than %i connections, none is without, and webhooks, which hold none, are many',
    (most) => {
      const { webhooks, ...sharing } = slotsOf(most);
      const slots = Object.values(sharing);

      expect(slots.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(most);
      expect(Math.min(...slots)).toBeGreaterThan(0);
      expect(webhooks).toBe(50);
    },
  );
});

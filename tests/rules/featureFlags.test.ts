import { featureFlags, flagsInForce } from '../../src/rules/featureFlags.ts';

describe('flagsInForce', () => {
  it('takes the company, then the platform, then off, and says which', () => {
    const [analytics, pricing, documents] = flagsInForce({
      platform: { enable_advanced_analytics: true, enable_ai_pricing: true },
      company: { enable_ai_pricing: false },
    });

    expect(analytics).toMatchObject({ enabled: true, source: 'platform' });
    expect(pricing).toMatchObject({ enabled: false, source: 'company' });
    expect(documents).toMatchObject({ enabled: false, source: 'default' });
  });

  it('names each flag with one sentence of what it gates, all off by default', () => {
    const all = flagsInForce({ platform: {}, company: {} });

    expect(all.map(({ flag }) => flag)).toEqual(featureFlags);
    for (const { enabled, gates } of all) {
      expect(enabled).toBe(false);
      expect(gates).toMatch(/^[A-Z][^.]*\.$/);
    }
  });
});

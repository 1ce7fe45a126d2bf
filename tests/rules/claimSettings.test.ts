import { claimDefaults, claimSettings, hasStage } from '../../src/rules/claimSettings.ts';

describe('claimSettings', () => {
  const set = { decisionBd: 20, byPolicyType: { home: { decisionBd: 8, triageHours: 1 } } };

  it('takes what is set for the type of policy, then for all, then the default', () => {
    expect(claimSettings(set, 'home')).toEqual({
      ...claimDefaults,
      decisionBd: 8,
      triageHours: 1,
    });
    expect(claimSettings(set, 'auto')).toEqual({ ...claimDefaults, decisionBd: 20 });
    expect(claimSettings(undefined, 'home')).toEqual(claimDefaults);
  });
});

describe('hasStage', () => {
  it('holds but for what a company does without, and for claims from before it could', () => {
    const without = { hasInvestigation: false, hasDocumentRequests: false };

    expect(hasStage(without, 'investigate')).toBe(false);
    expect(hasStage(without, 'request_documents')).toBe(false);
    expect(hasStage(without, 'approve')).toBe(true);
    expect(hasStage({}, 'investigate')).toBe(true);
    expect(hasStage(claimDefaults, 'request_documents')).toBe(true);
  });
});

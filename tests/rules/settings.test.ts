import { onboardingSettings } from '../../src/rules/onboarding.ts';
import {
  resolved,
  settingsOf,
  settingsProblems,
  withSettings,
  type Setting,
} from '../../src/rules/settings.ts';

const company = { isPlatform: false };
const platform = { isPlatform: true };

const wishFor = ({ section, key }: Pick<Setting, 'section' | 'key'>, value: unknown) => ({
  [section]: { [key]: value },
});

const bounded = settingsOf(platform).flatMap(({ section, key, takes }) =>
  'min' in takes && takes.kind === 'whole'
    ? [{ section, key, min: takes.min, max: takes.max }]
    : [],
);

describe('settingsOf', () => {
  it('has a default that could be set, and one sentence, for each setting', () => {
    for (const setting of settingsOf(platform)) {
      expect([setting.key, settingsProblems(wishFor(setting, setting.usual), platform)]).toEqual([
        setting.key,
        [],
      ]);
      expect(setting.says).toMatch(/^[A-Z][^.]*\.$/);
    }
  });

  it('has every number of onboarding, for the platform alone', () => {
    const keys = (place: typeof company) =>
      settingsOf(place).flatMap(({ section, key }) => (section === 'onboarding' ? [key] : []));

    expect(keys(platform)).toEqual(Object.keys(onboardingSettings()));
    expect(keys(company)).toEqual([]);
  });
});

describe('settingsProblems', () => {
  it.each(bounded)('takes $section.$key from $min to $max', ({ min, max, ...setting }) => {
    const found = [min - 1, min, max, max + 1, min + 0.5, String(min)].map((value) =>
      settingsProblems(wishFor(setting, value), platform),
    );

    expect(found.map(({ length }) => length)).toEqual([1, 0, 0, 1, 1, 1]);
    expect(found[0]).toEqual([
      {
        field: `${setting.section}.${setting.key}`,
        code: 'OUT_OF_RANGE',
        message: `A whole number from ${min} to ${max}`,
      },
    ]);
  });

  it.each([
    [{ audit: { retentionYears: 11 }, password: { requireClasses: 1 } }, 2],
    [{ security: { requireMfaFor: ['tenant_admin', 'auditor'] } }, 0],
    [{ security: { requireMfaFor: ['tenant_admin', 'tenant_admin'] } }, 1],
    [{ security: { requireMfaFor: ['king'] } }, 1],
    [{ security: { requireMfaFor: 'tenant_admin' } }, 1],
    [{ subscription: { shortRate: 0.12345, renewalReminderDays: [1, 1] } }, 2],
    [{ audit: { retentionYears: null } }, 0],
  ])('finds in %j so many problems: %d', (change, count) => {
    expect(settingsProblems(change, company)).toHaveLength(count);
  });

  it.each([
    [[], 0],
    [['ada@example.com', 'bob@example.com'], 0],
    [['ada@example.com', 'ada@example.com'], 1],
    [['Ada@example.com'], 1],
    [['ada'], 1],
    [[7], 1],
    ['ada@example.com', 1],
    [Array.from({ length: 20 }, (_, n) => `a${n}@example.com`), 0],
    [Array.from({ length: 21 }, (_, n) => `a${n}@example.com`), 1],
  ])('finds in %j as the people on call so many problems: %d', (onCall, count) => {
    expect(settingsProblems({ onboarding: { onCall } }, platform)).toHaveLength(count);
  });

  it.each([['audit', 'years'] as const, ['toString', 'length'] as const])(
    'knows no %s.%s',
    (section, key) => {
      expect(settingsProblems({ [section]: { [key]: 1 } }, company)).toMatchObject([
        { field: `${section}.${key}`, code: 'UNKNOWN_FIELD' },
      ]);
    },
  );

  it('keeps the settings of onboarding from companies', () => {
    const change = { onboarding: { activationDays: 8 } };

    expect(settingsProblems(change, company)).toMatchObject([{ code: 'UNKNOWN_FIELD' }]);
    expect(settingsProblems(change, platform)).toEqual([]);
  });
});

describe('withSettings', () => {
  it('merges by field, and null puts the default back', () => {
    const before = { audit: { retentionYears: 3 }, subscription: { graceDays: 5 } };

    const after = withSettings(before, {
      audit: { retentionYears: null },
      subscription: { lateRenewalDays: 9 },
      password: { requireClasses: false },
      security: undefined,
    });

    expect(after).toEqual({
      audit: {},
      subscription: { graceDays: 5, lateRenewalDays: 9 },
      password: { requireClasses: false },
      security: {},
    });
  });
});

describe('resolved', () => {
  it('says the value in force and who set it', () => {
    const all = resolved({ audit: { retentionYears: 7 }, password: {} }, company);
    const of = (key: string) => all.find((each) => each.key === key);

    expect(of('retentionYears')).toMatchObject({ value: 7, source: 'company' });
    expect(of('requireClasses')).toMatchObject({ value: true, source: 'default' });
    expect(of('renewalReminderDays')).toMatchObject({ value: [30, 14, 7, 1], source: 'default' });
  });
});

import { passwordProblems, type PasswordPolicy } from '../../src/rules/passwords.ts';

const buildPolicy = (overrides: Partial<PasswordPolicy> = {}): PasswordPolicy => ({
  email: 'ada@example.test',
  username: 'ada.lovelace.1815',
  requireClasses: true,
  common: new Set(['password12345', 'qwertyuiop123']),
  ...overrides,
});

const codes = (password: string, overrides: Partial<PasswordPolicy> = {}): string[] =>
  passwordProblems(password, buildPolicy(overrides)).map(({ code }) => code);

describe('passwordProblems', () => {
  it('finds none in a good password', () => {
    expect(codes('Correct-Horse-7')).toEqual([]);
  });

  it.each([
    ['Aa1-bcdefgh', ['PASSWORD_TOO_SHORT']],
    ['Aa1-bcdefghi', []],
    ['Aa1-bcdefg😀', ['PASSWORD_TOO_SHORT']],
  ])('counts the characters of %s', (password, expected) => {
    expect(codes(password)).toEqual(expected);
  });

  it.each([
    ['ADA@example.test', 'PASSWORD_IS_EMAIL'],
    ['Ada.Lovelace.1815', 'PASSWORD_IS_USERNAME'],
    ['Password12345', 'PASSWORD_COMMON'],
  ])('refuses %s in any case', (password, code) => {
    expect(codes(password, { requireClasses: false })).toEqual([code]);
  });

  it.each([
    ['correct-horse-7', 'PASSWORD_NEEDS_UPPER'],
    ['CORRECT-HORSE-7', 'PASSWORD_NEEDS_LOWER'],
    ['Correct-Horse-x', 'PASSWORD_NEEDS_DIGIT'],
    ['Correct Horse 7', 'PASSWORD_NEEDS_SYMBOL'],
  ])('misses a class in %s', (password, code) => {
    expect(codes(password)).toEqual([code]);
    expect(codes(password, { requireClasses: false })).toEqual([]);
  });

  it('takes letters of any script', () => {
    expect(codes('Ωραίο-Πρωινό-7')).toEqual([]);
  });

  it('names everything at once', () => {
    expect(codes('')).toEqual([
      'PASSWORD_TOO_SHORT',
      'PASSWORD_NEEDS_UPPER',
      'PASSWORD_NEEDS_LOWER',
      'PASSWORD_NEEDS_DIGIT',
      'PASSWORD_NEEDS_SYMBOL',
    ]);
  });
});

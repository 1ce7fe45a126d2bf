import { base32, stepAt, stepOfCode, totpCode } from '../src/totp.ts';

const secret = Buffer.from('12345678901234567890');

describe('the code of a second factor', () => {
  // RFC 6238, appendix B, SHA-1.
  it.each([
    [59, '94287082'],
    [1111111109, '07081804'],
    [1111111111, '14050471'],
    [1234567890, '89005924'],
    [2000000000, '69279037'],
    [20000000000, '65353130'],
  ])('at %d s is the one of the RFC', (seconds, code) => {
    expect(totpCode(secret, stepAt(seconds * 1000), 8)).toBe(code);
  });

  it('is good one step early or late, and no further', () => {
    const at = 1_700_000_010_000;
    const found = [-2, -1, 0, 1, 2].map((steps) => {
      const code = totpCode(secret, stepAt(at) + steps);
      return stepOfCode(secret, code, { at, lastStep: 0 }) !== undefined;
    });

    expect(found).toEqual([false, true, true, true, false]);
  });

  it('is good for one use', () => {
    const at = 1_700_000_010_000;
    const code = totpCode(secret, stepAt(at));
    const step = stepOfCode(secret, code, { at, lastStep: 0 });

    expect(step).toBe(stepAt(at));
    expect(stepOfCode(secret, code, { at, lastStep: step ?? 0 })).toBeUndefined();
  });

  it.each(['', '12345', '1234567', 'abcdef', '１２３４５６'])('is not %j', (code) => {
    expect(stepOfCode(secret, code, { at: 0, lastStep: -9 })).toBeUndefined();
  });

  // RFC 4648, section 10.
  it.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foobar', 'MZXW6YTBOI'],
  ])('has its secret in base 32: %j', (text, written) => {
    expect(base32(Buffer.from(text))).toBe(written);
  });
});

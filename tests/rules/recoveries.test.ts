import { recoveryProblem } from '../../src/rules/recoveries.ts';

describe('recoveryProblem', () => {
  const open = { status: 'open', recovered: '100.00' } as const;

  it.each([
    [open, { status: 'open', recovered: '150.00' }, undefined],
    [open, { status: 'recovered', recovered: '100.00' }, undefined],
    [open, { status: 'written_off', recovered: '100.00' }, undefined],
    [open, { status: 'open', recovered: '99.99' }, 'RECOVERED_LESS'],
    [
      { ...open, recovered: '0.00' },
      { status: 'recovered', recovered: '0.00' },
      'NOTHING_RECOVERED',
    ],
    [{ ...open, recovered: '0.00' }, { status: 'written_off', recovered: '0.00' }, undefined],
    [{ ...open, status: 'recovered' }, { status: 'open', recovered: '200.00' }, 'RECOVERY_CLOSED'],
    [{ ...open, status: 'written_off' }, { ...open, status: 'recovered' }, 'RECOVERY_CLOSED'],
  ] as const)('of %j to %j is %s', (before, after, code) => {
    expect(recoveryProblem(before, after)?.code).toBe(code);
  });
});

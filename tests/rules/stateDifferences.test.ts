import { stateDifferences } from '../../src/rules/stateDifferences.ts';

const at = Date.UTC(2026, 5, 1);
const state = {
  status: 'active',
  stateVersion: 3,
  isClosed: false,
  expiresAt: at,
  timers: [{ name: 'expiry', occurrence: 1, dueAt: at }],
};

describe('the state of a run beside its row', () => {
  it('differs in nothing where both know the same', () => {
    expect(stateDifferences(state, structuredClone(state))).toEqual([]);
  });

  it('differs in each fact that one of them has otherwise, by its name outside', () => {
    const row = { ...state, stateVersion: 4, expiresAt: at + 1000, isClosed: true };

    expect(stateDifferences(state, row)).toEqual([
      { field: 'expires_at', run: '2026-06-01T00:00:00.000Z', row: '2026-06-01T00:00:01.000Z' },
      { field: 'is_closed', run: 'false', row: 'true' },
      { field: 'state_version', run: '3', row: '4' },
    ]);
  });

  it('differs in a timer that one of them does not have, and in when it is due', () => {
    const [expiry] = state.timers;
    const reminder = { name: 'reminder', occurrence: 1, dueAt: at };
    const moved = { name: 'expiry', occurrence: 1, dueAt: at + 1000 };

    expect(stateDifferences({ ...state, timers: [reminder, moved] }, state)).toEqual([
      {
        field: 'timers.expiry.1',
        run: '2026-06-01T00:00:01.000Z',
        row: new Date(expiry?.dueAt ?? 0).toISOString(),
      },
      { field: 'timers.reminder.1', run: '2026-06-01T00:00:00.000Z', row: null },
    ]);
  });

  it('differs in what is listed, in any order, and left out where there is nothing', () => {
    const paying = { ...state, payments: ['a', 'b'] };
    const turned = { ...state, payments: ['b', 'a'] };

    expect(stateDifferences(paying, turned)).toEqual([]);
    expect(stateDifferences(state, paying)).toEqual([
      { field: 'payments', run: null, row: 'a, b' },
    ]);
    expect(stateDifferences(paying, state)).toEqual([
      { field: 'payments', run: 'a, b', row: null },
    ]);
  });

  it('does not differ in what a run of an earlier release does not know', () => {
    const present = { ...state, isolation: 'shared' };

    expect(stateDifferences(state, present)).toEqual([]);
    expect(stateDifferences(present, state)).toHaveLength(1);
  });
});

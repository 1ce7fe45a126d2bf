import { joinProblem, leaveProblem, returnProblem } from '../../src/rules/employees.ts';

const there = { joinDate: '2026-03-01', returnDate: null, leaveDate: null };
const gone = { ...there, leaveDate: '2026-06-30' };
const back = { ...there, returnDate: '2026-09-01' };
const today = '2026-10-15';

describe('the days of an employment', () => {
  it.each([
    [there, '2026-02-28', 'OUT_OF_RANGE'],
    [there, '2026-03-01', undefined],
    [there, today, undefined],
    [there, '2026-10-16', 'OUT_OF_RANGE'],
    [back, '2026-08-31', 'OUT_OF_RANGE'],
    [back, '2026-09-01', undefined],
  ])('lets %j end on %s: %s', (employment, date, code) => {
    expect(leaveProblem(employment, date, today)?.code).toBe(code);
  });

  it.each([
    ['2026-06-29', 'OUT_OF_RANGE'],
    ['2026-06-30', undefined],
    [today, undefined],
    ['2026-10-16', 'OUT_OF_RANGE'],
  ])('lets somebody who left on 30 June return on %s: %s', (date, code) => {
    expect(returnProblem(gone, date, today)?.code).toBe(code);
  });

  it.each([
    [there, '2200-12-31', undefined],
    [gone, '2026-06-30', undefined],
    [gone, '2026-07-01', 'OUT_OF_RANGE'],
    [back, '2026-09-01', undefined],
    [back, '2026-09-02', 'OUT_OF_RANGE'],
  ])('lets %j begin on %s: %s', (employment, joinDate, code) => {
    expect(joinProblem({ ...employment, joinDate })?.code).toBe(code);
  });
});

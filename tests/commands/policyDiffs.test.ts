import { textDiff } from '../../src/commands/policyDiffs.ts';

const lines = (count: number, line: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => `${line(n)}\n`).join('');

describe('the difference between two texts', () => {
  it('is told line by line', () => {
    const before = 'One\nTwo\nThree\n';
    const after = 'One\n2\nThree\nFour\n';

    expect(textDiff(before, after)).toEqual({
      isWhole: false,
      parts: [
        { change: 'same', lines: 1, text: 'One\n' },
        { change: 'removed', lines: 1, text: 'Two\n' },
        { change: 'added', lines: 1, text: '2\n' },
        { change: 'same', lines: 1, text: 'Three\n' },
        { change: 'added', lines: 1, text: 'Four\n' },
      ],
    });
  });

  it('is nothing between equal ones, and all of one beside none', () => {
    expect(textDiff('One\n', 'One\n').parts).toEqual([{ change: 'same', lines: 1, text: 'One\n' }]);
    expect(textDiff('', 'One\nTwo').parts).toEqual([
      { change: 'added', lines: 2, text: 'One\nTwo' },
    ]);
    expect(textDiff('', '').parts).toEqual([]);
  });

  it('of long texts that have nothing in common is told at once, as a whole', () => {
    const [before, after] = [lines(20_000, (n) => `a${n}`), lines(20_000, (n) => `b${n}`)];
    const begun = performance.now();

    const { parts, isWhole } = textDiff(before, after);

    expect(isWhole).toBe(true);
    expect(parts).toEqual([
      { change: 'removed', lines: 20_000, text: before },
      { change: 'added', lines: 20_000, text: after },
    ]);
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('of a long text with a few changes is told line by line', () => {
    const before = lines(20_000, (n) => `line ${n}`);
    const after = before.replace('line 7\n', 'line seven\n');

    const { parts, isWhole } = textDiff(before, after);

    expect(isWhole).toBe(false);
    expect(parts.map(({ change, lines: count }) => [change, count])).toEqual([
      ['same', 7],
      ['removed', 1],
      ['added', 1],
      ['same', 19_992],
    ]);
  });
});

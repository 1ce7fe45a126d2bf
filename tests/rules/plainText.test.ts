import fc from 'fast-check';
import { mentionedNames, oneLine, plainText } from '../../src/rules/plainText.ts';
import { seed } from './property.ts';

describe('plainText', () => {
  it.each([
    ['  two\r\nlines\rand a third  ', 'two\nlines\nand a third'],
    ['tab\tstays', 'tab\tstays'],
    ['bell\u0007 escape\u001b[31m', 'bell escape[31m'],
    ['a\u202Etxt.exe', 'atxt.exe'],
    ['a\u2028b\u0085c', 'a\nb\nc'],
    ['\u0000\u001f \u200e', ''],
    ['<b>5 < 6</b>', '<b>5 < 6</b>'],
    ['保険 👩‍👩‍👧 Åse', '保険 👩‍👩‍👧 Åse'],
  ])('makes %j %j', (written, read) => {
    expect(plainText(written)).toBe(read);
  });

  it('is never longer, and cleaning it again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (written) => {
        const once = plainText(written);
        expect(Array.from(once).length).toBeLessThanOrEqual(Array.from(written).length);
        expect(plainText(once)).toBe(once);
        expect(once).not.toMatch(/[^\P{Cc}\n\t]/u);
      }),
      { seed },
    );
  });
});

describe('oneLine', () => {
  it('puts all of it into one line', () => {
    expect(oneLine(' Burst\t\tpipe\r\nin the\u2028kitchen\u202E ')).toBe(
      'Burst pipe in the kitchen',
    );
  });
});

describe('mentionedNames', () => {
  it.each([
    ['@Ada, please look; @grace.hopper and @ada too.', ['ada', 'grace.hopper']],
    ['Ask @ada.', ['ada']],
    ['(@ada)', ['ada']],
    ['mail ada@example.com', []],
    ['@@ada', []],
    ['@ ada, @... and @-', []],
    ['@Åse_1-x', ['åse_1-x']],
    ['@a+b@c', ['a+b']],
  ])('reads %j as %j', (text, names) => {
    expect(mentionedNames(text)).toEqual(names);
  });

  it('takes twenty names at most', () => {
    const text = Array.from({ length: 30 }, (_, index) => `@name${index}`).join(' ');

    expect(mentionedNames(text)).toHaveLength(20);
  });
});

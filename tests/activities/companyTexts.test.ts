import { checkTexts, offeredBy, sampleOf } from '../../src/activities/companyTexts.ts';
import { platformTexts, rendering } from '../../src/activities/templates.ts';
import { templateCodes } from '../../src/rules/notices.ts';

describe("the platform's own words", () => {
  it.each(templateCodes)('of %s would do as those of a company', (code) => {
    expect(checkTexts(code, platformTexts[code])).toEqual([]);
  });

  it.each(templateCodes)('of %s have a sample for every place', (code) => {
    const sample = sampleOf(code);

    expect(offeredBy(code).filter((name) => sample[name] === undefined)).toEqual([]);
    expect(rendering(new Map())(code, sample).text).not.toContain('undefined');
  });
});

describe("a company's words", () => {
  const { subject } = platformTexts.notification_digest;

  it('keep that for the sake of which the message is sent', () => {
    const without = { subject, body: 'Dear {{name}}, there is something.' };
    const perhaps = { subject, body: '{{#if messages}}{{messages}}{{/if}}' };

    for (const texts of [without, perhaps]) {
      expect(checkTexts('notification_digest', texts)).toMatchObject([
        { field: 'body', code: 'REQUIRED' },
      ]);
    }
    expect(checkTexts('notification_digest', { subject, body: '{{messages}}' })).toEqual([]);
  });
});

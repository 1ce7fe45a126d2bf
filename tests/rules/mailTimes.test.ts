import { canWait, mailTimesDefaults, mayGoAt, type MailTimes } from '../../src/rules/mailTimes.ts';
import { templateCodes } from '../../src/rules/notices.ts';
import { settingsProblems } from '../../src/rules/settings.ts';

/** @returns when a mail that was queued then may go, asked at another time or at once */
function goes(
  queued: string,
  times: Partial<MailTimes>,
  { asked = queued, isCollected = false, timeZone = 'Europe/Berlin' } = {},
): string {
  const mail = { queuedAt: Date.parse(queued), at: Date.parse(asked), isCollected };
  const at = mayGoAt(mail, { ...mailTimesDefaults, ...times }, timeZone);
  return new Date(at).toISOString().slice(0, 16);
}

describe('a mail that can wait', () => {
  const overnight = { quietFromHour: 22, quietUntilHour: 7 };
  const overNoon = { quietFromHour: 12, quietUntilHour: 14 };

  it.each([
    ['in the evening before', '2027-01-10T20:59Z', overnight, '2027-01-10T20:59'],
    ['when they begin', '2027-01-10T21:00Z', overnight, '2027-01-11T06:00'],
    ['before midnight', '2027-01-10T22:30Z', overnight, '2027-01-11T06:00'],
    ['after midnight', '2027-01-11T02:00Z', overnight, '2027-01-11T06:00'],
    ['when they end', '2027-01-11T06:00Z', overnight, '2027-01-11T06:00'],
    ['in the morning', '2027-01-11T10:00Z', overNoon, '2027-01-11T10:00'],
    ['at noon', '2027-01-11T11:30Z', overNoon, '2027-01-11T13:00'],
    ['in the afternoon', '2027-01-11T13:30Z', overNoon, '2027-01-11T13:30'],
  ])('goes after the quiet hours: %s', (_, queued, times, expected) => {
    expect(goes(queued, times)).toBe(expected);
  });

  it('goes at once where no hours are quiet', () => {
    expect(goes('2027-01-10T02:00Z', {})).toBe('2027-01-10T02:00');
    expect(goes('2027-01-10T02:30Z', { quietFromHour: 3, quietUntilHour: 3 })).toBe(
      '2027-01-10T02:30',
    );
  });

  it('goes by the clocks of the company, also in the nights in which they change', () => {
    expect(goes('2027-01-10T13:30Z', overnight, { timeZone: 'Asia/Tokyo' })).toBe(
      '2027-01-10T22:00',
    );
    expect(goes('2027-03-27T22:00Z', overnight)).toBe('2027-03-28T05:00');
    expect(goes('2027-10-30T21:00Z', overnight)).toBe('2027-10-31T06:00');
    // Two o'clock does not exist in that night.
    expect(goes('2027-03-27T23:30Z', { quietFromHour: 0, quietUntilHour: 2 })).toBe(
      '2027-03-28T01:00',
    );
  });

  it('goes with the next digest after it was queued, whenever it is asked for', () => {
    const collected = { isCollected: true };

    expect(goes('2027-01-10T08:00Z', {}, collected)).toBe('2027-01-11T07:00');
    expect(goes('2027-01-10T05:00Z', {}, collected)).toBe('2027-01-10T07:00');
    expect(goes('2027-01-10T05:00Z', {}, { ...collected, asked: '2027-01-10T09:00Z' })).toBe(
      '2027-01-10T09:00',
    );
    expect(goes('2027-01-10T08:00Z', { digestHour: 6 }, collected)).toBe('2027-01-11T05:00');
  });

  it('goes after the quiet hours where the digest falls into them', () => {
    const times = { ...overnight, digestHour: 5 };

    expect(goes('2027-01-10T08:00Z', times, { isCollected: true })).toBe('2027-01-11T06:00');
  });

  it('is one that can be muted, and no other', () => {
    const waiting = templateCodes.filter(canWait);

    expect(waiting).toEqual(expect.arrayContaining(['note_mention', 'report_ready']));
    for (const code of ['password_reset', 'claim_overdue', 'premium_due', 'renewal_reminder']) {
      expect(waiting).not.toContain(code);
    }
    expect(waiting).not.toContain('notification_digest');
  });
});

describe('the settings of mails', () => {
  const refused = (notifications: Record<string, unknown>) =>
    settingsProblems({ notifications }, { isPlatform: false }).map(({ field }) => field);

  it('take full hours of a day and a known rhythm', () => {
    expect(
      refused({
        quietFromHour: 22,
        quietUntilHour: 0,
        digest: 'daily',
        digestHour: 23,
        gatherHours: 24,
      }),
    ).toEqual([]);
    expect(
      refused({
        quietFromHour: 24,
        quietUntilHour: -1,
        digest: 'weekly',
        digestHour: 7.5,
        gatherHours: 25,
      }),
    ).toEqual([
      'notifications.quietFromHour',
      'notifications.quietUntilHour',
      'notifications.digest',
      'notifications.digestHour',
      'notifications.gatherHours',
    ]);
  });
});

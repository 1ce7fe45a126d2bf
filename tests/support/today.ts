import { setTimeout as pause } from 'node:timers/promises';
import { dateAt, type CalendarDate } from '../../src/rules/calendar.ts';

const rightBeforeMs = 10_000;

/** The date in the zone, which what follows at once will read too: right before midnight it waits. */
export async function todayIn(timeZone: string): Promise<CalendarDate> {
  for (;;) {
    const today = dateAt(Date.now(), timeZone);
    if (dateAt(Date.now() + rightBeforeMs, timeZone) === today) return today;
    await pause(100);
  }
}

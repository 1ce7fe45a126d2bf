import type { Actor } from '../context.ts';
import { invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Calendar } from '../models/Calendar.ts';
import { append, flush, withTenant } from '../models/database.ts';
import { editRow, versionConflict } from '../models/rows.ts';
import type { BusinessCalendar } from '../rules/businessDays.ts';
import { refuseUnknownZone } from './ownCompany.ts';

/** A company's calendar; version 0 is the usual one of a company that has set none. */
export interface CalendarView extends BusinessCalendar {
  readonly version: number;
}

/** When a company works. A change holds for deadlines that are set from then on. */
export const createCalendars = () => ({
  get: ({ companyId }: Actor): Promise<CalendarView> => withTenant(companyId, present),

  /** @throws Invalid for an unknown zone, and for hours that end before they begin */
  async replace(
    { companyId }: Actor,
    wish: BusinessCalendar,
    expectedVersion: number | undefined,
  ): Promise<CalendarView> {
    refuseUnknownZone(wish.timeZone);
    const { from, to } = wish.workingHours;
    if (from >= to) {
      throw invalidField('working_hours.to', `must be after ${from}`, 'OUT_OF_RANGE');
    }
    const fields = {
      timeZone: wish.timeZone,
      workingDays: wish.workingDays.toSorted((a, b) => a - b),
      workingHours: { from, to },
      holidays: wish.holidays.toSorted(),
    };

    return withTenant(companyId, async () => {
      const calendar = await Calendar.findOne();
      if (calendar) return editRow(Calendar, calendar, fields, expectedVersion);
      if (expectedVersion !== undefined && expectedVersion !== 0) {
        throw versionConflict(Calendar.entityType, companyId, 0);
      }
      const id = append(Calendar, fields);
      AuditLog.record('CREATE', { type: Calendar.entityType, id }, { after: fields });
      await flush();
      return present();
    });
  },
});

export type Calendars = ReturnType<typeof createCalendars>;

async function present(): Promise<CalendarView> {
  const calendar = await Calendar.findOne();
  return calendar ?? { ...(await Calendar.ofCompany()), version: 0 };
}

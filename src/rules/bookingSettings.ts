import type { Bounds } from './bounds.ts';

/** What holds for a booking, frozen with it. */
export interface BookingSettings {
  /** For the payment, while the nights are held. */
  readonly holdMinutes: number;
  /** For the host, once it is paid. */
  readonly hostConfirmationHours: number;
  /** Days before the check-in on which the guest is reminded. */
  readonly stayReminderDays: readonly number[];
  /** After the check-out. */
  readonly reviewDays: number;
  readonly reviewReminderDays: number;
  /** After which a refund that has not arrived is looked into, and once more. */
  readonly refundWatchDays: number;
}

export const bookingDefaults: BookingSettings = {
  holdMinutes: 15,
  hostConfirmationHours: 24,
  stayReminderDays: [7, 1],
  reviewDays: 14,
  reviewReminderDays: 7,
  refundWatchDays: 5,
};

export const bookingBounds: Readonly<Record<keyof BookingSettings, Bounds>> = {
  holdMinutes: { kind: 'whole', min: 5, max: 60 },
  hostConfirmationHours: { kind: 'whole', min: 1, max: 72 },
  stayReminderDays: { kind: 'list', min: 1, max: 60 },
  reviewDays: { kind: 'whole', min: 7, max: 60 },
  reviewReminderDays: { kind: 'whole', min: 1, max: 59 },
  refundWatchDays: { kind: 'whole', min: 1, max: 30 },
};

/** What a property says for itself; null is the company's. */
export interface OwnBookingSettings {
  readonly holdMinutes: number | null;
  readonly hostConfirmationHours: number | null;
}

/** What holds for a booking of the property now. */
export function bookingSettings(
  set: Partial<BookingSettings> = {},
  { holdMinutes, hostConfirmationHours }: OwnBookingSettings,
): BookingSettings {
  return {
    ...bookingDefaults,
    ...set,
    ...(holdMinutes !== null && { holdMinutes }),
    ...(hostConfirmationHours !== null && { hostConfirmationHours }),
  };
}

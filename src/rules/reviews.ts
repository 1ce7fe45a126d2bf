/** Administrators hide what should not be seen; it is kept, and does not count. */
export const reviewStatuses = ['published', 'hidden'] as const;

export type ReviewStatus = (typeof reviewStatuses)[number];

/** Hours in which whoever wrote a review may change it. */
export const reviewEditHours = 48;

/** Whether it may still be changed. Instants are epoch milliseconds. */
export const isEditable = (writtenAt: number, at: number): boolean =>
  at <= writtenAt + reviewEditHours * 3_600_000;

/** A name as it travels: `reviewReminderBd` is `review_reminder_bd`. */
export const wireName = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

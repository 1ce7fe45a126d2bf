import type { Client } from '@temporalio/client';

const answeredWithinMs = 10_000;

/** Carries out a call of Temporal, or of several; without a deadline the client tries each for minutes. */
export type InTime = <T>(work: () => Promise<T>, withinMs?: number) => Promise<T>;

export const inTimeBy =
  ({ connection }: Pick<Client, 'connection'>): InTime =>
  (work, withinMs = answeredWithinMs) =>
    connection.withDeadline(Date.now() + withinMs, work);

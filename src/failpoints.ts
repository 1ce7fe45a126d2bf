import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { currentContext } from './context.ts';

/** The borders that every effect passes: here, and nowhere else, a test may end the process. */
export const failpoints = [
  'transaction.beforeCommit',
  'transaction.afterCommit',
  'dispatch.beforeStart',
  'dispatch.afterStart',
  'dispatch.afterMark',
  'owed.beforeStart',
  'owed.afterStart',
  'owed.afterMark',
  'relay.afterClaim',
  'relay.afterStart',
  'relay.afterMark',
  'command.afterKey',
  'command.afterAnswer',
  'activity.before',
  'activity.after',
  'mail.beforeSend',
  'mail.afterSend',
  'mail.beforeMark',
  'gateway.beforeSend',
  'gateway.afterSend',
] as const;

export type Failpoint = (typeof failpoints)[number];

interface Armed {
  readonly name: string;
  /** Undefined: anywhere. An activity's name is also where its transactions are. */
  readonly where: string | undefined;
  hitsLeft: number;
}

let armed: Armed | undefined;

/**
 * From now on the process dies at one of its borders. @param setting `name#n` or `name:where#n`, the
 * n-th time that it is passed; the configuration gives it to test processes only
 */
export function armFailpoint(setting: string | undefined): void {
  const [, name, where, hits] = /^([\w.]+)(?::(\w+))?#(\d+)$/.exec(setting ?? '') ?? [];
  if (name) armed = { name, where, hitsLeft: Number(hits) };
}

/** Where a test writes the setting before it sends SIGHUP to a process; gone once that is armed. */
export const failpointFileOf = (pid: number): string =>
  path.join(tmpdir(), `surety-failpoint-${pid}`);

/** For test processes: what runs is armed without being started anew. */
export function armOnSignal(): void {
  // Temporal's workers take SIGUSR2 for the end.
  process.on('SIGHUP', () => {
    const file = failpointFileOf(process.pid);
    armFailpoint(readFileSync(file, 'utf8'));
    rmSync(file);
  });
}

/** Costs one read where nothing is armed. @param where the door or the activity that passes here */
export function failpoint(name: Failpoint, where?: string): void {
  if (armed) pass(armed, name, where);
}

/** SIGKILL, as the kernel or an operator would: nothing is flushed, closed or answered. */
function pass(aim: Armed, name: Failpoint, where: string | undefined): void {
  if (aim.name !== name) return;
  const isThere = aim.where === where || aim.where === currentContext().activity;
  if (aim.where !== undefined && !isThere) return;
  aim.hitsLeft -= 1;
  if (aim.hitsLeft === 0) process.kill(process.pid, 'SIGKILL');
}

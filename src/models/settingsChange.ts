import { AuditLog } from './AuditLog.ts';
import { Timer } from './Timer.ts';

/** What other settings do to timers that are set; times in epoch milliseconds. */
export interface TimersUnderSettings {
  readonly moved: readonly { readonly timer: { readonly row: Timer }; readonly dueAt: number }[];
  readonly cancelled: readonly { readonly row: Timer }[];
}

/** Has the timers of one entity as its settings now have them, with a line of the audit for each that moves. */
export async function moveUnderSettings(
  entity: { readonly type: string; readonly id: string },
  { moved, cancelled }: TimersUnderSettings,
  reason: string | null,
): Promise<void> {
  const why = reason ?? 'Changed settings are applied';
  await Timer.cancel(
    cancelled.map(({ row }) => row),
    why,
  );
  await Timer.move(
    entity.id,
    moved.map(({ timer: { row }, dueAt }) => ({
      name: row.name,
      occurrence: row.occurrence,
      dueAt,
    })),
    why,
    'setting',
  );
  for (const { timer, dueAt } of moved) {
    AuditLog.record('TIMER_CHANGE', entity, {
      before: { timer: timer.row.name, dueAt: timer.row.dueAt },
      after: { timer: timer.row.name, dueAt: new Date(dueAt), reason: why },
    });
  }
}

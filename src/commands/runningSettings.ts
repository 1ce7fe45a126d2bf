import type { Actor } from '../context.ts';
import { withTenant } from '../models/database.ts';
import type { TimersUnderSettings } from '../models/settingsChange.ts';
import { toEach } from './batches.ts';
import { commandOnce, type Once, type Replay } from './idempotency.ts';
import { typedText } from './typedText.ts';

/** What runs under settings that were changed since, and its deadlines that would move. */
export interface Outdated {
  readonly id: string;
  readonly status: string;
  readonly timers: readonly MovedTimer[];
}

export interface MovedTimer {
  readonly name: string;
  readonly dueAt: Date;
  /** Not before now: what would be past is due at once. */
  readonly newDueAt: Date;
}

export interface SettingsApplied<T extends Outdated> {
  readonly dryRun: boolean;
  /** Those that have the settings now, or would have them. */
  readonly done: readonly T[];
  /** Those whose workflow refused or did not answer, with the code of the refusal. */
  readonly failed: readonly (T & { readonly code: string })[];
  /** How many are left for the next time. */
  readonly remaining: number;
}

export interface ApplySettings {
  /** Shows what would follow and changes nothing. */
  readonly dryRun: boolean;
  readonly reason: string;
}

interface ApplyOrder {
  readonly actor: Actor;
  readonly commandId: string;
  readonly reason: string;
}

/** So many are shown, and changed at a time. */
export const settingsBatch = 100;

/**
 * Brings what runs in line with settings that were changed since it began, a batch at a time. One that was
 * interrupted is repeated: what has the settings already is no longer outdated.
 * @throws Unavailable when no workflow can be reached
 */
export const applyingSettings =
  <T extends Outdated>({
    find,
    apply,
  }: {
    /** The first of them, oldest first, as one of the company. */
    readonly find: () => Promise<{ readonly outdated: readonly T[]; readonly total: number }>;
    readonly apply: (item: T, order: ApplyOrder) => Promise<unknown>;
  }) =>
  async (
    actor: Actor,
    { dryRun, reason: written }: ApplySettings,
    once: Once,
  ): Promise<SettingsApplied<T> | Replay> => {
    const reason = typedText('reason', written);
    const found = () => withTenant(actor.companyId, find);
    if (dryRun) {
      const { outdated, total } = await found();
      return { dryRun, done: outdated, failed: [], remaining: total };
    }
    return commandOnce(once, async (commandId) => {
      const { outdated, total } = await found();
      const { done, failed } = await toEach(outdated, async (item) => {
        await apply(item, { actor, commandId: `${commandId}/${item.id}`, reason });
      });
      return { dryRun, done, failed, remaining: total - done.length };
    });
  };

export const movedTimers = ({ moved }: TimersUnderSettings): readonly MovedTimer[] =>
  moved.map(({ timer: { row }, dueAt }) => ({
    name: row.name,
    dueAt: row.dueAt,
    newDueAt: new Date(dueAt),
  }));

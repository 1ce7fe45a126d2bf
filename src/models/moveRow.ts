import { and, type Attributes, type Model, type ModelStatic } from 'sequelize';
import { AuditLog } from './AuditLog.ts';
import { versionConflict } from './rows.ts';
import { Transition } from './Transition.ts';

/** One step of a lifecycle as its workflow asks for it. */
export interface Step {
  readonly commandId: string;
  readonly expectedVersion: number;
  readonly at: Date;
  readonly reason?: string | null;
  readonly facts?: Readonly<Record<string, unknown>>;
}

interface Living {
  id: string;
  status: string;
  stateVersion: number;
}

/**
 * Writes one step of a row's lifecycle with its history and audit. The version fence also stops a
 * late attempt that wakes up again.
 * @throws Conflict VERSION_CONFLICT
 */
export async function moveRow<M extends Model & Living>(
  model: ModelStatic<M> & { readonly entityType: string },
  row: M,
  { event, to }: { readonly event: string; readonly to: string },
  step: Step,
  changes: Partial<Attributes<M>> = {},
): Promise<void> {
  const { id, status: from } = row;
  const stateVersion = step.expectedVersion + 1;
  const [moved] = await model.update(
    { ...changes, status: to, stateVersion },
    { where: and({ id, stateVersion: step.expectedVersion }) },
  );
  if (moved === 0) throw versionConflict(model.entityType, id, row.stateVersion);

  Transition.record({
    entityType: model.entityType,
    entityId: id,
    stateVersion,
    event,
    fromStatus: from,
    toStatus: to,
    commandId: step.commandId,
    at: step.at,
    reason: step.reason ?? null,
    facts: step.facts ?? {},
  });
  const shown = Object.keys(changes).filter((name) => !secret.has(name));
  AuditLog.record(
    'STATUS_CHANGE',
    { type: model.entityType, id },
    {
      before: { status: from, ...Object.fromEntries(shown.map((name) => [name, row.get(name)])) },
      after: {
        status: to,
        event,
        ...Object.fromEntries(shown.map((name) => [name, Reflect.get(changes, name)])),
      },
    },
  );
  await row.reload();
}

/** Never in the audit, not even hashed. */
const secret: ReadonlySet<string> = new Set(['adminPasswordHash', 'verificationHash']);

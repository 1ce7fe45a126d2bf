import type { Model, ModelStatic } from 'sequelize';
import { flush, withTenant } from '../models/database.ts';
import type { Step } from '../models/moveRow.ts';
import { Notification } from '../models/Notification.ts';
import { getRow } from '../models/rows.ts';
import { Timer } from '../models/Timer.ts';
import { Transition } from '../models/Transition.ts';

/** A step's outcome: the new state and the e-mails that it queued. */
export interface Outcome<State> {
  readonly state: State;
  readonly notificationIds: readonly string[];
}

interface Living {
  id: string;
  version: number;
  archivedAt: Date | null;
  status: string;
  workflowClosedAt: Date | null;
}

/** One transaction for one step of a lifecycle, entered once per command. */
export const oneStep = <M extends Model & Living, State>(
  order: {
    readonly companyId: string;
    readonly commandId: string;
    readonly expectedVersion: number;
    /** Epoch milliseconds, the workflow's clock. */
    readonly at: number;
    readonly reason?: string | null;
    readonly model: ModelStatic<M> & { readonly entityType: string };
    readonly id: string;
    stateOf(row: M): Promise<State>;
  },
  act: (row: M, step: Step) => Promise<void>,
): Promise<Outcome<State>> =>
  withTenant(order.companyId, async () => {
    const { model, commandId, expectedVersion, at, reason = null } = order;
    // A second try waits here until the first has ended, and then meets what it recorded.
    const row = await getRow(model, order.id, { lock: true, archived: true });
    if (!(await Transition.exists(commandId))) {
      await act(row, { commandId, expectedVersion, at: new Date(at), reason });
      await flush();
      // Nobody is left to carry them out.
      if (row.workflowClosedAt) {
        await Timer.cancelScheduled(row.id, `The ${model.entityType} is ${row.status}`);
      }
    }
    return {
      state: await order.stateOf(row),
      notificationIds: await Notification.unsentAbout(row.id),
    };
  });

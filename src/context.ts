import { AsyncLocalStorage } from 'node:async_hooks';
import type { Permission, Role } from './rules/permissions.ts';

/** Who acts. A person signed in to one company, a key of it, or the system itself (timers, jobs). */
export interface Actor {
  readonly type: 'user' | 'api_key' | 'workflow' | 'system';
  readonly userId: string | null;
  readonly companyId: string;
  readonly roles: readonly Role[];
  readonly sessionId: string | null;
  /** The company demands a second factor of one of the roles, and the person has none yet. */
  readonly mustEnrol?: boolean;
  /** Of a key: it has neither a user nor roles. */
  readonly key?: { readonly id: string; readonly scopes: readonly Permission[] } | undefined;
}

/** The id under which an actor is written down: a user's or a key's. */
export const principalOf = ({ userId, key }: Actor): string | null => userId ?? key?.id ?? null;

/** What every log line, audit line and Temporal header of one piece of work carries. */
export interface WorkContext {
  readonly requestId: string;
  readonly companyId?: string | undefined;
  readonly actorId?: string | null | undefined;
  readonly actorType?: Actor['type'] | undefined;
  readonly workflowId?: string | undefined;
  /** The step of the workflow that is at work. */
  readonly activity?: string | undefined;
  readonly ip?: string | undefined;
  readonly userAgent?: string | undefined;
}

const storage = new AsyncLocalStorage<WorkContext>();

export const runInContext = <T>(context: WorkContext, work: () => T): T =>
  storage.run(context, work);

/** The current work's context; an empty one outside of any request or activity. */
export const currentContext = (): WorkContext => storage.getStore() ?? { requestId: '' };

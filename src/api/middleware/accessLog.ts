import { principalOf } from '../../context.ts';
import type { Logger } from '../../logger.ts';
import type { AccessedOperation, Middleware, RequestState } from '../state.ts';

/** One line a request: who, which company, which route, whether it was let through. No URL values. */
export const accessLog =
  (access: Logger): Middleware =>
  async (ctx, next) => {
    const startedAt = performance.now();
    await next();
    const { endpoint, sender, company, params, operations } = ctx.state;
    access.info({
      method: ctx.method,
      route: endpoint ?? 'unmatched',
      status: ctx.status,
      decision: decisionOn(ctx.status, ctx.state),
      ms: Math.round((performance.now() - startedAt) * 10) / 10,
      principal: sender ? principalOf(sender) : null,
      company: company?.id ?? null,
      id: params?.['id'] ?? null,
      ...(operations && { operations }),
    });
  };

/** A command may still deny what the route's permission granted; `refused` never came that far. */
export function decisionOn(
  status: number,
  { isGranted }: Pick<RequestState, 'isGranted'>,
): AccessedOperation['decision'] {
  if (status === 401 || status === 403) return 'denied';
  return isGranted ? 'granted' : 'refused';
}

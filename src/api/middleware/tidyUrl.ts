import { Refusal } from '../../errors.ts';
import type { Middleware } from '../state.ts';

const longestUrl = 8192;

/** One trailing slash is as good as none, except below the documentation, whose page needs its own. */
export const tidyUrl: Middleware = (ctx, next) => {
  if (ctx.url.length > longestUrl) {
    throw new Refusal(414, 'URI_TOO_LONG', `An address has up to ${longestUrl} characters`);
  }
  const { path } = ctx;
  if (path.length > 1 && path.endsWith('/') && !path.startsWith('/api/docs')) {
    ctx.path = path.slice(0, -1);
  }
  return next();
};

import type { Dispatcher } from '../src/commands/dispatch.ts';
import { runInContext } from '../src/context.ts';
import type { Logger } from '../src/logger.ts';
import { listeningCompanies, promiseWebhooks } from '../src/models/webhookStart.ts';
import { startPolling, type Polling } from '../src/polling.ts';

const pollMs = 2000;
const first = '00000000-0000-0000-0000-000000000000';

/**
 * Promises to tell the webhooks of companies what has happened there, a few seconds after it did. It may
 * run in many processes; dying anywhere loses nothing and doubles nothing.
 */
export function startWebhooks({
  dispatch,
  log,
}: Pick<Dispatcher, 'dispatch'> & { readonly log: Logger }): Polling {
  return startPolling({
    everyMs: pollMs,
    async round(isStopping) {
      let isMore = false;
      for await (const companyId of companies()) {
        if (isStopping()) break;
        const context = { requestId: 'webhooks', companyId, actorType: 'system' } as const;
        await runInContext(context, async () => {
          const { starts, hasMore } = await promiseWebhooks(companyId);
          for (const start of starts) dispatch(start);
          isMore ||= hasMore;
        }).catch((error: unknown) => log.error({ err: error, companyId }, 'webhooks wait'));
      }
      return isMore;
    },
    onError: (error) => log.error({ err: error }, 'webhooks wait'),
  });
}

async function* companies(): AsyncGenerator<string> {
  let behind: string | undefined = first;
  while (behind !== undefined) {
    const page: readonly string[] = await listeningCompanies(behind);
    yield* page;
    behind = page.at(-1);
  }
}

import type { Say } from '../../local/progress.ts';
import type { InsideInput, InsideOutcome } from '../inside.ts';
import { runProgram } from '../programs.ts';
import type { Row } from '../report.ts';
import { median, rounded, spread } from '../statistics.ts';
import type { World } from '../world.ts';

/** What stands before and around each statement of a request, called in a process of its own. */
export async function inside(
  { stack, admin, companyId }: World,
  what: InsideInput['what'],
  { rounds, calls }: { readonly rounds: number; readonly calls: number },
  say: Say,
): Promise<Row[]> {
  say(`${rounds} rounds of ${calls} calls`);
  const input: InsideInput = {
    what,
    token: admin.token,
    companyId,
    databaseUrl: stack.urls.apiDatabase,
    rounds,
    calls,
  };
  const outcome: InsideOutcome = JSON.parse(await runProgram('inside', input, 300, stack.env));
  const [product, bare] = [median(outcome.product), median(outcome.bare)];
  const time = `${rounded(product, 4)} ms ${spread(outcome.product)}`;
  if (what === 'permission') {
    const added = product - bare;
    return [
      {
        figure: 'the permission check of a request, once cached',
        measured: time,
        target: '<= 0.2 ms',
        met: added <= 0.2 && outcome.roundTrips === 0,
        detail: outcome,
      },
    ];
  }
  // The statement itself is one of them.
  const added = outcome.roundTrips - 1;
  return [
    {
      figure: 'round trips that withTenant adds',
      measured: String(added),
      target: '<= 3',
      met: added >= 0 && added <= 3,
    },
    {
      figure: 'SELECT 1 in withTenant',
      measured: time,
      baseline: `${rounded(bare, 4)} ms ${spread(outcome.bare)} pg pool, SELECT 1 alone`,
      ratio: rounded(product / bare, 2),
      target: '',
      detail: outcome,
    },
  ];
}

import type { Say } from '../../local/progress.ts';
import type { Row } from '../report.ts';
import { median, rounded } from '../statistics.ts';
import { readMetrics, type World } from '../world.ts';

const query = `{ plans(size: 20) { items { id name premium
  category { id name plans(size: 3) { id name } } } } }`;

/**
 * Plans, their categories and the newest plans of those in one request, beside the requests of REST that bring
 * the same: one after another by level, and those of a level at once.
 */
export async function graphql(
  { prefix, admin, stack }: World,
  { rounds, times }: { readonly rounds: number; readonly times: number },
  say: Say,
): Promise<Row[]> {
  const headers = { Authorization: `Bearer ${admin.token}`, 'Content-Type': 'application/json' };
  const ask = async (path: string, body?: object): Promise<string> => {
    const response = await fetch(`${stack.urls.api}${path}`, {
      headers,
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok || answer.includes('"errors"')) throw new Error(answer.slice(0, 300));
    return answer;
  };
  const byGraphql = (): Promise<string> => ask('/graphql', { query });
  const byRest = async (): Promise<void> => {
    const { items }: { items: { property_category_id: string }[] } = JSON.parse(
      await ask(`${prefix}/plans?size=20`),
    );
    const categories = [...new Set(items.map((plan) => plan.property_category_id))];
    await Promise.all(categories.map((id) => ask(`${prefix}/categories/${id}`)));
    await Promise.all(
      categories.map((id) => ask(`${prefix}/plans?property_category=${id}&size=3`)),
    );
  };
  const statements = async (): Promise<number> => {
    const text = await readMetrics(stack);
    return Number(/^db_query_duration_seconds_count (\d+)/m.exec(text)?.[1]);
  };
  const meanOf = async (work: () => Promise<unknown>): Promise<number> => {
    const startedAt = performance.now();
    for (let turn = 0; turn < times; turn += 1) await work();
    return (performance.now() - startedAt) / times;
  };
  await meanOf(byGraphql);
  await meanOf(byRest);

  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 1; round <= rounds; round += 1) {
    ours.push(await meanOf(byGraphql));
    theirs.push(await meanOf(byRest));
    say(
      `round ${round} of ${rounds}: ${rounded(ours.at(-1) ?? 0)} ms, ${rounded(theirs.at(-1) ?? 0)} ms`,
    );
  }
  const before = await statements();
  await meanOf(byGraphql);
  const each = ((await statements()) - before) / times;
  const ratio = median(ours) / median(theirs);
  return [
    {
      figure: 'three levels of GraphQL beside REST',
      measured: `${rounded(median(ours))} ms, ${rounded(each)} statements`,
      baseline: `${rounded(median(theirs))} ms`,
      ratio: rounded(ratio, 2),
      target: '<= 1.5',
      met: ratio <= 1.5,
      detail: { ours, theirs },
    },
  ];
}

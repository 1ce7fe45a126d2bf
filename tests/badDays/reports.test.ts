import { dataOf, newKey, openProduct, textIn, until, type Product } from './product.ts';

/** Where the worker dies: before it, as it begins, between two tables, at the end, and after it. */
const deaths = [
  'activity.before:generateReport#1',
  'transaction.beforeCommit:tenant#1',
  'transaction.afterCommit:tenant#3',
  'transaction.beforeCommit:tenant#6',
  'activity.after:generateReport#1',
] as const;

describe('the worker that dies while it generates a report', () => {
  let product: Product;
  const reports: string[] = [];

  beforeAll(async () => {
    product = await openProduct();
  }, 300_000);
  afterAll(() => product.close(), 120_000);

  const found = (...ids: readonly string[]) =>
    product.sql<{ status: string }>(
      `SELECT r.status, r.generation, r.progress, r.error,
         jsonb_array_length(r.report_data -> 'tables') AS tables,
         (SELECT array_agg(t.event ORDER BY t.state_version) FROM core.transitions t
          WHERE t.entity_id = r.id) AS events,
         (SELECT count(*)::int FROM core.notifications n WHERE n.entity_id = r.id) AS told
       FROM shared.reports r WHERE r.id = ANY ($1)`,
      [ids],
    );
  const hasEnded = (rows: readonly { readonly status: string }[]): boolean =>
    rows.every(({ status }) => status === 'ready' || status === 'failed');

  it.each(deaths)(
    'dies at %s',
    async (failpoint) => {
      await product.arm('worker', failpoint);

      const answer = await product.as('tenant_admin').insist({
        method: 'POST',
        path: '/reports',
        body: { name: failpoint, report_type: 'policy_type_analysis' },
        key: newKey(),
      });
      await product.died('worker');
      await product.restart('worker');

      expect(answer.status).toBe(201);
      const id = textIn(dataOf(answer), 'id');
      reports.push(id);
      // Each death ends a try of all that are under way, of which a report has four.
      await until('it has ended', async () => hasEnded(await found(id)), 120_000);
    },
    300_000,
  );

  it('generates each of them once, and tells of each once', async () => {
    expect(await found(...reports)).toEqual(
      deaths.map(() => ({
        status: 'ready',
        generation: 1,
        progress: 100,
        error: null,
        tables: 2,
        events: ['begin', 'complete'],
        told: 1,
      })),
    );
    expect(product.broken).toEqual([]);
  });
});

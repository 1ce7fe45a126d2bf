import { documentWorkflowId } from '../../src/rules/workflowIds.ts';
import { eicar, startClamd } from '../support/clamd.ts';
import { dataOf, isRecord, openProduct, textIn, until, type Product } from './product.ts';

/**
 * Where the worker dies: before the scan, between reading the row and the verdict, before and after the
 * verdict is kept, after the scan, and with the warning under way.
 */
const deaths = [
  'activity.before:scanDocument#1',
  'transaction.afterCommit:tenant#1',
  'transaction.beforeCommit:tenant#2',
  'transaction.afterCommit:tenant#2',
  'activity.after:scanDocument#1',
  'mail.afterSend#1',
] as const;

describe('the worker that dies while it scans a document', () => {
  let product: Product;
  let clamd: Awaited<ReturnType<typeof startClamd>>;
  let policyId: string;
  const documents: string[] = [];

  beforeAll(async () => {
    clamd = await startClamd();
    product = await openProduct({ CLAMD_ADDRESS: clamd.address });
    const [held] = await product.sql<{ id: string }>(
      `SELECT s.policy_id AS id FROM shared.policy_subscriptions s
       JOIN platform.users u ON u.id = s.user_id WHERE u.email = $1 ORDER BY s.id LIMIT 1`,
      [product.accountOf('policyholder').email],
    );
    policyId = held?.id ?? '';
  }, 300_000);
  afterAll(async () => {
    await product.close();
    clamd.server.close();
  }, 120_000);

  async function upload(name: string): Promise<string> {
    const form = new FormData();
    form.append('document_type', 'other');
    form.append('files', new Blob([eicar], { type: 'text/plain' }), `${name}.txt`);
    const answer = await product
      .as('policyholder')
      .send({ method: 'POST', path: `/policies/${policyId}/documents`, body: form });
    expect([answer.status, answer.body]).toEqual([201, expect.anything()]);
    const { documents: added } = dataOf(answer);
    const [document]: unknown[] = Array.isArray(added) ? added : [];
    return textIn(isRecord(document) ? document : {}, 'id');
  }

  it.each(deaths)(
    'dies at %s',
    async (failpoint) => {
      await product.arm('worker', failpoint);

      documents.push(await upload(failpoint.replaceAll(/\W/g, '-')));
      await product.died('worker');
      await product.restart('worker');
    },
    300_000,
  );

  it('keeps each of them from everybody, and tells of each once', async () => {
    const found = () =>
      product.sql<{ scan_status: string; mailed: number }>(
        `SELECT d.scan_status, d.scan_finding,
           (SELECT count(*)::int FROM core.audit_logs a
            WHERE a.entity_id = d.id AND a.action = 'STATUS_CHANGE') AS settled,
           (SELECT count(*)::int FROM core.notifications n WHERE n.entity_id = d.id) AS told,
           (SELECT count(*)::int FROM core.notifications n
            WHERE n.entity_id = d.id AND n.channel = 'email' AND n.status = 'sent') AS mailed
         FROM shared.documents d WHERE d.id = ANY ($1)`,
        [documents],
      );
    // A silent worker is given up after 15 s.
    await until(
      'all of them are settled and told of',
      async () =>
        (await found()).every(
          ({ scan_status, mailed }) => scan_status === 'infected' && mailed === 1,
        ),
      400_000,
    );

    expect(await found()).toEqual(
      deaths.map(() => ({
        scan_status: 'infected',
        scan_finding: 'Win.Test.EICAR',
        settled: 1,
        told: 3,
        mailed: 1,
      })),
    );
    const [company] = await product.sql<{ id: string }>(
      'SELECT company_id AS id FROM shared.documents LIMIT 1',
    );
    for (const id of documents) {
      const handle = product.temporal.workflow.getHandle(documentWorkflowId(company?.id ?? '', id));
      await handle.result();
    }
    expect(clamd.seen.length).toBeGreaterThanOrEqual(deaths.length);
    expect(product.broken).toEqual([]);
  }, 480_000);
});

import { randomUUID } from 'node:crypto';
import { createDocuments, type Upload } from '../../src/commands/documents.ts';
import { Replay } from '../../src/commands/idempotency.ts';
import type { StagedFile } from '../../src/commands/staging.ts';
import { defineModels } from '../../src/models/all.ts';
import { openDatabase, withTenant, type Database } from '../../src/models/database.ts';
import { Document } from '../../src/models/Document.ts';
import { Policy } from '../../src/models/Policy.ts';
import { as, buildSubscription, once } from '../support/build.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { startFaultProxy, type FaultProxy } from '../support/faultProxy.ts';

describe('an upload whose commit is not answered', () => {
  let direct: TestDatabase;
  let proxy: FaultProxy;
  let database: Database;
  let losesNext = false;

  beforeAll(async () => {
    direct = await openTestDatabase();
    const url = new URL(direct.apiUrl);
    proxy = await startFaultProxy({
      target: Number(url.port),
      choose(message) {
        if (!losesNext || !message.includes('COMMIT;')) return undefined;
        losesNext = false;
        return 'lost_reply';
      },
    });
    url.port = String(proxy.port);
    const limits = { poolMax: 2, acquireTimeoutMs: 10_000, statementTimeoutMs: 8000 };
    const options = { url: url.toString(), ...limits, applicationName: 'surety-test' };
    database = openDatabase(options, defineModels);
  });

  afterAll(async () => {
    await database.close();
    await proxy.close();
    await direct.close();
  });

  it('keeps the file that its row names, also when it is sent again', async () => {
    const { holder, companyId } = await buildSubscription();
    const policyId = await withTenant(companyId, async () => {
      const policy = await Policy.findOne({ where: { userId: holder.userId } });
      return policy?.id ?? '';
    });
    const kept = new Set<string>();
    const unused = () => {
      throw new Error('Nothing is read here');
    };
    const { add } = createDocuments({
      storage: {
        put: async (key) => void kept.add(key),
        remove: async (key) => void kept.delete(key),
        read: unused,
        list: unused,
      },
      links: { addressOf: () => '', judge: unused },
      dispatcher: { dispatch: () => undefined },
    });
    const file: StagedFile = {
      fileName: 'roof.png',
      mime: 'image/png',
      size: 3,
      sha256: '0'.repeat(64),
      open: unused,
      chunks: unused,
      discard: async () => undefined,
    };
    const key = randomUUID();
    const send = (isLost: boolean) =>
      as(holder, () =>
        add(
          holder,
          { kind: 'policy', id: policyId },
          async (): Promise<Upload> => {
            losesNext = isLost;
            return { body: { documentType: 'photo' }, files: [file] };
          },
          once(holder, key),
        ),
      );

    await expect(send(true)).rejects.toThrow();
    const again = await send(false);

    const rows = await withTenant(companyId, () => Document.findAll());
    expect(again).toBeInstanceOf(Replay);
    expect(rows).toHaveLength(1);
    expect([...kept]).toEqual(rows.map(({ storageKey }) => storageKey));
  });
});

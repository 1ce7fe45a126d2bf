import { Readable } from 'node:stream';
import { MockActivityEnvironment } from '@temporalio/testing';
import { v7 as uuid } from 'uuid';
import { documentActivities } from '../../src/activities/documents.ts';
import { Unavailable } from '../../src/errors.ts';
import { withTenant } from '../../src/models/database.ts';
import { Document } from '../../src/models/Document.ts';
import { Policy } from '../../src/models/Policy.ts';
import { openClamd, type Scan } from '../../src/scanner.ts';
import { buildCompany, buildSubscription } from '../support/build.ts';
import { eicar, startClamd } from '../support/clamd.ts';
import { buildClaimRow, type ClaimRow } from '../support/claimRows.ts';
import { openTestDatabase, type TestDatabase } from '../support/database.ts';
import { keepHistory } from '../../src/storage/histories.ts';
import { memoryStorage, type MemoryStorage } from '../support/documents.ts';

let database: TestDatabase;
let storage: MemoryStorage;

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
beforeEach(() => {
  storage = memoryStorage();
});

const inJob = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);

/** A document of a policy in quarantine, with its file. */
async function buildDocument(content = 'Das Dach') {
  const { companyId, holder } = await buildSubscription();
  const { userId } = holder;
  const policy = await withTenant(companyId, () => Policy.findOne({ where: { userId } }));
  const document = await addDocument({
    companyId,
    policyId: policy?.id ?? '',
    uploadedBy: userId,
    content,
  });
  return { ...document, holder };
}

async function addDocument({
  companyId,
  content = 'Das Dach',
  ...facts
}: {
  readonly companyId: string;
  readonly content?: string;
  readonly uploadedBy: string | null;
} & Partial<Pick<Document, 'policyId' | 'claimId' | 'sha256'>>) {
  const id = uuid();
  const storageKey = `${companyId}/2026-01/${id}`;
  storage.files.set(storageKey, { content: Buffer.from(content), modifiedAt: new Date() });
  await withTenant(companyId, () =>
    Document.create({
      id,
      companyId,
      documentType: 'other',
      fileName: 'note.txt',
      mime: 'text/plain',
      size: content.length,
      sha256: '0'.repeat(64),
      storageKey,
      uploadedAt: new Date(),
      ...facts,
    }),
  );
  const read = () => withTenant(companyId, () => Document.findOne({ where: { id } }));
  return { companyId, id, storageKey, read };
}

const answerRequest = () => Promise.reject(new Error('No claim here'));

describe('scanDocument', () => {
  const activities = (scan: Scan | undefined) =>
    documentActivities({ answerRequest, documents: { storage, scan } });

  it('lets a clean document out, and says when nothing scans', async () => {
    const { address, server } = await startClamd();
    const clean = await buildDocument();
    const unscanned = await buildDocument();

    await activities(openClamd(address)).scanDocument({ ...clean, documentId: clean.id });
    await activities(undefined).scanDocument({ ...unscanned, documentId: unscanned.id });

    expect(await clean.read()).toMatchObject({ scanStatus: 'clean', scanFinding: null });
    expect(await unscanned.read()).toMatchObject({ scanStatus: 'unscanned' });
    server.close();
  });

  it('stops an infected one, once, and tells its sender and the administrators', async () => {
    const { address, server } = await startClamd();
    const infected = await buildDocument(eicar);
    const order = { companyId: infected.companyId, documentId: infected.id };
    const { scanDocument } = activities(openClamd(address));

    const mails = await scanDocument(order);
    const again = await scanDocument(order);

    expect(await infected.read()).toMatchObject({
      scanStatus: 'infected',
      scanFinding: 'Win.Test.EICAR',
    });
    expect([mails.length, again]).toEqual([1, mails]);
    const told = await database.sql(
      `SELECT channel, recipient_role, recipient_user_id FROM core.notifications
       WHERE entity_id = $1 ORDER BY channel, recipient_role`,
      [infected.id],
    );
    expect(told).toEqual([
      { channel: 'email', recipient_role: null, recipient_user_id: infected.holder.userId },
      { channel: 'in_app', recipient_role: 'tenant_admin', recipient_user_id: null },
      { channel: 'in_app', recipient_role: null, recipient_user_id: infected.holder.userId },
    ]);
    server.close();
  });

  it('flags a claim whose file another claim holds, of the same policy or not, once', async () => {
    const { id: companyId } = await buildCompany();
    const [first, second] = [
      await buildClaimRow({ companyId }),
      await buildClaimRow({ companyId }),
    ];
    const samePolicy = await buildClaimRow({ companyId, policyId: second.policy.id });
    const add = ({ claim }: ClaimRow, sha256 = 'a'.repeat(64)) =>
      addDocument({ companyId, claimId: claim.id, uploadedBy: null, sha256 });
    const flagsOf = ({ claim }: ClaimRow) =>
      database.sql<{ evidence: object }>(
        'SELECT evidence, score, state FROM shared.fraud_flags WHERE claim_id = $1',
        [claim.id],
      );
    const scan = async (document: { id: string }) =>
      activities(undefined).scanDocument({ companyId, documentId: document.id });

    await scan(await add(first));
    await scan(await add(second, 'b'.repeat(64)));
    expect([await flagsOf(first), await flagsOf(second)]).toEqual([[], []]);

    const [shared, again] = [await add(second), await add(second)];
    await Promise.all([scan(shared), scan(again)]);
    await scan(shared);
    await scan(await add(samePolicy, 'b'.repeat(64)));

    expect(await flagsOf(second)).toEqual([
      { evidence: { claim_ids: [first.claim.id] }, score: 40, state: 'open' },
    ]);
    expect(await flagsOf(samePolicy)).toEqual([
      { evidence: { claim_ids: [second.claim.id] }, score: 40, state: 'open' },
    ]);
    expect(await flagsOf(first)).toEqual([]);
  });

  it('flags no claim for a file that was stopped', async () => {
    const { address, server } = await startClamd();
    const { id: companyId } = await buildCompany();
    const rows = [await buildClaimRow({ companyId }), await buildClaimRow({ companyId })];

    for (const { claim } of rows) {
      const { id } = await addDocument({
        companyId,
        claimId: claim.id,
        uploadedBy: null,
        sha256: 'c'.repeat(64),
        content: eicar,
      });
      await activities(openClamd(address)).scanDocument({ companyId, documentId: id });
    }

    expect(
      await database.sql('SELECT 1 FROM shared.fraud_flags WHERE company_id = $1', [companyId]),
    ).toEqual([]);
    server.close();
  });

  it('leaves in quarantine what the scanner says nothing of', async () => {
    const { address, server } = await startClamd((_, socket) => {
      socket.end('INSTREAM size limit exceeded. ERROR\0');
    });
    const hangsUp = await startClamd((_, socket) => void socket.destroy());
    const waiting = await buildDocument();
    const order = { companyId: waiting.companyId, documentId: waiting.id };

    for (const scan of [openClamd(address), openClamd(hangsUp.address), openClamd('127.0.0.1:9')]) {
      await expect(activities(scan).scanDocument(order)).rejects.toThrow(/clamd|ECONNREFUSED/);
    }

    expect(await waiting.read()).toMatchObject({ scanStatus: 'quarantined', scannedAt: null });
    server.close();
    hangsUp.server.close();
  });
});

describe('answerRequest', () => {
  const answering = (outcome: () => Promise<void>) => {
    const asked: unknown[] = [];
    const { answerRequest: answer, scanDocument: scan } = documentActivities({
      documents: { storage, scan: undefined },
      answerRequest: ({ userId }, claimId) => {
        asked.push([userId, claimId]);
        return outcome();
      },
    });
    return { answer, scan, asked };
  };

  async function buildOfClaim() {
    const { id: companyId } = await buildCompany();
    const { claim, holder } = await buildClaimRow({ companyId });
    const { userId: uploadedBy } = holder;
    const { id } = await addDocument({ companyId, claimId: claim.id, uploadedBy });
    return { ref: { companyId, documentId: id }, told: [uploadedBy, claim.id] };
  }

  it('asks for who sent the file, and only once it was scanned', async () => {
    const { answer, scan, asked } = answering(() => Promise.resolve());
    const { ref, told } = await buildOfClaim();

    await inJob(() => answer(ref));
    const before = [...asked];
    await inJob(() => scan(ref));
    await inJob(() => answer(ref));

    expect([before, asked]).toEqual([[], [told]]);
  });

  it('is tried again while the claim is out of reach', async () => {
    const { answer, scan } = answering(() => Promise.reject(new Unavailable('It is starting')));
    const { ref } = await buildOfClaim();
    await inJob(() => scan(ref));

    await expect(inJob(() => answer(ref))).rejects.toMatchObject({
      type: 'SERVICE_UNAVAILABLE',
      nonRetryable: false,
    });
  });
});

const stopScan = ({ companyId, id }: { companyId: string; id: string }, at = Date.now()) =>
  inJob(() =>
    documentActivities({ answerRequest, documents: { storage, scan: undefined } }).stopScan({
      companyId,
      documentId: id,
      at,
    }),
  );

describe('stopScan', () => {
  it('leaves a document in quarantine, and says so in the audit once', async () => {
    const document = await buildDocument();
    const at = Date.UTC(2026, 5, 1);

    await stopScan(document, at);
    await stopScan(document, at + 1000);

    expect(await document.read()).toMatchObject({
      scanStatus: 'quarantined',
      scanStoppedAt: new Date(at),
    });
    const lines = await database.sql(
      `SELECT after FROM core.audit_logs WHERE entity_id = $1 AND action = 'STATUS_CHANGE'`,
      [document.id],
    );
    expect(lines).toEqual([{ after: { scanStoppedAt: '2026-06-01T00:00:00.000Z' } }]);
  });

  it('changes nothing of what was scanned', async () => {
    const document = await buildDocument();
    const { companyId, id: documentId } = document;
    await inJob(() =>
      documentActivities({ answerRequest, documents: { storage, scan: undefined } }).scanDocument({
        companyId,
        documentId,
      }),
    );

    await stopScan(document);

    expect(await document.read()).toMatchObject({ scanStatus: 'unscanned', scanStoppedAt: null });
  });
});

describe('a clamd', () => {
  it('gets the file as it is, in chunks of any size', async () => {
    const { address, server, seen } = await startClamd();
    const chunks = [Buffer.from('a'), Buffer.alloc(300_000, 7), Buffer.from('end')];

    const found = await openClamd(address)(Readable.from(chunks, { objectMode: false }));

    expect(found).toEqual({ isInfected: false });
    expect(seen.map((content) => content.equals(Buffer.concat(chunks)))).toEqual([true]);
    server.close();
  });

  it('is not asked for a verdict on half a file', async () => {
    const { address, server, seen } = await startClamd();
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('half');
        throw new Error('The disk is gone');
      })(),
      { objectMode: false },
    );

    await expect(openClamd(address)(broken)).rejects.toThrow();
    expect(seen).toEqual([]);
    server.close();
  });
});

describe('tendDocuments', () => {
  const tendDocuments = () =>
    inJob(() =>
      documentActivities({
        answerRequest,
        documents: { storage, scan: undefined },
      }).tendDocuments(),
    );
  const dayAgo = new Date(Date.now() - 25 * 60 * 60 * 1000);

  it('removes files of more than a day without a row, and no others', async () => {
    const { companyId, storageKey } = await buildDocument();
    const kept = storage.files.get(storageKey);
    if (kept) kept.modifiedAt = dayAgo;
    const content = Buffer.from('x');
    storage.files.set(`${companyId}/2026-01/orphan`, { content, modifiedAt: dayAgo });
    storage.files.set(`${companyId}/2026-01/half.part`, { content, modifiedAt: dayAgo });
    storage.files.set(`${companyId}/2026-01/young`, { content, modifiedAt: new Date() });

    await tendDocuments();

    expect([...storage.files.keys()].filter((key) => key.startsWith(companyId))).toEqual([
      storageKey,
      `${companyId}/2026-01/young`,
    ]);
  });

  it('keeps the histories of runs for as long as the audit of that time', async () => {
    const { companyId } = await buildDocument();
    const run = { workflowId: `claim/${companyId}/${companyId}`, closedAt: new Date() };
    await keepHistory(storage, { ...run, runId: 'old' }, '{}');
    const kept = () => [...storage.files.keys()].filter((key) => key.includes(`${companyId}/h`));
    for (const key of kept()) {
      const file = storage.files.get(key);
      if (file) file.modifiedAt = new Date('2020-01-31');
    }
    await keepHistory(storage, { ...run, runId: 'young' }, '{}');

    await tendDocuments();
    const before = kept();
    await database.sql(
      `INSERT INTO core.audit_retired (company_id, month, lines, last_at)
       VALUES ($1, '2020-01-01', 1, '2020-01-31T23:00:00Z')`,
      [companyId],
    );
    await tendDocuments();

    expect(before).toHaveLength(2);
    expect(kept()).toEqual([expect.stringMatching(/_young\.json\.gz$/)]);
  });

  it('promises anew the scan of what waits for more than an hour, unless it was stopped', async () => {
    const { id } = await buildDocument();
    const { id: young } = await buildDocument();
    const stopped = await buildDocument();
    await stopScan(stopped);
    await database.sql(
      `UPDATE shared.documents SET created_at = now() - interval '2 hours'
       WHERE id = ANY ($1::uuid[])`,
      [[id, stopped.id]],
    );

    await tendDocuments();
    await tendDocuments();

    const owed = await database.sql(
      `SELECT entity_id, is_restart FROM core.outbox WHERE entity_id = ANY ($1::uuid[])`,
      [[id, young, stopped.id]],
    );
    expect(owed).toEqual([{ entity_id: id, is_restart: true }]);
  });
});

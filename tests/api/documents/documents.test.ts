import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { v7 as uuid } from 'uuid';
import type { Actor } from '../../../src/context.ts';
import { withTenant } from '../../../src/models/database.ts';
import { Document, documentsOf } from '../../../src/models/Document.ts';
import { Policy } from '../../../src/models/Policy.ts';
import { uploadLimits } from '../../../src/rules/documents.ts';
import { openTestApi, type Form, type TestApi } from '../../support/api.ts';
import { buildActor, buildCompany, buildSubscription } from '../../support/build.ts';
import { buildClaimRow } from '../../support/claimRows.ts';
import { docx, heic, jpeg, pdf, png, txt, webp, xlsx, zip } from '../../support/files.ts';
import { heldOpen } from '../../support/heldFiles.ts';

let api: TestApi;
let companyId: string;
let holder: Actor & { userId: string };
let policyId: string;
let path: string;

beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());
beforeEach(async () => {
  ({ id: companyId } = await buildCompany());
  ({ holder, policyId } = await soldPolicy(companyId));
  path = `/policies/${policyId}/documents`;
});

async function soldPolicy(ofCompany: string) {
  const { holder: buyer } = await buildSubscription({ companyId: ofCompany });
  const policy = await withTenant(ofCompany, () =>
    Policy.findOne({ where: { userId: buyer.userId } }),
  );
  return { holder: buyer, policyId: policy?.id ?? '' };
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');
const photo = { name: 'roof.png', type: 'image/png', content: png } as const;
const one: Form = { fields: { document_type: 'photo' }, files: [photo] };
const withFile = (file: NonNullable<Form['files']>[number]): Form => ({ ...one, files: [file] });

/** Only its header says so: it is as small as any. */
function pictureOf(width: number, height: number): Buffer {
  const content = Buffer.from(png);
  content.writeUInt32BE(width, 16);
  content.writeUInt32BE(height, 20);
  return content;
}

/** Every file there is below the folder of documents, those that are only on their way included. */
const filesLeft = (): string[] =>
  readdirSync(api.documentsDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath.includes(companyId))
    .map(({ name }) => name);
const rowsLeft = () => withTenant(companyId, () => Document.count());

/** Sends one document and lets it out of quarantine. */
async function uploaded(
  form: Form = one,
  { by = holder, scanStatus = 'clean' }: { by?: Actor; scanStatus?: Document['scanStatus'] } = {},
): Promise<{ id: string }> {
  const { body } = await api.as(by).upload(path, form);
  const [document] = body.data.documents;
  await settle(document.id, scanStatus);
  return document;
}

async function settle(id: string, status: Document['scanStatus']): Promise<void> {
  if (status === 'quarantined') return;
  await withTenant(companyId, async () => {
    const document = await Document.findOne({ where: { id } });
    await document?.settle(status === 'infected' ? { status, finding: 'Eicar' } : { status });
  });
}

describe('POST /policies/:id/documents', () => {
  it('stores the files, tells what they are, and promises their scan', async () => {
    const form: Form = {
      fields: { document_type: 'estimate', description: 'Zwei Angebote – 保険' },
      files: [photo, { name: 'Größe 保険.pdf', type: 'application/pdf', content: pdf }],
    };

    const { status, body } = await api.as(holder).upload(path, form);

    expect([status, body.message]).toEqual([201, 'Documents received']);
    expect(body.data.documents).toMatchObject([
      {
        policy_id: policyId,
        claim_id: null,
        document_type: 'estimate',
        description: 'Zwei Angebote – 保険',
        file_name: 'roof.png',
        mime: 'image/png',
        size: png.length,
        sha256: sha256(png),
        uploaded_by: holder.userId,
        scan_status: 'quarantined',
        content_url: null,
      },
      { file_name: 'Größe 保険.pdf', mime: 'application/pdf', sha256: sha256(pdf) },
    ]);
    expect(filesLeft().toSorted()).toEqual(
      body.data.documents.map(({ id }: { id: string }) => id).toSorted(),
    );
    const promised = await api.database.sql(
      `SELECT entity_id FROM core.outbox WHERE company_id = $1 AND workflow_type = 'documentScan'`,
      [companyId],
    );
    expect(promised).toHaveLength(2);
    const audited = await api.database.sql<{ after: object }>(
      `SELECT after FROM core.audit_logs WHERE company_id = $1 AND entity_type = 'document'`,
      [companyId],
    );
    expect(audited).toHaveLength(2);
    expect(JSON.stringify(audited)).not.toContain('Größe');
  });

  it.each([
    ['roof.jpg', 'image/jpeg', jpeg],
    ['roof.webp', 'image/webp', webp],
    ['roof.heic', 'image/heic', heic],
    ['note.txt', 'text/plain', txt],
    ['letter.docx', 'application/octet-stream', docx],
    ['costs.xlsx', 'application/octet-stream', xlsx],
  ])('takes %s', async (name, type, content) => {
    const { status, body } = await api.as(holder).upload(path, withFile({ name, type, content }));

    expect([status, body.data?.documents?.[0]?.size]).toEqual([201, content.length]);
  });

  it.each([
    ['a PNG that is called a PDF', 415, { ...photo, name: 'roof.pdf' }],
    ['a PNG that is sent as a PDF', 415, { ...photo, type: 'application/pdf' }],
    ['a program that is called an image', 415, { ...photo, content: Buffer.from('MZ\x90\0\x03') }],
    ['an archive', 415, { name: 'a.zip', type: 'application/zip', content: zip({ a: 'b' }) }],
    ['a page', 415, { name: 'a.txt', type: 'text/plain', content: Buffer.from('<html>hi') }],
    ['an image with an archive', 415, { ...photo, content: Buffer.concat([png, zip({ a: 'b' })]) }],
    ['a picture of 60 megapixels', 413, { ...photo, content: pictureOf(10_000, 6000) }],
    ['a picture without a size', 415, { ...photo, content: pictureOf(0, 6000) }],
    ['an empty file', 422, { ...photo, content: Buffer.alloc(0) }],
    ['a name with a Windows path', 422, { ...photo, name: '..\\roof.png' }],
    ['another field for files', 422, { ...photo, field: 'attachment' }],
  ] as const)('refuses %s, and leaves nothing', async (_, expected, file) => {
    const { status, body } = await api
      .as(holder)
      .upload(path, { ...one, files: [photo, { ...file }] });

    expect([status, body.success]).toEqual([expected, false]);
    expect([filesLeft(), await rowsLeft()]).toEqual([[], 0]);
  });

  it('refuses a file above 25 MB and more than ten files, and leaves nothing', async () => {
    const large = Buffer.concat([png, Buffer.alloc(uploadLimits.fileBytes)]);
    const eleven = Array.from({ length: 11 }, () => photo);

    const tooLarge = await api.as(holder).upload(path, withFile({ ...photo, content: large }));
    const tooMany = await api.as(holder).upload(path, { ...one, files: eleven });

    expect([tooLarge.status, tooLarge.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect([tooMany.status, tooMany.body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect([filesLeft(), await rowsLeft()]).toEqual([[], 0]);
  });

  it('takes exactly 25 MB, byte for byte', async () => {
    const large = Buffer.concat([pdf, Buffer.alloc(uploadLimits.fileBytes - pdf.length, 7)]);
    const file = { name: 'a.pdf', type: 'application/pdf', content: large };

    const { id } = await uploaded(withFile(file));
    const { bytes } = await api.as(holder).download(`/documents/${id}/content`);

    expect(sha256(bytes)).toBe(sha256(large));
  });

  it.each<[string, Form, number]>([
    ['no file', { ...one, files: [] }, 422],
    ['no type', { files: [photo] }, 422],
    ['an unknown type', { ...one, fields: { document_type: 'gossip' } }, 422],
    ['an unknown field', { ...one, fields: { document_type: 'photo', virtue: 'x' } }, 422],
    [
      'a long description',
      { ...one, fields: { document_type: 'photo', description: 'x'.repeat(201) } },
      422,
    ],
    [
      'a field for prototypes',
      { ...one, fields: { document_type: 'photo', __proto__x: 'x', constructor: 'x' } },
      400,
    ],
  ])('refuses %s, and leaves nothing', async (_, form, expected) => {
    const { status } = await api.as(holder).upload(path, form);

    expect(status).toBe(expected);
    expect([filesLeft(), await rowsLeft()]).toEqual([[], 0]);
  });

  it('refuses what is no form, a form without an end, and one that is compressed', async () => {
    const type = 'multipart/form-data; boundary=x';
    const send = async (body: string, headers: Record<string, string>) =>
      (await api.as(holder).post(path, Buffer.from(body), headers)).status;

    expect((await api.as(holder).post(path, { document_type: 'photo' })).status).toBe(415);
    expect(await send('nothing', { 'Content-Type': 'multipart/form-data' })).toBe(400);
    expect(
      await send(
        '--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nabc',
        {
          'Content-Type': type,
        },
      ),
    ).toBe(400);
    expect(await send('x', { 'Content-Type': type, 'Content-Encoding': 'gzip' })).toBe(415);
    expect([filesLeft(), await rowsLeft()]).toEqual([[], 0]);
  });

  it.each(['../../../roof.png', '/etc/roof.png', '..', 'a\u202Egnp.exe'])(
    'refuses the name %j, and leaves nothing',
    async (name) => {
      const body = Buffer.concat([formUpTo(name), png, Buffer.from('\r\n--x--\r\n')]);

      const { status } = await api.as(holder).post(path, body, {
        'Content-Type': 'multipart/form-data; boundary=x',
      });

      expect(status).toBe(422);
      expect([filesLeft(), await rowsLeft()]).toEqual([[], 0]);
    },
  );

  it('keeps nothing of an upload that is given up in the middle', async () => {
    const { port } = new URL(api.address);
    const { request } = await rawUpload(1_000_000);
    const socket = connect(Number(port), '127.0.0.1');
    const isTakenIn = () => heldOpen(api.documentsDir).some((file) => file.includes('.staged'));
    socket.write(request);
    while (!isTakenIn()) await pause(20);
    socket.destroy();
    while (isTakenIn()) await pause(20);

    // The next one is not in its way, and the folder holds that one alone.
    await uploaded();
    expect(readdirSync(api.documentsDir).filter((name) => name.endsWith('.staged'))).toEqual([]);
    expect([filesLeft().length, await rowsLeft()]).toEqual([1, 1]);
  });

  it('answers again under the same key, and stores once', async () => {
    const headers = { 'Idempotency-Key': uuid() };

    const first = await api.as(holder).upload(path, one, headers);
    const again = await api.as(holder).upload(path, one, headers);
    const other = await api
      .as(holder)
      .upload(path, withFile({ ...photo, name: 'other.png' }), headers);

    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.body.data).toEqual(first.body.data);
    expect([other.status, other.body.code]).toEqual([409, 'IDEMPOTENCY_KEY_REUSED']);
    expect([filesLeft().length, await rowsLeft()]).toEqual([1, 1]);
  });

  it('takes up to 200 documents, and takes the file of the next one back', async () => {
    await api.database.sql(
      `INSERT INTO shared.documents (company_id, id, policy_id, document_type, file_name, mime, size,
         sha256, storage_key, uploaded_at)
       SELECT $1, gen_random_uuid(), $2, 'other', 'a.txt', 'text/plain', 1, repeat('0', 64),
         n::text, now() FROM generate_series(1, 200) AS n`,
      [companyId, policyId],
    );

    const { status, body } = await api.as(holder).upload(path, one);

    expect([status, body.code]).toEqual([409, 'TOO_MANY_DOCUMENTS']);
    expect([filesLeft(), await rowsLeft()]).toEqual([[], 200]);
  });

  it('takes a picture of 50 megapixels', async () => {
    const content = pictureOf(10_000, 5000);

    expect((await api.as(holder).upload(path, withFile({ ...photo, content }))).status).toBe(201);
  });

  it('is refused once the documents of the company take all they may, to each of two at once', async () => {
    const bytes = async () =>
      Number(
        (
          await api.database.sql<{ value: string }>(
            `SELECT value FROM core.counters WHERE company_id = $1 AND name = 'document_bytes'`,
            [companyId],
          )
        )[0]?.value,
      );
    const quota = 100 * 1024 ** 3;
    const { id } = await uploaded();
    await uploaded();
    expect(await bytes()).toBe(2 * png.length);
    // What is archived keeps its file.
    await api.as(holder).delete(`/documents/${id}`);
    await api.database.sql(
      `UPDATE core.counters SET value = $2 WHERE company_id = $1 AND name = 'document_bytes'`,
      [companyId, quota - 2 * png.length + 1],
    );

    const both = await Promise.all([1, 2].map(() => api.as(holder).upload(path, one)));
    const third = await api.as(holder).upload(path, one);

    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    expect([third.status, third.body.code]).toEqual([409, 'DOCUMENT_QUOTA_REACHED']);
    expect(await bytes()).toBe(quota - png.length + 1);
    expect([filesLeft().length, await rowsLeft()]).toEqual([3, 3]);
  });

  it('counts what was there before it was counted', async () => {
    await uploaded();
    await api.database.sql(
      `DELETE FROM core.counters WHERE company_id = $1 AND name = 'document_bytes'`,
      [companyId],
    );

    await Promise.all([1, 2, 3].map(() => api.as(holder).upload(path, one)));

    const [counted] = await api.database.sql<{ value: string }>(
      `SELECT value FROM core.counters WHERE company_id = $1 AND name = 'document_bytes'`,
      [companyId],
    );
    expect(Number(counted?.value)).toBe(4 * png.length);
  });

  it('is for the holder and claim staff, and a 404 to others', async () => {
    const elsewhere = await buildCompany();
    const statusFor = async (actor: Actor) => (await api.as(actor).upload(path, one)).status;

    expect(await statusFor(holder)).toBe(201);
    for (const role of ['adjuster', 'call_center', 'tenant_admin'] as const) {
      expect([role, await statusFor(await buildActor({ companyId, role }))]).toEqual([role, 201]);
    }
    expect(await statusFor(await buildActor({ companyId, role: 'auditor' }))).toBe(403);
    expect(await statusFor(await buildActor({ companyId }))).toBe(404);
    expect(
      await statusFor(await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' })),
    ).toBe(404);
    expect((await api.visiting(companyId).upload(path, one)).status).toBe(401);
  });
});

/** A form as it is sent, up to the content of its one file. */
const formUpTo = (fileName: string): Buffer =>
  Buffer.from(
    '--x\r\nContent-Disposition: form-data; name="document_type"\r\n\r\nphoto\r\n' +
      `--x\r\nContent-Disposition: form-data; name="files"; filename="${fileName}"\r\n` +
      'Content-Type: image/png\r\n\r\n',
  );

/** The beginning of an upload that announces more than it sends. */
async function rawUpload(announced: number): Promise<{ request: Buffer }> {
  const { headers } = await authorization();
  const body = Buffer.concat([formUpTo('a.png'), png, Buffer.alloc(100_000)]);
  const head =
    `POST /api/v1${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${headers}\r\n` +
    `Content-Type: multipart/form-data; boundary=x\r\nContent-Length: ${announced}\r\n\r\n`;
  return { request: Buffer.concat([Buffer.from(head), body]) };
}

/** The token that the caller of the tests sends. */
async function authorization(): Promise<{ headers: string }> {
  const answer = await api.as(holder).get('/auth/me');
  const sent: { header?: Record<string, string> } = { ...Object(Reflect.get(answer, 'request')) };
  return { headers: sent.header?.['Authorization'] ?? '' };
}

describe('documents of a claim', () => {
  it('are those of its holder and of whoever works on it, who hears of them', async () => {
    const adjuster = await buildActor({ companyId, role: 'adjuster' });
    const colleague = await buildActor({ companyId, role: 'adjuster' });
    const neighbour = await buildActor({ companyId });
    const { claim } = await buildClaimRow({ companyId, policyId, assignedTo: adjuster.userId });
    const claimId = claim.id;
    const add = `/claims/${claimId}/add-document`;
    const statusFor = async (actor: Actor) =>
      (await api.as(actor).get(`/claims/${claimId}/documents`)).status;

    const { status, body } = await api.as(holder).upload(add, one);

    expect(status).toBe(201);
    expect(body.data.documents).toMatchObject([{ claim_id: claimId, policy_id: null }]);
    expect([await statusFor(holder), await statusFor(adjuster)]).toEqual([200, 200]);
    expect([await statusFor(colleague), await statusFor(neighbour)]).toEqual([404, 404]);
    expect((await api.as(neighbour).upload(add, one)).status).toBe(404);
    const told = await api.as(adjuster).get('/notifications');
    expect(told.body.items).toMatchObject([{ template: 'document_added' }]);
    expect((await api.as(holder).get(path)).body.items).toEqual([]);
  });

  it('count as there once they were scanned, unless they are infected or archived', async () => {
    const { claim } = await buildClaimRow({ companyId, policyId });
    path = `/claims/${claim.id}/add-document`;
    await uploaded(one, { scanStatus: 'quarantined' });
    const clean = await uploaded();
    await uploaded(one, { scanStatus: 'infected' });
    const archived = await uploaded();
    await api.as(holder).delete(`/documents/${archived.id}`);

    const there = await withTenant(companyId, () => documentsOf(claim.id));

    expect(there.map(({ id }) => id)).toEqual([clean.id]);
  });
});

describe('GET /policies/:id/documents', () => {
  it('filters and pages, the newest first', async () => {
    const first = await uploaded();
    const second = await uploaded({ ...one, fields: { document_type: 'report' } });
    await uploaded(one, { scanStatus: 'infected' });
    const ids = async (query: object) => {
      const { status, body } = await api.as(holder).get(path, query);
      return status === 200 ? body.items.map(({ id }: { id: string }) => id) : status;
    };

    expect(await ids({ scan_status: 'clean' })).toEqual([second.id, first.id]);
    expect(await ids({ document_type: 'report' })).toEqual([second.id]);
    expect(await ids({ page: 3, size: 1 })).toEqual([first.id]);
    expect(await ids({ search: 'roof' })).toBe(422);
  });
});

describe('/documents/:id', () => {
  it('is described anew by who uploaded it or a manager, at the version they have seen', async () => {
    const { id } = await uploaded();
    const manager = await buildActor({ companyId, role: 'claims_manager' });
    const adjuster = await buildActor({ companyId, role: 'adjuster' });
    const describeIt = (actor: Actor, version: string) =>
      api.as(actor).put(`/documents/${id}`, { document_type: 'invoice' }, { 'If-Match': version });

    expect(await describeIt(holder, '"1"')).toMatchObject({
      status: 200,
      body: { data: { document_type: 'invoice', description: null, version: 2 } },
    });
    expect(await describeIt(manager, '"1"')).toMatchObject({
      status: 409,
      body: { code: 'VERSION_CONFLICT' },
    });
    expect((await describeIt(manager, '"2"')).status).toBe(200);
    expect((await describeIt(adjuster, '"2"')).status).toBe(403);
  });

  it('is archived with its file, and then a 404', async () => {
    const { id } = await uploaded();

    expect((await api.as(holder).delete(`/documents/${id}`)).status).toBe(204);

    expect((await api.as(holder).get(`/documents/${id}`)).status).toBe(404);
    expect((await api.as(holder).get(`/documents/${id}/content`)).status).toBe(404);
    expect(filesLeft()).toHaveLength(1);
  });
});

describe('GET /documents/:id/content', () => {
  const linkOf = async (id: string): Promise<URL> => {
    const { body } = await api.as(holder).get(`/documents/${id}`);
    return new URL(body.data.content_url);
  };
  const follow = (url: URL) => api.nowhere.download(`/${url.pathname}${url.search}`);

  it('is the file, to keep and not to show', async () => {
    const { id } = await uploaded(withFile({ ...photo, name: 'Größe 保険.png' }));

    const { status, headers, bytes } = await api.as(holder).download(`/documents/${id}/content`);

    expect([status, bytes.equals(png)]).toEqual([200, true]);
    expect(headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': String(png.length),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    });
    expect(headers['content-disposition']).toContain('attachment; filename=');
    expect(headers['content-disposition']).toContain(
      `filename*=UTF-8''${encodeURIComponent('Größe 保険.png')}`,
    );
    expect(headers['content-security-policy']).toContain('sandbox');
  });

  it('is had by its link without signing in, and by no other', async () => {
    const { id } = await uploaded();
    const { id: sibling } = await uploaded();
    const link = await linkOf(id);
    const changed = (change: (url: URL) => void): URL => {
      const url = new URL(link);
      change(url);
      return url;
    };
    const signature = link.searchParams.get('signature') ?? '';
    const elsewhere = await buildCompany();

    expect(await follow(link)).toMatchObject({ status: 200, bytes: png });
    for (const [name, forged] of [
      ['later', changed((url) => url.searchParams.set('expires', '9999999999'))],
      ['cut', changed((url) => url.searchParams.set('signature', signature.slice(1)))],
      ['changed', changed((url) => url.searchParams.set('signature', `A${signature.slice(1)}`))],
      ['unsigned', changed((url) => url.searchParams.delete('signature'))],
      ['of a sibling', changed((url) => void (url.pathname = url.pathname.replace(id, sibling)))],
      ['of another company', changed((url) => url.searchParams.set('company', elsewhere.id))],
    ] as const) {
      expect([name, (await follow(forged)).status]).toEqual([name, 404]);
    }
  });

  it('is not had by a link of more than five minutes', async () => {
    const { id } = await uploaded();
    const link = await linkOf(id);
    const seconds = Number(link.searchParams.get('expires')) - Date.now() / 1000;

    expect(seconds).toBeGreaterThan(200);
    expect(seconds).toBeLessThanOrEqual(300);
  });

  it('is nobody’s while it is scanned or if it is infected', async () => {
    const waiting = await uploaded(one, { scanStatus: 'quarantined' });
    const infected = await uploaded(one, { scanStatus: 'clean' });
    const link = await linkOf(infected.id);
    await api.database.sql(
      `UPDATE shared.documents SET scan_status = 'infected', scan_finding = 'Eicar' WHERE id = $1`,
      [infected.id],
    );
    const codeOf = async (id: string) =>
      (await api.as(holder).get(`/documents/${id}/content`)).body.code;

    expect(await codeOf(waiting.id)).toBe('DOCUMENT_QUARANTINED');
    expect(await codeOf(infected.id)).toBe('DOCUMENT_INFECTED');
    expect((await follow(link)).status).toBe(409);
    const { body } = await api.as(holder).get(`/documents/${infected.id}`);
    expect(body.data.content_url).toBeNull();
  });

  it('is a 404 to a neighbour and to another company', async () => {
    const { id } = await uploaded();
    const elsewhere = await buildCompany();
    const readBy = async (actor: Actor) =>
      (await api.as(actor).get(`/documents/${id}/content`)).status;

    expect(await readBy(await buildActor({ companyId }))).toBe(404);
    expect(await readBy(await buildActor({ companyId: elsewhere.id, role: 'tenant_admin' }))).toBe(
      404,
    );
    expect(await readBy(await buildActor({ companyId, role: 'auditor' }))).toBe(200);
  });
});

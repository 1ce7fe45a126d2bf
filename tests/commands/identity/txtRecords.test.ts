import { createSocket, type Socket } from 'node:dgram';
import { createTxtLookup } from '../../../src/commands/txtRecords.ts';

let server: Socket;
let address: string;

const codes = { found: 0, failure: 2, unknown: 3 } as const;

/** The answer to one question: a header, the question again, and the texts in pieces of 20. */
function answer(question: Buffer, code: number, texts: readonly string[]): Buffer {
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(0x8180 + code, 2);
  header.writeUInt16BE(texts.length, 6);
  header.writeUInt16BE(0, 8);
  header.writeUInt16BE(0, 10);
  let end = 12;
  while (question.readUInt8(end) !== 0) end += question.readUInt8(end) + 1;
  const records = texts.map((text) => {
    const pieces = text.match(/.{1,20}/g) ?? [];
    const data = Buffer.concat(pieces.map((p) => Buffer.from([p.length, ...Buffer.from(p)])));
    const fixed = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 0, 0, data.length]);
    return Buffer.concat([fixed, data]);
  });
  return Buffer.concat([header, question.subarray(12, end + 5), ...records]);
}

beforeAll(async () => {
  server = createSocket('udp4');
  server.on('message', (question, { port, address: from }) => {
    const asked = question.toString('latin1');
    if (asked.includes('known')) {
      const texts = ['v=spf1 -all', 'surety-verification=a-token-of-many-characters'];
      server.send(answer(question, codes.found, texts), port, from);
    } else if (asked.includes('empty')) server.send(answer(question, codes.found, []), port, from);
    else if (asked.includes('broken')) server.send(answer(question, codes.failure, []), port, from);
    else server.send(answer(question, codes.unknown, []), port, from);
  });
  await new Promise<void>((bound) => server.bind(0, '127.0.0.1', bound));
  address = `127.0.0.1:${server.address().port}`;
});
afterAll(() => server.close());

describe('the texts of a name', () => {
  it('are those of all its records, each in one piece', async () => {
    expect(await createTxtLookup([address])('_surety.known.example')).toEqual([
      'v=spf1 -all',
      'surety-verification=a-token-of-many-characters',
    ]);
  });

  it.each(['_surety.empty.example', '_surety.nobody.example'])('are none for %s', async (name) => {
    expect(await createTxtLookup([address])(name)).toEqual([]);
  });

  it('are unknown while the name server fails', async () => {
    await expect(createTxtLookup([address])('_surety.broken.example')).rejects.toMatchObject({
      status: 503,
      code: 'DNS_UNAVAILABLE',
    });
  });
});

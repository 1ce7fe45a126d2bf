import { createConnection } from 'node:net';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What a scanner says of a file. */
export type Finding = { readonly isInfected: false } | { readonly isInfected: true; name: string };

/** Reads the whole file. Rejects if there is no verdict: then nobody knows what is in it. */
export type Scan = (content: Readable) => Promise<Finding>;

const silenceMs = 60_000;
const longestReply = 4096;

/**
 * A clamd, asked by its own protocol: INSTREAM, chunks that each begin with their length, and an empty
 * one. Each file has a connection of its own, which the daemon closes after its verdict.
 * @param address `host:port`
 */
export const openClamd =
  (address: string): Scan =>
  async (content) => {
    const colon = address.lastIndexOf(':');
    const socket = createConnection({
      host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'),
      port: Number(address.slice(colon + 1)),
    });
    socket.setTimeout(silenceMs, () =>
      socket.destroy(new Error(`clamd at ${address} has been silent for ${silenceMs / 1000} s`)),
    );
    let reply = '';
    const replied = new Promise<string>((resolve, reject) => {
      socket.setEncoding('utf8');
      socket.on('data', (text) => {
        reply += text;
        if (reply.includes('\0')) resolve(reply.slice(0, reply.indexOf('\0')));
        else if (reply.length > longestReply) socket.destroy(new Error('clamd does not stop'));
      });
      socket.once('error', reject);
      socket.once('close', () => reject(new Error(`clamd at ${address} hung up`)));
    });

    try {
      socket.write('zINSTREAM\0');
      pipeline(content, framed(), socket, { end: false }).catch((error: Error) =>
        socket.destroy(error),
      );
      return verdictOf(await replied);
    } finally {
      content.destroy();
      socket.destroy();
    }
  };

const framed = (): Transform =>
  new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(chunk.length);
      this.push(length);
      done(null, chunk);
    },
    flush(done) {
      done(null, Buffer.alloc(4));
    },
  });

/** `stream: OK`, or `stream: Win.Test.EICAR_HDB-1 FOUND`; everything else is no verdict. */
function verdictOf(reply: string): Finding {
  const text = reply.replace(/^stream: /, '').trim();
  if (text === 'OK') return { isInfected: false };
  const name = /^(.{1,200}) FOUND$/.exec(text)?.[1];
  if (name) return { isInfected: true, name };
  throw new Error(`clamd gave no verdict: ${text.slice(0, 200)}`);
}

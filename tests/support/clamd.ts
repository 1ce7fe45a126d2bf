import { createServer, type Server, type Socket } from 'node:net';

/** What every scanner takes for infected. */
export const eicar = 'X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*';

/** Speaks clamd's protocol, and finds the EICAR test file. */
export async function startClamd(
  answer: (content: Buffer, socket: Socket) => void = (content, socket) =>
    socket.end(content.includes('EICAR') ? 'stream: Win.Test.EICAR FOUND\0' : 'stream: OK\0'),
): Promise<{ address: string; server: Server; seen: Buffer[] }> {
  const seen: Buffer[] = [];
  const server = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const content = contentIn(received);
      if (!content) return;
      seen.push(content);
      answer(content, socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const place = server.address();
  const port = typeof place === 'object' && place ? place.port : 0;
  return { address: `127.0.0.1:${port}`, server, seen };
}

/** What was sent, once the empty chunk has come. */
function contentIn(received: Buffer): Buffer | undefined {
  const command = 'zINSTREAM\0';
  if (!received.toString('latin1').startsWith(command)) return undefined;
  const chunks: Buffer[] = [];
  for (let at = command.length; at + 4 <= received.length;) {
    const length = received.readUInt32BE(at);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(received.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return undefined;
}

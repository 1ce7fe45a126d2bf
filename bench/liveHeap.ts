import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

/** What a process holds: its heap right after a collection, in bytes. */
export interface LiveHeap {
  readonly before: number;
  readonly most: number;
  readonly after: number;
}

/**
 * Run as a program, `liveHeap.ts PID`: collects the garbage of another Node process again and again, until
 * the input ends, and writes what was left each time. It asks by Node's own inspector, which that process
 * opens at a signal, so that the measured program needs nothing for it.
 */
const inspector = 'http://127.0.0.1:9229/json/list';
const openWithinMs = 10_000;

const pid = Number(process.argv[2]);
const call = await connect(pid);
const before = await collected();
process.stdout.write('ready\n');
let isOver = false;
const ended = text(process.stdin).then(() => (isOver = true));
let most = before;
while (!isOver) {
  most = Math.max(most, await collected());
  await Promise.race([pause(250), ended]);
}
const after = await collected();
const found: LiveHeap = { before, most: Math.max(most, after), after };
process.stdout.write(JSON.stringify(found), () => process.exit(0));

async function collected(): Promise<number> {
  await call('HeapProfiler.collectGarbage');
  const { usedSize } = { usedSize: NaN, ...Object(await call('Runtime.getHeapUsage')) };
  return Number(usedSize);
}

/** @returns what sends one command to the process and waits for its result */
async function connect(
  target: number,
): Promise<(method: string, params?: object) => Promise<unknown>> {
  process.kill(target, 'SIGUSR1');
  const socket = new WebSocket(await socketUrl());
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error('No inspector answers')));
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result }: { id: number; result: unknown } = JSON.parse(String(data));
    waiting.get(id)?.(result);
  });
  let sent = 0;
  const send = (method: string, params: object = {}): Promise<unknown> => {
    sent += 1;
    const id = sent;
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => waiting.set(id, resolve));
  };
  const answer = await send('Runtime.evaluate', { expression: 'process.pid' });
  if (
    JSON.stringify(answer) !==
    JSON.stringify({ result: { type: 'number', value: target, description: String(target) } })
  ) {
    throw new Error('The inspector is that of another process');
  }
  return send;
}

async function socketUrl(): Promise<string> {
  const startedAt = performance.now();
  for (;;) {
    const answer = await fetch(inspector).catch(() => undefined);
    const [target]: { webSocketDebuggerUrl?: string }[] = answer
      ? JSON.parse(await answer.text())
      : [];
    if (target?.webSocketDebuggerUrl) return target.webSocketDebuggerUrl;
    if (performance.now() - startedAt > openWithinMs) throw new Error('No inspector opens');
    await pause(100);
  }
}

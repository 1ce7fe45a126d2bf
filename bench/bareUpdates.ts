import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { bare, step, transition, word } from './bareWorkflow.ts';

/** What the first line of standard input holds. */
export interface BareInput {
  readonly temporalAddress: string;
  /** How many workflows there are to update. */
  readonly workflows: number;
}

/**
 * Temporal's updates behind bare HTTP, with a worker of their own, by the number of the workflow: `/step/0`
 * (one empty activity), `/word/0` (none) and `/transition/0` (what a claim's asks of Temporal). Ends with its
 * standard input.
 */
const updates = new Map([
  ['step', step],
  ['word', word],
  ['transition', transition],
]);

const input = createInterface({ input: process.stdin });
const [line] = await once(input, 'line');
const { temporalAddress: address, workflows }: BareInput = JSON.parse(String(line));
input.once('close', () => process.exit(0));

Runtime.install({ logger: new DefaultLogger('ERROR') });
const taskQueue = 'bench-bare';
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowsPath: path.join(import.meta.dirname, 'bareWorkflow.ts'),
  activities: { nothing: () => Promise.resolve() },
});
void worker.run();
const client = new Client({ connection: await Connection.connect({ address }) });
const handles = await Promise.all(
  Array.from({ length: workflows }, (_, index) =>
    client.workflow.start(bare, { taskQueue, workflowId: `bench-bare/${index}` }),
  ),
);

const server = createServer((request, response) => {
  const [, name, index] = (request.url ?? '').split('/');
  const answer = (status: number, body: string): void => {
    response.statusCode = status;
    response.end(body);
  };
  const update = updates.get(name ?? '');
  const handle = handles[Number(index)];
  if (!handle || !update) {
    answer(404, '{}');
    return;
  }
  handle.executeUpdate(update).then(
    () => answer(200, '{}'),
    (error: unknown) => answer(500, String(error)),
  );
});
server.listen(0, '127.0.0.1', () => {
  const place = server.address();
  console.log(`http://127.0.0.1:${typeof place === 'object' && place ? place.port : 0}`);
});

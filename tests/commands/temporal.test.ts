import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { defineUpdate } from '@temporalio/workflow';
import { v7 as uuid } from 'uuid';
import { openTemporal, type Temporal } from '../../src/commands/temporal.ts';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { Unavailable } from '../../src/errors.ts';
import { services } from '../support/services.ts';

const open = (address: string, answeredWithinMs?: number): Temporal =>
  openTemporal(
    {
      temporal: {
        address,
        namespace: 'default',
        taskQueue: `nobody-${uuid()}`,
        uiUrl: '',
        tls: false,
        apiKey: undefined,
      },
    },
    answeredWithinMs,
  );

/** However busy it is. */
const openReal = (): Temporal => open(services().temporalAddress, 50_000);

const startOf = (changes: Partial<WorkflowStart> = {}): WorkflowStart => {
  const companyId = uuid();
  const entityId = uuid();
  return {
    companyId,
    id: uuid(),
    entityType: 'subscription',
    entityId,
    workflowType: 'subscriptionLifecycle',
    workflowId: `subscription/${companyId}/${entityId}`,
    input: {},
    summary: '',
    attributes: {},
    context: { requestId: '', companyId, actorId: null, actorType: 'system' },
    ...changes,
  };
};

const wish = defineUpdate<void, [object]>('wish');

/** A way to Temporal that is cut once this text has gone along it. */
async function openWay(last: string): Promise<{ address: string; isCut(): boolean }> {
  const [host = '', port = ''] = services().temporalAddress.split(':');
  const sockets = new Set<Socket>();
  let isCut = false;
  const cut = (): void => {
    isCut = true;
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.pipe(far).pipe(near);
    let sent = '';
    near.on('data', (part: Buffer) => {
      sent = sent.slice(-last.length) + part.toString('latin1');
      if (sent.includes(last)) setImmediate(cut);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  return {
    address: `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    isCut: () => isCut,
  };
}

describe('without Temporal', () => {
  const temporal = open('127.0.0.1:9');

  afterAll(() => temporal.connection.close());

  it('a start is unavailable, and the log gets to know why', async () => {
    const failed = temporal.start(startOf());

    await expect(failed).rejects.toBeInstanceOf(Unavailable);
    await expect(failed).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      cause: { cause: { message: expect.stringMatching(/UNAVAILABLE|DEADLINE_EXCEEDED/) } },
    });
  });

  it('a command is refused before it is sent', async () => {
    const sent = temporal.command(wish, { workflowId: 'any', commandId: uuid(), wish: {} });

    await expect(sent).rejects.toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE' });
  });

  it('nobody knows when workers last asked for work', async () => {
    await expect(temporal.lastPolls()).rejects.toBeInstanceOf(Unavailable);
  });
});

describe('with Temporal', () => {
  it('a queue that no worker has ever asked has no last time', async () => {
    const temporal = openReal();

    const polls = await temporal.lastPolls();

    expect(polls.size).toBe(6);
    expect([...polls.values()]).toEqual(Array.from({ length: 6 }, () => undefined));
    await temporal.connection.close();
  });

  it('a start that is wrong itself is no matter of waiting', async () => {
    const temporal = openReal();

    const failed = temporal.start(startOf({ workflowId: 'x'.repeat(2000) }));

    await expect(failed).rejects.not.toBeInstanceOf(Unavailable);
    await temporal.connection.close();
  });

  it('a command whose connection breaks after it was sent is pending, never undone', async () => {
    const commandId = uuid();
    const way = await openWay(commandId);
    const temporal = open(way.address, 10_000);
    const start = startOf();
    await temporal.start(start);

    const sent = temporal.command(wish, { workflowId: start.workflowId, commandId, wish: {} });

    await expect(sent).rejects.toMatchObject({ status: 503, code: 'COMMAND_PENDING' });
    expect(way.isCut()).toBe(true);
    await temporal.connection.close();
  });

  it('a command that fails in an unclear way after it was sent is pending', async () => {
    const temporal = openReal();
    const failure = Object.assign(new Error('13 INTERNAL'), {
      code: 13,
      details: '',
      metadata: { get: () => [] },
    });
    Object.assign(temporal.connection.workflowService, {
      updateWorkflowExecution: () => Promise.reject(failure),
    });

    const sent = temporal.command(wish, { workflowId: 'any', commandId: uuid(), wish: {} });

    await expect(sent).rejects.toMatchObject({ status: 503, code: 'COMMAND_PENDING' });
    await temporal.connection.close();
  });
});

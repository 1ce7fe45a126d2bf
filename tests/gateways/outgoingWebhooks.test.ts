import { createServer, isIPv4, type Server } from 'node:net';
import { outgoingWebhooks, type Resolve } from '../../src/gateways/outgoingWebhooks.ts';
import { isPublicAddress } from '../../src/gateways/publicAddresses.ts';
import { openReceiver, type Receiver } from '../support/webhooks.ts';

const hostileAddresses = [
  ...`0.0.0.0 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.254 127.0.0.1
    127.255.255.254 169.254.169.254 169.254.0.1 172.16.0.1 172.31.255.255 168.63.129.16
    192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255
    198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.1.2.3
    240.0.0.1 255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1
    ::ffff:a9fe:a9fe ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 100::1 fc00::1
    fd00:ec2::254 fe80::1 febf::1 fec0::1 ff02::1 2001::1
    2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe:: 3fff::1
    5f00::1 fe80::1%eth0`.split(/\s+/),
  'localhost',
  '',
];

const publicAddresses = ['1.1.1.1', '8.8.8.8', '100.128.0.1', '172.32.0.1', '2606:4700::1111'];

/** Literal hosts in every way of writing them that a URL takes. */
const hostileUrls = [
  ...hostileAddresses.filter(isIPv4).map((address) => `https://${address}:8443/`),
  ...[
    '::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    'fd00:ec2::254',
    'fe80::1',
    '2002:7f00:1::',
  ].map((address) => `https://[${address}]:8443/`),
  'https://2130706433/',
  'https://0x7f000001/',
  'https://0x7f.1/',
  'https://017700000001/',
  'https://0177.0.0.1/',
  'https://127.1/',
  'https://127.0.1/',
  'https://①②⑦.0.0.1/',
  'https://127.0.0.1./',
  'https://169.254.169.254/latest/meta-data/',
  'https://[::ffff:169.254.169.254]/',
  'https://[0:0:0:0:0:ffff:7f00:1]/',
  'https://[::]:8443/',
  'https://0/',
  'http://hooks.example/',
  'http://127.0.0.1/',
  'https://hooks.example:22/',
  'https://hooks.example:6379/',
  'https://user:word@hooks.example/',
  'https://127.0.0.1@hooks.example/',
  'ftp://hooks.example/',
  'file:///etc/passwd',
  'gopher://127.0.0.1:6379/',
  'ldap://127.0.0.1/',
  'data:text/plain,hello',
  'unix:///var/run/docker.sock',
  'ws://127.0.0.1/',
];

const message = (url: string) => ({ url, headers: { 'webhook-id': 'x' }, body: '{}' });

describe('a public address', () => {
  it.each(publicAddresses)('is %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });

  it.each(hostileAddresses)('is not %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('a webhook to a hostile address', () => {
  /** Counts whoever connects to this machine, at an address of loopback that nobody else takes. */
  const home = `127.${process.pid % 250}.${Math.floor(process.pid / 250) % 250}.77`;
  let canary: Server;
  let connections = 0;

  beforeAll(async () => {
    canary = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    await new Promise<void>((resolve) => canary.listen(8443, home, resolve));
  });
  afterAll(() => new Promise((resolve) => canary.close(resolve)));
  beforeEach(() => {
    connections = 0;
  });

  it('is tried with more than sixty of them', () => {
    expect(hostileUrls.length + hostileAddresses.length).toBeGreaterThan(60);
  });

  it.each(hostileUrls)('that says it is one is not sent: %s', async (url) => {
    const send = outgoingWebhooks({
      allowedOrigins: [],
      resolve: async () => [{ address: home, family: 4 }],
    });

    expect(await send(message(url))).toEqual({ error: 'ADDRESS_REFUSED' });
    expect(connections).toBe(0);
  });

  it.each(hostileAddresses.filter((address) => address !== ''))(
    'that its name leads to is not sent: %s',
    async (address) => {
      const family = address.includes(':') ? 6 : 4;
      const send = outgoingWebhooks({
        allowedOrigins: [],
        resolve: async () => [{ address, family }],
      });

      expect(await send(message('https://hooks.example:8443/'))).toEqual({
        error: 'ADDRESS_REFUSED',
      });
      expect(connections).toBe(0);
    },
  );

  it('is not sent where one of several addresses is hostile', async () => {
    const resolve: Resolve = async () => [
      { address: '8.8.8.8', family: 4 },
      { address: home, family: 4 },
    ];
    const send = outgoingWebhooks({ allowedOrigins: [], resolve });

    expect(await send(message('https://hooks.example:8443/'))).toEqual({
      error: 'ADDRESS_REFUSED',
    });
  });

  it('is asked for its address once for each message, and goes nowhere when it has changed', async () => {
    const answers = ['8.8.8.8', home];
    let asked = 0;
    const send = outgoingWebhooks({
      allowedOrigins: [],
      timeoutMs: 300,
      resolve: async () => {
        const address = answers[asked] ?? home;
        asked += 1;
        return [{ address, family: 4 }];
      },
    });

    const first = await send(message('https://hooks.example:8443/'));
    expect(asked).toBe(1);
    const second = await send(message('https://hooks.example:8443/'));

    expect(first).not.toEqual({ error: 'ADDRESS_REFUSED' });
    expect(second).toEqual({ error: 'ADDRESS_REFUSED' });
    expect(connections).toBe(0);
  });
});

describe('a webhook to a receiver', () => {
  let receiver: Receiver;

  beforeEach(async () => {
    receiver = await openReceiver();
  });
  afterEach(() => receiver.close());

  const send = (timeoutMs = 5000) =>
    outgoingWebhooks({ allowedOrigins: [receiver.origin], timeoutMs })(message(receiver.origin));

  it('is posted with its headers, and answered with the status', async () => {
    expect(await send()).toEqual({ status: 204 });
    expect(receiver.received).toMatchObject([
      { body: '{}', headers: { 'webhook-id': 'x', 'content-type': 'application/json' } },
    ]);
  });

  it('is not taken elsewhere by a redirect', async () => {
    receiver.answer((_, response) =>
      response.writeHead(307, { Location: `${receiver.origin}/elsewhere` }).end(),
    );

    expect(await send()).toEqual({ status: 307 });
    expect(receiver.received).toHaveLength(1);
  });

  it('gives up an answer that takes too long, before or within it', async () => {
    receiver.answer(() => {});
    expect(await send(200)).toEqual({ error: 'TIMEOUT' });

    receiver.answer((_, response) => {
      response.writeHead(200);
      const dripping = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(dripping));
    });
    expect(await send(200)).toEqual({ error: 'TIMEOUT' });
  });

  it('reads no more than 64 KiB of an answer', async () => {
    receiver.answer((_, response) => response.writeHead(200).end(Buffer.alloc(70_000)));

    expect(await send()).toEqual({ error: 'ANSWER_TOO_LONG' });
  });

  it('is not told where something else than an answer comes', async () => {
    const switching =
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n';
    receiver.answer((request) => request.socket.end(switching));

    expect(await send()).toEqual({ error: 'CONNECTION_FAILED' });
  });

  it('is not told where the connection is cut', async () => {
    receiver.answer((request) => request.socket.destroy());
    expect(await send()).toEqual({ error: 'CONNECTION_FAILED' });

    receiver.answer((_, response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('half');
      setTimeout(() => response.destroy(), 50);
    });
    expect(await send()).toEqual({ error: 'CONNECTION_FAILED' });
  });
});

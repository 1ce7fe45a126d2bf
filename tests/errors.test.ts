import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ConnectionRefusedError } from 'sequelize';
import { reasonOf, startFailure } from '../src/errors.ts';

describe('the reason of a failure', () => {
  const refused = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });

  it.each([
    ['what it says', new Error('no such file'), 'no such file'],
    ['its code, where a name has several addresses', refused, 'ECONNREFUSED'],
    ['the code below the database library', new ConnectionRefusedError(refused), 'ECONNREFUSED'],
    ['what was thrown', 'stopped', 'stopped'],
  ])('is %s', (_, error, reason) => {
    expect(reasonOf(error)).toBe(reason);
  });
});

describe('why a process could not start', () => {
  const failureOf = (work: Promise<unknown>): Promise<unknown> => work.then(() => '', startFailure);

  function listen(host: string): Promise<unknown> {
    const server = createServer().listen(0, host);
    return once(server, 'listening').finally(() => server.close());
  }

  it.each([
    ['an address of another machine', () => listen('192.0.2.1'), /EADDRNOTAVAIL.*HOST/],
    ['a host that nobody knows', () => listen('nowhere.invalid'), /getaddrinfo.*HOST/],
    ['a folder below a file', () => mkdir('package.json/logs'), /^It cannot start: ENOTDIR/],
  ])('is one sentence for %s', async (_, work, sentence) => {
    const failure = await failureOf(work());

    expect(failure).toEqual(expect.stringMatching(sentence));
    expect(failure).not.toContain('\n');
  });
});

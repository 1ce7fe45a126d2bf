import { randomBytes } from 'node:crypto';
import { createWriteStream, mkdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import { claimPort } from './ports.ts';

export interface MailCatcher {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * A real SMTP server on 127.0.0.1 that delivers nothing: each message is kept as
 * `<dir>/<ISO time>-<random>.eml`, which appears whole or not at all. Port 0 picks a free one.
 */
export async function startMailCatcher({
  dir,
  port: wanted,
}: {
  dir: string;
  port: number;
}): Promise<MailCatcher> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const port = await claimPort(wanted, { name: 'the mail catcher', variable: 'SMTP_PORT' });
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    onAuth: (auth, _session, done) => done(null, { user: auth.username }),
    onData: (message, _session, done) => {
      keep(message, dir).then(() => done(), done);
    },
  });
  // A client that hangs up mid-way is its own concern.
  server.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    server.server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });

  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function keep(message: SMTPServerDataStream, dir: string): Promise<void> {
  const name = `${new Date().toISOString()}-${randomBytes(4).toString('hex')}`;
  const draft = path.join(dir, `${name}.tmp`);
  try {
    await pipeline(message, createWriteStream(draft, { mode: 0o600 }));
    await rename(draft, path.join(dir, `${name}.eml`));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

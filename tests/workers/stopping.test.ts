import { pino } from 'pino';
import { stopGracefully, type StopSteps } from '../../src/stopping.ts';

const log = pino({ level: 'silent' });

/** Stops a process that is played here. @returns the codes it exited with, in order */
async function stopWith(
  steps: StopSteps,
  exitCode: number,
  forceAfterMs = 35_000,
): Promise<number[]> {
  const codes: number[] = [];
  await new Promise<void>((resolve) => {
    const exit = (code: number): void => {
      codes.push(code);
      resolve();
    };
    const stop = stopGracefully({ log, steps, forceAfterMs, exit });
    stop('a worker failed', exitCode);
    stop('once more', 0);
  });
  return codes;
}

describe('stopping', () => {
  afterEach(() => {
    for (const event of ['SIGTERM', 'SIGINT', 'unhandledRejection']) {
      process.removeAllListeners(event);
    }
  });

  it('takes all steps in order, and ends though one of them fails', async () => {
    const taken: string[] = [];

    const codes = await stopWith(
      {
        workers: () => void taken.push('workers'),
        connection: () => Promise.reject(new Error('Cannot close connection')),
        transport: () => {
          throw new Error('Not open');
        },
        database: () => void taken.push('database'),
      },
      1,
    );

    expect(taken).toEqual(['workers', 'database']);
    expect(codes).toEqual([1]);
  });

  it('ends in the end though a step never does', async () => {
    const codes = await stopWith({ relay: () => new Promise(() => undefined) }, 0, 100);

    expect(codes).toEqual([1]);
  });
});

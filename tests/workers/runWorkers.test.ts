import type { State } from '@temporalio/worker';
import { runWorkers } from '../../worker/runWorkers.ts';

describe('several workers', () => {
  it('are all waited for, also after one has failed', async () => {
    let state: State = 'RUNNING';
    let end = (): void => {};
    const failing = {
      run: () => Promise.reject(new Error('Poll failed')),
      getState: (): State => 'FAILED',
      shutdown: () => {
        throw new Error('Not running!');
      },
    };
    const busy = {
      run: () => new Promise<void>((resolve) => (end = resolve)),
      getState: () => state,
      shutdown: () => void (state = 'STOPPING'),
    };
    const happened: string[] = [];

    const running = runWorkers([failing, busy]);
    await running.ended.catch(() => happened.push('failed'));
    const stopped = running.stop().then(() => happened.push('stopped'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    happened.push(`the other: ${state}`);
    end();
    await stopped;

    expect(happened).toEqual(['failed', 'the other: STOPPING', 'stopped']);
  });
});

import { setTimeout as pause } from 'node:timers/promises';
import type { ActivityExecuteInput } from '@temporalio/worker';
import { createPrecedence } from '../../worker/precedence.ts';

const input: ActivityExecuteInput = { args: [], headers: {} };

describe('mail', () => {
  let order: string[];
  let precedence: ReturnType<typeof createPrecedence>;
  beforeEach(() => {
    order = [];
    precedence = createPrecedence();
  });

  const step = (work: () => Promise<unknown>) => precedence.first().execute?.(input, work);
  const mail = () => precedence.second().execute?.(input, async () => void order.push('mail'));

  it('goes out when the steps that are under way are done', async () => {
    const steps = [100, 300].map((ms) =>
      step(() => pause(ms).then(() => order.push(`step of ${ms} ms`))),
    );

    await Promise.all([...steps, mail()]);

    expect(order).toEqual(['step of 100 ms', 'step of 300 ms', 'mail']);
  });

  it('does not wait for a step that takes its time', async () => {
    const long = step(() => pause(4000).then(() => order.push('step')));

    await Promise.all([long, mail()]);

    expect(order).toEqual(['mail', 'step']);
  });

  it('waits between two steps of a crowd, too', async () => {
    const crowd = (async () => {
      for (const name of ['first', 'second']) {
        await step(() => pause(50).then(() => order.push(name)));
        await pause(100);
      }
    })();

    await Promise.all([crowd, pause(60).then(mail)]);

    expect(order).toEqual(['first', 'second', 'mail']);
  });

  it('goes out although one step follows the other, and sooner where that is the load of the day', async () => {
    let isOver = false;
    const crowd = [30, 70].map(async (ms) => {
      while (!isOver) await step(() => pause(ms));
    });
    const waited = async () => {
      const since = performance.now();
      await mail();
      return performance.now() - since;
    };

    const early = await waited();
    await pause(10_000 - early);
    const late = await waited();
    isOver = true;
    await Promise.all(crowd);

    expect(order).toEqual(['mail', 'mail']);
    expect(late).toBeLessThan(early - 1000);
  });

  it('does not wait for a step that has failed', async () => {
    await expect(step(() => Promise.reject(new Error('no')))).rejects.toThrow('no');

    await Promise.all([mail(), pause(1000).then(() => order.push('a second later'))]);

    expect(order).toEqual(['mail', 'a second later']);
  });
});

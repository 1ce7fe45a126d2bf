import { setTimeout as pause } from 'node:timers/promises';
import { createFreshAnswers, type FreshAnswers } from '../../../src/commands/freshAnswers.ts';

describe('what is known of many who come again and again', () => {
  let asked: (readonly string[])[];
  let answer: () => Promise<void>;
  let opened: FreshAnswers<string, string> | undefined;

  function open(mostWaitMs?: number) {
    opened = createFreshAnswers<string, string>({
      keyOf: (question) => question,
      load: async (questions) => {
        asked.push(questions);
        await answer();
        return new Map(questions.map((question) => [question, `answer to ${question}`]));
      },
      ...(mostWaitMs !== undefined && { mostWaitMs }),
    });
    return opened;
  }
  const isAsked = async () => {
    while (asked.length === 0) await pause(1);
  };
  const gate = () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    return { release, released };
  };

  afterEach(() => opened?.close());
  beforeEach(() => {
    asked = [];
    answer = () => Promise.resolve();
  });

  it('comes from one query for all who are new while another is under way', async () => {
    const answers = open(60_000);
    const { release, released } = gate();
    answer = () => released;
    const first = answers.get('a');
    await isAsked();
    const others = [];
    for (const key of ['b', 'c', 'd']) {
      others.push(answers.get(key));
      await pause(5);
    }
    release();

    expect(await first).toBe('answer to a');
    expect(await Promise.all(others)).toEqual(['b', 'c', 'd'].map((key) => `answer to ${key}`));
    expect(asked).toEqual([['a'], ['b', 'c', 'd']]);
  });

  it('does not wait for a query that hangs', async () => {
    const answers = open();
    const { release, released } = gate();
    answer = () => released;
    const first = answers.get('a');
    await isAsked();
    answer = () => Promise.resolve();

    expect(await answers.get('b')).toBe('answer to b');

    release();
    expect(await first).toBe('answer to a');
  });

  it('is asked for again after a query that failed', async () => {
    const answers = open();
    answer = () => Promise.reject(new Error('no database'));
    await expect(answers.get('a')).rejects.toThrow('no database');
    answer = () => Promise.resolve();

    expect(await answers.get('a')).toBe('answer to a');
  });
});

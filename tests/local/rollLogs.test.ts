import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { rollLogs } from '../../local/rollLogs.ts';

describe('the logs of a folder', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'surety-logs-'));
  const log = path.join(dir, 'api.log');

  afterAll(() => rmSync(dir, { recursive: true }));

  it('keep what was said last, and no more than twice what is full', async () => {
    appendFileSync(path.join(dir, 'worker.log'), 'quiet\n');
    const stop = rollLogs(dir, 1000, 5);

    for (let line = 1; line <= 300; line += 1) {
      appendFileSync(log, `line ${line} of three hundred\n`);
      if (line % 10 === 0) await pause(10);
    }
    stop();

    const kept = readFileSync(`${log}.old`, 'utf8') + readFileSync(log, 'utf8');
    expect(kept.length).toBeLessThan(3000);
    expect(kept).toMatch(/line 299 of three hundred\nline 300 of three hundred\n$/);
    expect(readdirSync(dir).toSorted()).toEqual(['api.log', 'api.log.old', 'worker.log']);
  });
});

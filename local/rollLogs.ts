import { copyFileSync, readdirSync, statSync, truncateSync } from 'node:fs';
import path from 'node:path';

const fullBytes = 10 * 1024 * 1024;
const lookEveryMs = 10_000;

/**
 * Keeps the latest 10 to 20 MB of each log in a folder, as `<name>.log` and `<name>.log.old`. Whoever
 * writes goes on in the same file, which each opens for appending.
 * @returns ends it
 */
export function rollLogs(logs: string, full = fullBytes, everyMs = lookEveryMs): () => void {
  const roll = (): void => {
    for (const name of readdirSync(logs)) {
      const file = path.join(logs, name);
      if (!name.endsWith('.log') || statSync(file).size <= full) continue;
      copyFileSync(file, `${file}.old`);
      truncateSync(file);
    }
  };
  roll();
  const timer = setInterval(roll, everyMs).unref();
  return () => clearInterval(timer);
}

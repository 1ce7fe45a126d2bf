/**
 * Prints what `prepareDataDir` answers to an ordinary user. Started by root, it becomes that user only
 * once its code is read: the project may lie in a home that nobody else enters.
 */
import { prepareDataDir } from '../../local/dataDir.ts';
import type { RunAs } from '../../local/tiedProcess.ts';

interface Order {
  readonly project: string;
  readonly away: string;
  readonly user?: RunAs;
}

const { user, ...places }: Order = JSON.parse(process.argv[2] ?? '');
if (user) {
  process.setgroups?.([]);
  process.setgid?.(user.gid);
  process.setuid?.(user.uid);
}
console.log(JSON.stringify(prepareDataDir({ ...places, chosen: undefined })));

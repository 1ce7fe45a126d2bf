import { readdirSync, readlinkSync } from 'node:fs';

/**
 * Files below the folder that this process has open, those that have lost their names too: whoever still
 * holds one open holds its place on the disk.
 */
export const heldOpen = (folder: string): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(folder) ? [target] : [];
    } catch {
      return [];
    }
  });

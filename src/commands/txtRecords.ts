import { Resolver } from 'node:dns/promises';
import { Unavailable, errorCode } from '../errors.ts';

/** The texts that DNS shows under a name; none where the name or its records do not exist. */
export type ResolveTxt = (name: string) => Promise<readonly string[]>;

const patienceMs = 5000;

/**
 * Asks the machine's name servers, or the given ones, for at most five seconds.
 * @throws Unavailable DNS_UNAVAILABLE when they do not answer
 */
export const createTxtLookup =
  (servers?: readonly string[]): ResolveTxt =>
  async (name) => {
    const resolver = new Resolver({ timeout: patienceMs, tries: 1 });
    if (servers) resolver.setServers([...servers]);
    const timer = setTimeout(() => resolver.cancel(), patienceMs);
    try {
      // A long text comes in several pieces.
      return (await resolver.resolveTxt(name)).map((pieces) => pieces.join(''));
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      if (code === 'ENOTFOUND' || code === 'ENODATA') return [];
      throw new Unavailable('The name servers do not answer; try again later', 'DNS_UNAVAILABLE');
    } finally {
      clearTimeout(timer);
    }
  };

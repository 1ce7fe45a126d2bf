import { ModernFakeTimers } from '@jest/fake-timers';
import { ModuleMocker } from 'jest-mock';

/**
 * The process itself instead of a sandbox. In a sandbox each file of tests loads all modules anew and looks up
 * every global through a proxy: two seconds of the processor for a file that opens the API, and half as much
 * again for each of its requests. Files that one process runs share the modules of the product, as everything
 * does that runs in one process of it.
 */
// oxlint-disable-next-line import/no-default-export -- jest takes an environment so
export default class Environment {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  fakeTimersModern;
  /** What jest replaces for a file. */
  #console = globalThis.console;
  #exit = process.exit;

  constructor({ projectConfig }) {
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
  }

  async setup() {}

  async teardown() {
    this.fakeTimersModern.dispose();
    this.moduleMocker.restoreAllMocks();
    globalThis.console = this.#console;
    process.exit = this.#exit;
  }

  getVmContext() {
    return null;
  }
}

import { TestEnvironment } from 'jest-environment-node';

const patienceMs = 180_000;

/**
 * Loading a file of tests takes seconds. Where Node's modules of `vm` wait for each other for ever (seen
 * once in some thousands), the process ends, and jest starts the file in another one; three times at most.
 */
// oxlint-disable-next-line import/no-default-export -- jest takes an environment so
export default class Environment extends TestEnvironment {
  #loading;

  constructor(config, context) {
    super(config, context);
    this.#loading = setTimeout(() => {
      // Jest itself, which runs a single file.
      if (!process.connected) return;
      console.error(`${context.testPath} was not loaded in time; it is started anew`);
      process.exit(1);
    }, patienceMs);
  }

  handleTestEvent({ name }) {
    if (name === 'run_start') clearTimeout(this.#loading);
  }

  async teardown() {
    clearTimeout(this.#loading);
    await super.teardown();
  }
}

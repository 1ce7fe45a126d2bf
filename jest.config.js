import { availableParallelism } from 'node:os';

export default {
  testEnvironment: '<rootDir>/tests/support/environment.mjs',
  runtime: '<rootDir>/tests/support/runtime.cjs',
  testMatch: ['<rootDir>/tests/**/*.test.ts'],
  testSequencer: '<rootDir>/tests/support/sequencer.cjs',
  reporters: ['default', '<rootDir>/tests/support/watchdog.mjs'],
  // What is stuck is found all the same; what is slow on a busy machine is no failure.
  testTimeout: 300_000,
  // Much of it is waiting, for processes that begin anew and for deadlines.
  maxWorkers: Math.max(3, availableParallelism() - 1),
  // What files leave behind stays in the process that ran them; a large one slows those that follow.
  workerIdleMemoryLimit: '1GB',
};

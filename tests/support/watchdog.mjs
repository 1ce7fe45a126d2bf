import { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** A test and each of its hooks end after 5 minutes; whatever says nothing for longer is stuck for good. */
const patienceMs = 12 * 60_000;

/**
 * Keeps the totals of a run, and ends a run in which nothing happens any more: it tells which file is
 * stuck after which test and what its process is doing, and counts the file as failed.
 */
// oxlint-disable-next-line import/no-default-export -- jest takes a reporter so
export default class Watchdog {
  /** What runs: since when nothing was heard of it, and what was heard last. */
  #running = new Map();
  #totals = { passed: 0, failed: 0 };
  #left = 0;
  #timer;
  /** Where it leaves `totals.json`, and processes their reports. */
  #dir = process.env.TEST_RUN_DIR;

  onRunStart({ numTotalTestSuites }) {
    this.#left = numTotalTestSuites;
    this.#write();
    this.#timer = setInterval(() => void this.#look(), 10_000);
  }

  onTestFileStart(test) {
    this.#heard(test, 'it began');
  }

  /** One test after the other that runs out of its time is no sign of life. */
  onTestCaseResult(test, { fullName, status }) {
    if (status !== 'failed') this.#heard(test, `"${fullName}"`);
  }

  onTestFileResult({ path: file }, { numPassingTests, numFailingTests, testExecError }) {
    this.#running.delete(file);
    this.#left -= 1;
    this.#totals.passed += numPassingTests;
    this.#totals.failed += numFailingTests + (testExecError ? 1 : 0);
    this.#write();
  }

  onRunComplete() {
    clearInterval(this.#timer);
  }

  #heard({ path: file }, last) {
    this.#running.set(file, { last, at: Date.now() });
  }

  /** What is not stuck goes on first. */
  async #look() {
    const stuck = [...this.#running].filter(([, { at }]) => Date.now() - at > patienceMs);
    if (stuck.length === 0 || stuck.length < Math.min(this.#left, this.#running.size)) return;
    clearInterval(this.#timer);
    for (const [file, { last }] of stuck) {
      console.error(`STUCK ${path.relative('', file)} since ${last}`);
    }
    const workers = process._getActiveHandles().filter((each) => each instanceof ChildProcess);
    for (const worker of workers) worker.kill('SIGUSR2');
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    for (const worker of workers) {
      this.#tellWhatItDoes(worker.pid);
      worker.kill('SIGKILL');
    }
    process.exit(1);
  }

  #tellWhatItDoes(pid) {
    const name = readdirSync(this.#dir).find((each) => each.split('.')[3] === String(pid));
    if (!name) {
      console.error(`Process ${pid} does not answer: it never comes to an end`);
      return;
    }
    const { libuv } = JSON.parse(readFileSync(path.join(this.#dir, name), 'utf8'));
    console.error(`Process ${pid} waits for`);
    for (const { address: _, is_active: isActive, is_referenced: isAwaited, ...facts } of libuv) {
      if (isActive && isAwaited) console.error(`  ${JSON.stringify(facts)}`);
    }
  }

  /** What has not run counts as failed, should this process be ended before. */
  #write() {
    const { passed, failed } = this.#totals;
    const totals = JSON.stringify({ passed, failed: failed + this.#left });
    writeFileSync(path.join(this.#dir, 'totals.json'), totals);
  }
}

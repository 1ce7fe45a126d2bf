export type ServiceName = 'mail' | 'gateway' | 'postgres' | 'temporal' | 'api' | 'worker';

export interface Running {
  readonly pid?: number;
  readonly exited?: Promise<string>;
  stop(): Promise<void>;
}

/** What runs, how to start it again, and whether its end was wanted. */
export class Services {
  readonly failed: Promise<string>;
  #fail: (sentence: string) => void = () => {};
  readonly #running = new Map<ServiceName, Running>();
  readonly #starters = new Map<ServiceName, () => Promise<Running>>();
  readonly #toEnd = new WeakSet<Running>();

  constructor() {
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  async run(name: ServiceName, starter: () => Promise<Running>): Promise<void> {
    this.#starters.set(name, starter);
    const running = await starter();
    this.#running.set(name, running);
    void running.exited?.then((sentence) => {
      if (this.#running.get(name) === running) this.#running.delete(name);
      if (!this.#toEnd.has(running)) this.#fail(sentence);
    });
  }

  async startAgain(name: ServiceName): Promise<void> {
    const starter = this.#starters.get(name);
    if (!starter) throw new Error(`There is no ${name} in this stack.`);
    if (!this.#running.has(name)) await this.run(name, starter);
  }

  async kill(name: ServiceName, signal: NodeJS.Signals): Promise<void> {
    const running = this.#running.get(name);
    if (running?.pid === undefined) throw new Error(`No ${name} process runs in this stack.`);
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') {
      process.kill(running.pid, signal);
      return;
    }
    this.#toEnd.add(running);
    process.kill(running.pid, signal);
    await running.exited;
  }

  async stop(): Promise<void> {
    for (const name of stopOrder) {
      const running = this.#running.get(name);
      if (!running) continue;
      this.#toEnd.add(running);
      await running.stop();
      this.#running.delete(name);
    }
  }

  pids(): Partial<Record<ServiceName, number>> {
    return Object.fromEntries(
      [...this.#running].flatMap(([name, { pid }]) => (pid === undefined ? [] : [[name, pid]])),
    );
  }
}

const stopOrder = ['api', 'worker', 'temporal', 'postgres', 'gateway', 'mail'] as const;

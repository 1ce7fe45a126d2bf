export type ServiceName = 'mail' | 'gateway' | 'postgres' | 'temporal' | 'api' | 'worker';

export interface Running {
  readonly pid?: number;
  readonly exited?: Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts a service and waits until it answers. What takes long to get there tells of its process as soon as there
 * is one, so that it can be stopped before.
 */
export type Starter = (begun: (running: Running) => void) => Promise<Running>;

/** What runs, how to start it again, and whether its end was wanted. */
export class Services {
  readonly failed: Promise<string>;
  #fail: (sentence: string) => void = () => {};
  readonly #running = new Map<ServiceName, Running>();
  readonly #starting = new Map<ServiceName, Promise<void>>();
  readonly #starters = new Map<ServiceName, Starter>();
  readonly #toEnd = new WeakSet<Running>();

  constructor() {
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  async run(name: ServiceName, starter: Starter): Promise<void> {
    this.#starters.set(name, starter);
    const start = this.#start(name, starter);
    this.#starting.set(name, start);
    await start;
  }

  async #start(name: ServiceName, starter: Starter): Promise<void> {
    let isUp = false;
    const begun = (running: Running): void => {
      if (this.#running.get(name) === running) return;
      this.#running.set(name, running);
      void running.exited?.then((sentence) => {
        if (this.#running.get(name) === running) this.#running.delete(name);
        // One that ends on its way up is told of by its start.
        if (isUp && !this.#toEnd.has(running)) this.#fail(sentence);
      });
    };
    begun(await starter(begun));
    isUp = true;
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
      if (!this.#running.has(name)) await this.#starting.get(name)?.catch(() => undefined);
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

import { outcomeOf } from './model.ts';

interface LoopState<Name> {
  readonly stateVersion: number;
  readonly isClosed: boolean;
  readonly timers: readonly {
    readonly name: Name;
    readonly occurrence: number;
    readonly dueAt: number;
  }[];
}

/** A step as a workflow orders it, but for the ids of what it is about. */
interface Order {
  readonly commandId: string;
  readonly expectedVersion: number;
  readonly at: number;
}

type Step<State> = Promise<{ readonly state: State }>;

/** The loop of a workflow, played by hand: its clock, its state, and the step that it took last. */
export class PlayedLoop<State extends LoopState<Name>, Name extends string> {
  state: State;
  now: number;
  private readonly workflowId: string;
  private last: (() => Step<State>) | undefined;
  private orders = 0;

  constructor(workflowId: string, state: State, now: number) {
    this.workflowId = workflowId;
    this.state = state;
    this.now = now;
  }

  orderOf(commandId: string): Order {
    return { commandId, expectedVersion: this.state.stateVersion, at: this.now };
  }

  /** Under an id of its own. */
  nextOrder(): Order {
    this.orders += 1;
    return this.orderOf(`${this.workflowId}/command/${this.orders}`);
  }

  async carryOut(step: () => Step<State>): Promise<void> {
    this.last = step;
    ({ state: this.state } = await step());
  }

  /** From timer to timer. */
  async passUntil(
    instant: number,
    fire: (order: Order & { readonly name: Name; readonly occurrence: number }) => Step<State>,
    afterStep = async (): Promise<void> => {},
  ): Promise<void> {
    for (;;) {
      const [timer] = this.state.timers;
      if (this.state.isClosed || !timer || timer.dueAt > instant) break;
      this.now = Math.max(this.now, timer.dueAt);
      const { name, occurrence } = timer;
      const commandId = `${this.workflowId}/${name}/${occurrence}`;
      const order = { ...this.orderOf(commandId), name, occurrence };
      await this.carryOut(() => fire(order));
      await afterStep();
    }
    this.now = Math.max(this.now, instant);
  }

  /** @returns 'done', or the code of the refusal */
  async answerTo(work: () => Promise<unknown>): Promise<string> {
    const outcome = await outcomeOf(work);
    if (outcome !== 'done') this.last = undefined;
    return outcome;
  }

  /** In a new run. */
  beginAnew(state: State): void {
    this.state = state;
    this.last = undefined;
  }

  /** The last step comes once more. @returns the state that it answers with */
  async again(): Promise<State> {
    return this.last ? (await this.last()).state : this.state;
  }
}

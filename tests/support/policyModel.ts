import fc from 'fast-check';

/** What somebody does to a policy, or time; people are counted, 0 wrote it. */
export type Act =
  | {
      readonly event: 'submit' | 'approve' | 'reject' | 'edit' | 'publish' | 'unpublish';
      readonly by: number;
    }
  | { readonly event: 'retire' | 'discard' | 'pause' | 'resume'; readonly by: number }
  | { readonly event: 'draft'; readonly requiresReack: boolean }
  /** The last order comes once more. */
  | { readonly event: 'repeat' }
  /** More than a day goes by. */
  | { readonly event: 'pass' };

const by = fc.integer({ min: 0, max: 3 });

const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ event: fc.constant('submit'), by: fc.constant(0) }) },
  { weight: 8, arbitrary: fc.record({ event: fc.constant('approve'), by }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant('reject'), by }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant('edit'), by }) },
  { weight: 5, arbitrary: fc.record({ event: fc.constant('publish'), by }) },
  { weight: 2, arbitrary: fc.record({ event: fc.constant('unpublish'), by }) },
  { weight: 1, arbitrary: fc.record({ event: fc.constantFrom('retire', 'discard'), by }) },
  { weight: 3, arbitrary: fc.record({ event: fc.constantFrom('pause', 'resume'), by }) },
  {
    weight: 4,
    arbitrary: fc.record({ event: fc.constant('draft'), requiresReack: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.constant({ event: 'repeat' }) },
  { weight: 1, arbitrary: fc.constant({ event: 'pass' }) },
);

/** Chance alone seldom leads a version all the way. */
const release = fc.boolean().map((requiresReack): readonly Act[] => [
  { event: 'draft', requiresReack },
  { event: 'submit', by: 0 },
  { event: 'approve', by: 1 },
  { event: 'approve', by: 2 },
]);

const published: readonly Act[] = [{ event: 'publish', by: 0 }];

export const acts: fc.Arbitrary<readonly Act[]> = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: act.map((one): readonly Act[] => [one]) },
      { weight: 1, arbitrary: release },
      { weight: 1, arbitrary: release.map((way) => [...way, ...published]) },
    ),
    { minLength: 8, maxLength: 40 },
  )
  .map((parts) => parts.flat());

interface Version {
  readonly number: number;
  status: string;
  reack: boolean;
  round: number;
  readonly authors: Set<number>;
  decided: Set<number>;
  approvals: number;
  /** Its clocks stand still. */
  isPaused: boolean;
  /** Number of the version that took its place. */
  endedBy?: number | undefined;
  /** In days that have gone by. */
  publishedOn?: number | undefined;
}

const quorum = 2;
const open = ['draft', 'pending_approval', 'approved'];

/** Requirements 5.3 once more, as plainly as they can be written down. */
export class PolicyModel {
  #day = 0;
  #policyVersion = 0;
  #reackVersion = 0;
  #approvalStatus = 'pending';
  readonly #versions: Version[] = [draftOf(1, true)];

  get shown(): unknown {
    return {
      policyVersion: this.#policyVersion,
      reackVersion: this.#reackVersion,
      approvalStatus: this.#approvalStatus,
      versions: this.#versions.map(({ number, status, reack, round, approvals, isPaused }) => ({
        number,
        status,
        open: open.includes(status) || status === 'published',
        reack,
        round,
        approvals,
        timers: (clocks[status] ?? []).map((name) => (isPaused ? `${name} paused` : name)),
      })),
    };
  }

  /** The version that the act is about; none where it is about none, or there is none. */
  subjectOf({ event }: Act): number | undefined {
    if (event === 'draft' || event === 'repeat' || event === 'pass') return undefined;
    const isInForce = event === 'unpublish' || event === 'retire';
    const live = this.#versions.filter(({ status }) => status !== 'discarded');
    return ((isInForce ? this.#published : this.#open) ?? live.at(-1))?.number;
  }

  /** @returns 'done', or the code of the refusal */
  carryOut(done: Act, number: number | undefined): string {
    if (done.event === 'repeat') return 'done';
    if (done.event === 'pass') {
      this.#day += 1;
      return 'done';
    }
    if (done.event === 'draft') return this.#draft(done.requiresReack);
    const version = this.#versions.find((each) => each.number === number);
    if (!version) throw new Error(`There is no version ${number}`);
    return this.#step(version, done);
  }

  #step(version: Version, { event, by: person }: Extract<Act, { by: number }>): string {
    const { status } = version;
    if (!(legal[event] ?? []).includes(status)) return 'ILLEGAL_TRANSITION';
    switch (event) {
      case 'submit':
        version.authors.add(person);
        return this.#to(version, 'pending_approval', 'pending', { round: version.round + 1 });
      case 'approve':
        if (version.authors.has(person)) return 'FORBIDDEN';
        if (version.decided.has(person)) return 'done';
        version.decided.add(person);
        version.approvals += 1;
        if (version.approvals === quorum) {
          Object.assign(version, { status: 'approved', isPaused: false });
          this.#approvalStatus = 'approved';
        }
        return 'done';
      case 'reject':
        if (version.authors.has(person)) return 'FORBIDDEN';
        if (version.decided.has(person)) return 'ALREADY_DECIDED';
        Object.assign(version, { status: 'draft', isPaused: false });
        this.#approvalStatus = 'rejected';
        return 'done';
      case 'edit':
        version.authors.add(person);
        return this.#to(version, 'draft', 'pending', {});
      case 'publish':
        return this.#publish(version);
      case 'unpublish':
        return this.#unpublish(version);
      case 'retire':
        version.status = 'retired';
        [this.#policyVersion, this.#reackVersion] = [0, 0];
        return 'done';
      case 'pause':
      case 'resume':
        // There has to be a clock that runs, or stands still.
        if (!clocks[status] || version.isPaused === (event === 'pause'))
          return 'ILLEGAL_TRANSITION';
        version.isPaused = event === 'pause';
        return 'done';
      case 'discard':
        version.status = 'discarded';
        this.#approvalStatus = this.#published ? 'approved' : 'pending';
        return 'done';
      default:
        return event satisfies never;
    }
  }

  #to(version: Version, status: string, approvalStatus: string, rest: Partial<Version>): string {
    Object.assign(version, {
      status,
      approvals: 0,
      decided: new Set(),
      isPaused: false,
      ...rest,
    });
    this.#approvalStatus = approvalStatus;
    return 'done';
  }

  #draft(requiresReack: boolean): string {
    if (this.#open) return 'VERSION_OPEN';
    if (!this.#published && !requiresReack) return 'VALIDATION_ERROR';
    this.#versions.push(draftOf(this.#versions.length + 1, requiresReack));
    this.#approvalStatus = 'pending';
    return 'done';
  }

  #publish(version: Version): string {
    const before = this.#published;
    if (before) Object.assign(before, { status: 'superseded', endedBy: version.number });
    version.reack ||= !before;
    Object.assign(version, { status: 'published', publishedOn: this.#day });
    this.#approvalStatus = 'approved';
    this.#policyVersion = version.number;
    if (version.reack) this.#reackVersion = version.number;
    return 'done';
  }

  #unpublish(version: Version): string {
    if (version.publishedOn !== this.#day) return 'UNPUBLISH_WINDOW_CLOSED';
    const next = this.#open;
    if (next) {
      next.status = 'discarded';
      this.#approvalStatus = 'approved';
    }
    const before = this.#versions.find(({ endedBy }) => endedBy === version.number);
    Object.assign(version, { status: 'approved', publishedOn: undefined });
    if (before) Object.assign(before, { status: 'published', endedBy: undefined });
    const read = this.#versions.filter(
      ({ number, reack, publishedOn }) =>
        before && number <= before.number && reack && publishedOn !== undefined,
    );
    this.#policyVersion = before?.number ?? 0;
    this.#reackVersion = read.at(-1)?.number ?? 0;
    return 'done';
  }

  get #open(): Version | undefined {
    return this.#versions.find(({ status }) => open.includes(status));
  }

  get #published(): Version | undefined {
    return this.#versions.find(({ status }) => status === 'published');
  }
}

const legal: Readonly<Record<string, readonly string[]>> = {
  submit: ['draft'],
  approve: ['pending_approval'],
  reject: ['pending_approval'],
  edit: ['pending_approval', 'approved'],
  publish: ['approved'],
  unpublish: ['published'],
  retire: ['published'],
  discard: open,
  pause: ['pending_approval', 'approved'],
  resume: ['pending_approval', 'approved'],
};

const clocks: Readonly<Record<string, readonly string[]>> = {
  pending_approval: ['approval_escalation', 'approval_reminder'],
  published: ['review_due', 'review_reminder_1', 'review_reminder_2'],
};

function draftOf(number: number, reack: boolean): Version {
  return {
    number,
    status: 'draft',
    reack,
    round: 0,
    authors: new Set([0]),
    decided: new Set(),
    approvals: 0,
    isPaused: false,
  };
}

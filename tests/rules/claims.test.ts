import {
  allowedClaimEvents,
  claimEvents,
  claimStatuses,
  mayBringAbout,
  nextClaimStatus,
  type ClaimEvent,
  type Standing,
} from '../../src/rules/claims.ts';
import { roleCodes } from '../../src/rules/permissions.ts';

/** Requirements 4.3; whatever is not listed is illegal. */
const undecided = [
  'reported',
  'assigned',
  'under_review',
  'investigation',
  'documents_requested',
  'waiting_approval',
];
const everywhere = (statuses: readonly string[], event: string, to?: string) =>
  statuses.map((status) => [`${status} ${event}`, to ?? status] as const);
const legal: Readonly<Record<string, string>> = Object.fromEntries([
  ['none report', 'reported'],
  ['reported assign', 'assigned'],
  ...everywhere(
    claimStatuses.filter((status) => status !== 'reported' && status !== 'closed'),
    'reassign',
  ),
  ['assigned start_review', 'under_review'],
  ['under_review investigate', 'investigation'],
  ['under_review request_documents', 'documents_requested'],
  ['investigation request_documents', 'documents_requested'],
  ['documents_requested complete_documents', 'investigation'],
  ['under_review submit_for_approval', 'waiting_approval'],
  ['investigation submit_for_approval', 'waiting_approval'],
  ['documents_requested submit_for_approval', 'waiting_approval'],
  ['waiting_approval approve', 'approved'],
  ['waiting_approval deny', 'denied'],
  ['waiting_approval return', 'under_review'],
  ['waiting_approval delegate_approval', 'waiting_approval'],
  ['approved start_payment', 'payment_processing'],
  ['approved pay_by_hand', 'paid'],
  ['payment_processing complete_payment', 'paid'],
  ['payment_processing fail_payment', 'approved'],
  ['paid close', 'closed'],
  ['denied close', 'closed'],
  ['denied appeal', 'under_review'],
  ...everywhere(undecided, 'withdraw', 'closed'),
  ...everywhere(undecided, 'mark_duplicate', 'closed'),
  ['reported discard', 'closed'],
  ['closed reopen', 'under_review'],
  ...everywhere([...undecided, 'paid', 'denied'], 'hold'),
  ...(['move_timer', 'apply_settings'] as const).flatMap((event) =>
    everywhere(
      claimStatuses.filter((status) => status !== 'closed'),
      event,
    ),
  ),
]);

const standing = (status: Standing['status'], onHold = false): Standing => ({
  status,
  onHold,
  previousStatus: status === 'documents_requested' ? 'investigation' : null,
});

const everyPair = (['none', ...claimStatuses] as const).flatMap((status) =>
  claimEvents.map((event) => ({ status, event, next: legal[`${status} ${event}`] })),
);

const who = (
  roles: Parameters<typeof mayBringAbout>[2]['roles'],
  { isAssignee = false, isClaimant = false } = {},
) => ({ roles, isAssignee, isClaimant });

describe('the course of a claim', () => {
  it.each(everyPair)('leads from $status by $event to $next', ({ status, event, next }) => {
    expect(nextClaimStatus(standing(status), event)).toBe(next);
  });

  it('has the eleven statuses of the requirement', () => {
    expect(claimStatuses).toHaveLength(11);
  });

  it('has a way to its end from every status', () => {
    for (const status of claimStatuses) {
      const seen = new Set<string>([status]);
      for (const from of seen) {
        for (const { next } of everyPair.filter((pair) => pair.status === from)) {
          if (next) seen.add(next);
        }
      }
      expect(seen).toContain('closed');
    }
  });

  it('lets a claim on hold be released or given up, and nothing else', () => {
    const onHold = claimEvents.filter((event) =>
      claimStatuses.some((status) => nextClaimStatus(standing(status, true), event)),
    );

    expect(onHold.toSorted()).toEqual(['mark_duplicate', 'release', 'withdraw']);
  });
});

describe('allowedClaimEvents', () => {
  it('names legal events only, and none that only the system brings about', () => {
    for (const status of claimStatuses) {
      for (const onHold of [false, true]) {
        const events = allowedClaimEvents(standing(status, onHold));
        expect(events.filter((event) => !nextClaimStatus(standing(status, onHold), event))).toEqual(
          [],
        );
        expect(events).not.toContain('complete_payment');
        expect(events).not.toContain('fail_payment');
      }
    }
  });
});

describe('mayBringAbout', () => {
  const rolesFor = (status: Standing['status'], event: ClaimEvent): string[] =>
    roleCodes.filter((role) => mayBringAbout(status, event, who([role])));

  it('lets those decide who may, and no adjuster', () => {
    for (const event of ['approve', 'deny', 'return'] as const) {
      expect(rolesFor('waiting_approval', event)).toEqual([
        'tenant_admin',
        'claims_manager',
        'senior_adjuster',
      ]);
    }
    expect(
      mayBringAbout('waiting_approval', 'approve', who(['adjuster'], { isAssignee: true })),
    ).toBe(false);
  });

  it('lets the assignee process, and no other adjuster', () => {
    expect(mayBringAbout('assigned', 'start_review', who(['adjuster']))).toBe(false);
    expect(mayBringAbout('assigned', 'start_review', who(['adjuster'], { isAssignee: true }))).toBe(
      true,
    );
  });

  it('lets the claimant report, withdraw and appeal, and nothing else', () => {
    const claimant = who(['policyholder'], { isClaimant: true });
    const events = claimEvents.filter((event) =>
      (['none', ...claimStatuses] as const).some((status) =>
        mayBringAbout(status, event, claimant),
      ),
    );

    expect(events).toEqual(['report', 'appeal', 'withdraw']);
  });

  it('lets nobody do what only the payment does', () => {
    expect(rolesFor('payment_processing', 'complete_payment')).toEqual([]);
    expect(rolesFor('payment_processing', 'fail_payment')).toEqual([]);
  });

  it('lets an assignee close what was paid, and not what was denied', () => {
    const assignee = who(['adjuster'], { isAssignee: true });

    expect(mayBringAbout('paid', 'close', assignee)).toBe(true);
    expect(mayBringAbout('denied', 'close', assignee)).toBe(false);
  });
});

import { roleCodes } from '../../src/rules/permissions.ts';
import {
  allowedVersionEvents,
  nextVersionStatus,
  openStatuses,
  policyVersionEvents,
  policyVersionStatuses,
  versionPartiesOf,
} from '../../src/rules/policyApproval.ts';

/** Requirements 5.3; whatever is not listed is illegal. */
const legal: Readonly<Record<string, string>> = {
  'none create': 'draft',
  'none configure': 'published',
  'draft submit': 'pending_approval',
  'draft discard': 'draft',
  'pending_approval approve': 'approved',
  'pending_approval note_approval': 'pending_approval',
  'pending_approval reject': 'draft',
  'pending_approval edit': 'draft',
  'pending_approval discard': 'pending_approval',
  'pending_approval move_timer': 'pending_approval',
  'approved edit': 'draft',
  'approved publish': 'published',
  'approved schedule_publish': 'approved',
  'approved discard': 'approved',
  'approved move_timer': 'approved',
  'pending_approval pause': 'pending_approval',
  'approved pause': 'approved',
  'pending_approval resume': 'pending_approval',
  'approved resume': 'approved',
  'published unpublish': 'approved',
  'published retire': 'retired',
  'published plan_review': 'published',
  'published supersede': 'superseded',
  'superseded restore': 'published',
};

const everywhere = ['none', ...policyVersionStatuses] as const;

describe('the course of a version of a compliance policy', () => {
  it('has the steps of the table and no others', () => {
    const found = everywhere.flatMap((status) =>
      policyVersionEvents.flatMap((event) => {
        const to = nextVersionStatus(status, event);
        return to ? [[`${status} ${event}`, to] as const] : [];
      }),
    );

    expect(Object.fromEntries(found)).toEqual(legal);
  });

  it('leaves to the clocks and to other versions what no person may do', () => {
    const asked = Object.fromEntries(
      everywhere.map((status) => [status, allowedVersionEvents(status)]),
    );

    expect(asked).toEqual({
      none: ['create', 'configure'],
      draft: ['submit', 'discard'],
      pending_approval: ['approve', 'reject', 'edit', 'move_timer', 'pause', 'resume'],
      approved: ['edit', 'publish', 'schedule_publish', 'move_timer', 'pause', 'resume'],
      published: ['unpublish', 'retire', 'plan_review'],
      superseded: [],
      retired: [],
    });
  });

  it('is for whoever looks after compliance; operators move and stop its clocks alone', () => {
    const parties = everywhere.flatMap((status) =>
      policyVersionEvents.flatMap((event) =>
        versionPartiesOf(status, event).map((party) => `${party} ${event}`),
      ),
    );
    const byOperators = [...new Set(parties)].filter((each) => each.startsWith('operator'));
    const others = parties.filter(
      (each) => !/^(compliance_manager|tenant_admin|operator) /.test(each),
    );

    expect(byOperators).toEqual(['operator move_timer', 'operator pause', 'operator resume']);
    expect(others).toEqual([]);
    expect(roleCodes).toEqual(expect.arrayContaining(['compliance_manager', 'tenant_admin']));
  });

  it('is open until it is published', () => {
    expect(openStatuses).toEqual(['draft', 'pending_approval', 'approved']);
  });
});

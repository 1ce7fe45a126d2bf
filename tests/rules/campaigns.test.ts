import {
  campaignAfter,
  campaignStatuses,
  leadsOutOf,
  movedDue,
  type CampaignEvent,
} from '../../src/rules/campaigns.ts';

describe('the steps of a campaign', () => {
  it.each<[CampaignEvent, Record<string, string>]>([
    ['launch', { draft: 'running' }],
    ['pause', { running: 'paused' }],
    ['resume', { paused: 'running' }],
    ['cancel', { draft: 'cancelled', running: 'cancelled', paused: 'cancelled' }],
    ['finish', { running: 'done' }],
  ])('%s leads from and to %j', (event, expected) => {
    const found = campaignStatuses.flatMap((status) => {
      const after = campaignAfter(status, event);
      return after ? [[status, after]] : [];
    });

    expect(Object.fromEntries(found)).toEqual(expected);
  });
});

describe('the audience of a campaign', () => {
  const everybody = { customerId: null, role: null, department: null };

  it.each([
    [everybody, everybody, undefined],
    [{ ...everybody, department: 'IT' }, everybody, undefined],
    [everybody, { ...everybody, department: 'IT' }, undefined],
    [{ ...everybody, department: ' it' }, { ...everybody, department: 'IT' }, undefined],
    [{ ...everybody, department: 'Sales' }, { ...everybody, department: 'IT' }, 'department'],
    [{ ...everybody, customerId: 'a' }, { ...everybody, customerId: 'b' }, 'customerId'],
    [{ ...everybody, role: 'Driver' }, { ...everybody, role: 'Cook' }, 'role'],
  ])('%j within %j leads out by %s', (audience, whole, part) => {
    expect(leadsOutOf(audience, whole)).toBe(part);
  });
});

describe('the day of an open request whose campaign gives other days', () => {
  it.each([
    ['2026-03-14', 7, '2026-03-21'],
    ['2026-02-20', 7, '2026-02-27'],
    ['2026-03-30', -7, '2026-03-23'],
    // A week is left to whoever had more.
    ['2026-03-14', -10, '2026-03-08'],
    ['2026-03-03', -10, '2026-03-03'],
    ['2026-02-20', -10, '2026-02-20'],
  ])('%s moves by %i to %s', (due, days, expected) => {
    expect(movedDue(due, days, '2026-03-01')).toBe(expected);
  });
});

import {
  campaignAfter,
  campaignStatuses,
  leadsOutOf,
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

import {
  alertKinds,
  hasThreshold,
  isFailing,
  isLongAgo,
  kindsOf,
  usualAlerts,
} from '../../src/rules/alerts.ts';
import { companyIn, isDelivery, objectOf, workflowKinds } from '../../src/rules/workflowIds.ts';

const at = new Date('2026-03-01T12:00:00Z');
const ago = (minutes: number): Date => new Date(at.getTime() - minutes * 60_000);

describe('a step that is tried again', () => {
  const rule = { attempts: 5, minutes: 30 };

  it.each([
    { failures: 5, minutes: 30, fails: false },
    { failures: 6, minutes: 0, fails: true },
    { failures: 1, minutes: 31, fails: true },
    { failures: 0, minutes: 1000, fails: false },
  ])('after $failures failures in $minutes minutes: $fails', ({ failures, minutes, fails }) => {
    expect(isFailing(rule, { failures, since: ago(minutes) }, at)).toBe(fails);
  });

  it('is not judged by a threshold that its rule does not have', () => {
    const long = { failures: 900, since: ago(900) };

    expect(isFailing({ attempts: null, minutes: null }, long, at)).toBe(false);
    expect(isFailing({ attempts: null, minutes: 899 }, long, at)).toBe(true);
    expect(isFailing({ attempts: 899, minutes: null }, long, at)).toBe(true);
  });
});

describe('kinds of alerts', () => {
  it('are all on, told by every channel, and of a company but for its queues', () => {
    expect(Object.keys(usualAlerts).toSorted()).toEqual(alertKinds.toSorted());
    expect(Object.values(usualAlerts)).toEqual(
      alertKinds.map(() =>
        expect.objectContaining({ isEnabled: true, channels: ['email', 'in_app'] }),
      ),
    );
    expect(kindsOf(true)).toEqual(alertKinds);
    expect(kindsOf(false)).not.toContain('no_worker');
    expect(kindsOf(false)).toHaveLength(alertKinds.length - 1);
  });

  it('have the thresholds that can be measured', () => {
    const having = (threshold: 'attempts' | 'minutes') =>
      alertKinds.filter((kind) => hasThreshold(kind, threshold));

    expect(having('attempts')).toEqual(['activity_failing']);
    expect(having('minutes')).toEqual([
      'activity_failing',
      'timers_overdue',
      'outbox_late',
      'no_worker',
    ]);
  });

  it('count whole minutes and no less', () => {
    expect(isLongAgo(ago(3), 3, at)).toBe(false);
    expect(isLongAgo(new Date(ago(3).getTime() - 1), 3, at)).toBe(true);
  });
});

describe('the id of a run', () => {
  it('names the object and its company', () => {
    for (const kind of workflowKinds) {
      expect(objectOf(`${kind}/company/object`)).toEqual({ kind, id: 'object' });
    }
    expect(companyIn('claim/company/object')).toBe('company');
    expect(objectOf('onboarding/registration')).toEqual({ kind: 'onboarding', id: 'registration' });
    expect(companyIn('onboarding/registration')).toBeUndefined();
  });

  it('of a job, a mail or a queue names no object', () => {
    expect(objectOf('schedule/surety/reconcile')).toBeUndefined();
    expect(companyIn('schedule/surety/reconcile')).toBeUndefined();
    expect(objectOf('notification/company/mail')).toBeUndefined();
    expect(isDelivery('notification/company/mail')).toBe(true);
    expect(isDelivery('webhook/company/delivery/1')).toBe(true);
    expect(isDelivery('payment/company/notification')).toBe(false);
    expect(objectOf('surety-lifecycle')).toBeUndefined();
  });
});

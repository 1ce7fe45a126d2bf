import { usualCalendar } from '../../src/rules/businessDays.ts';
import { complianceDefaults } from '../../src/rules/complianceSettings.ts';
import { labelAfter, labelText, quizProblem } from '../../src/rules/compliancePolicies.ts';
import {
  approvalClocks,
  clocksAfterPolicyTimer,
  isMovablePolicyTimer,
  isPolicyTimer,
  reviewClocks,
  reviewDateFor,
  type DuePolicyTimer,
} from '../../src/rules/policyClocks.ts';

/** A Friday, in Berlin's winter. */
const at = Date.parse('2026-01-30T09:30:00Z');
const facts = { settings: complianceDefaults, calendar: usualCalendar('Europe/Berlin'), at };
const told = (clocks: readonly DuePolicyTimer[]) =>
  clocks.map(({ name, dueAt }) => `${name} ${new Date(dueAt).toISOString()}`);

describe('the clocks of an approval', () => {
  it('remind after two business days and escalate after five', () => {
    expect(told(approvalClocks(facts))).toEqual([
      'approval_reminder 2026-02-03T09:30:00.000Z',
      'approval_escalation 2026-02-06T09:30:00.000Z',
    ]);
  });

  it('follow the settings of the company', () => {
    const settings = { ...complianceDefaults, approvalReminderBd: 1, approvalEscalateBd: 2 };

    expect(told(approvalClocks({ ...facts, settings }))).toEqual([
      'approval_reminder 2026-02-02T09:30:00.000Z',
      'approval_escalation 2026-02-03T09:30:00.000Z',
    ]);
  });

  it('climb to administrators one escalation later, and come back every week', () => {
    expect(told(clocksAfterPolicyTimer('approval_reminder', facts))).toEqual([]);
    expect(told(clocksAfterPolicyTimer('approval_escalation', facts))).toEqual([
      'approval_admin 2026-02-06T09:30:00.000Z',
    ]);
    expect(told(clocksAfterPolicyTimer('approval_admin', facts))).toEqual([
      'approval_admin 2026-02-06T09:30:00.000Z',
    ]);
    expect(clocksAfterPolicyTimer('review_due', facts)).toEqual([]);
  });
});

describe('the clocks of a review', () => {
  it('go off a month and a week before the day, and on it', () => {
    expect(told(reviewClocks('2027-01-30', facts))).toEqual([
      'review_reminder_1 2026-12-30T23:00:00.000Z',
      'review_reminder_2 2027-01-22T23:00:00.000Z',
      'review_due 2027-01-29T23:00:00.000Z',
    ]);
  });

  it('leave out reminders that are past', () => {
    expect(told(reviewClocks('2026-02-10', facts))).toEqual([
      'review_reminder_2 2026-02-02T23:00:00.000Z',
      'review_due 2026-02-09T23:00:00.000Z',
    ]);
  });

  it('go by the day somebody chose while it lies ahead, else by the usual time', () => {
    expect(reviewDateFor('2026-03-01', facts)).toBe('2026-03-01');
    expect(reviewDateFor('2026-01-30', facts)).toBe('2027-01-30');
    expect(reviewDateFor(null, facts)).toBe('2027-01-30');
  });
});

describe('a timer of a version', () => {
  it('is known by its name, and moved unless it follows the review', () => {
    const names = ['approval_reminder', 'publish', 'review_due', 'review_reminder_2'];

    expect(names.filter(isPolicyTimer)).toEqual(names);
    expect(names.filter(isPolicyTimer).filter(isMovablePolicyTimer)).toEqual([
      'approval_reminder',
      'publish',
    ]);
    expect(['review_reminder', 'triage', 'review_escalation'].filter(isPolicyTimer)).toEqual([]);
  });
});

describe('the label of a version', () => {
  it('is the next minor for what need not be read again, else the next major', () => {
    const before = { major: 2, minor: 1 };

    expect(labelText(labelAfter(undefined, true))).toBe('1.0');
    expect(labelText(labelAfter(before, false))).toBe('2.2');
    expect(labelText(labelAfter(before, true))).toBe('3.0');
  });
});

describe('the questions about a document', () => {
  const question = { question: 'Who?', options: ['You', 'They'], correct: 1 };

  it('have a right answer among different ones', () => {
    expect(quizProblem([question])).toBeUndefined();
    expect(quizProblem([question, { ...question, correct: 2 }])).toMatchObject({
      field: 'quiz.1.correct',
    });
    expect(quizProblem([{ ...question, options: ['You', 'You'] }])).toMatchObject({
      field: 'quiz.0.options',
    });
  });
});

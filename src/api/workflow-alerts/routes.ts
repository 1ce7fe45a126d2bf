import type { Alerts } from '../../commands/alerts.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentAlert, presentAlertRule } from './present.ts';
import {
  acknowledgeBody,
  alertAnswer,
  alertExample,
  alertPath,
  alertRuleAnswer,
  alertRuleExample,
  alertRulesQuery,
  alertsQuery,
  createAlertRuleBody,
  editAlertRuleBody,
} from './schema.ts';

const tag = 'Workflows';
const reads = { tag, permission: 'workflow:read', company: 'optional' } as const;
const acts = { tag, permission: 'workflow:operate', company: 'optional' } as const;
const rules = { path: '/workflows/alert-rules' } as const;
const rule = { path: '/workflows/alert-rules/:id', params: alertPath } as const;
const answersAlert = { answer: presentAlert, answerSchema: alertAnswer } as const;
const answersRule = { answer: presentAlertRule, answerSchema: alertRuleAnswer } as const;

export const alertRoutes = ({ alerts }: { readonly alerts: Alerts }): Route[] => [
  listRoute({
    ...reads,
    path: '/workflows/alerts',
    summary:
      'What somebody has to look at: steps and code that fail, late timers, drift, no worker',
    businessRules: true,
    query: alertsQuery,
    ...answersAlert,
    handle: ({ actor, query }) => alerts.list(actor, query),
    examples: { answer: alertExample },
  }),
  route({
    ...acts,
    method: 'POST',
    path: '/workflows/alerts/:id/acknowledge',
    summary: 'Note that somebody looks after an alert; it stays until its cause is gone',
    message: 'Acknowledged',
    idempotency: 'optional',
    businessRules: true,
    params: alertPath,
    body: acknowledgeBody,
    ...answersAlert,
    handle: ({ actor, params, body, once }) => alerts.acknowledge(actor, params.id, body, once),
    examples: { body: { reason: 'The gateway knows and mends it' }, answer: alertExample },
  }),
  listRoute({
    ...reads,
    ...rules,
    summary: 'When alerts of each kind are raised and who is told, also where nobody has set it',
    businessRules: true,
    query: alertRulesQuery,
    ...answersRule,
    handle: ({ actor, query }) => alerts.listRules(actor, query),
    examples: { answer: alertRuleExample },
  }),
  route({
    ...acts,
    ...rules,
    method: 'POST',
    summary: 'Have alerts of a kind raised otherwise than usual',
    message: 'Rule created',
    status: 201,
    idempotency: 'optional',
    businessRules: true,
    body: createAlertRuleBody,
    ...answersRule,
    handle: ({ actor, body, once }) => alerts.createRule(actor, body, once),
    examples: {
      body: { kind: 'activity_failing', attempts: 5, minutes: 15 },
      answer: alertRuleExample,
    },
  }),
  route({
    ...reads,
    ...rule,
    method: 'GET',
    summary: 'One rule',
    ...answersRule,
    handle: ({ actor, params }) => alerts.getRule(actor, params.id),
    examples: { answer: alertRuleExample },
  }),
  route({
    ...acts,
    ...rule,
    method: 'PATCH',
    ifMatch: true,
    summary: 'Change some fields of a rule',
    message: 'Rule changed',
    businessRules: true,
    body: editAlertRuleBody,
    ...answersRule,
    handle: ({ actor, params, body, expectedVersion }) =>
      alerts.editRule(actor, params.id, body, expectedVersion),
    examples: { body: { minutes: 60 }, answer: alertRuleExample },
  }),
  route({
    ...acts,
    ...rule,
    method: 'DELETE',
    ifMatch: true,
    summary: 'Take a rule away: the usual settings hold again',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      alerts.removeRule(actor, params.id, expectedVersion),
  }),
];

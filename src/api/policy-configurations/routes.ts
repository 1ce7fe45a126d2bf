import type { PolicyConfigurations } from '../../commands/policyConfigurations.ts';
import { presentSettingsPreview } from '../companies/present.ts';
import { settingsPreviewAnswer, settingsPreviewExample } from '../companies/schema.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentConfiguration } from './present.ts';
import {
  approveConfigurationBody,
  configurationAnswer,
  configurationExample,
  configurationPath,
  configurationsQuery,
  createConfigurationBody,
  editConfigurationBody,
  rejectConfigurationBody,
} from './schema.ts';

const tag = 'Compliance';
const all = {
  path: '/policy-configurations',
  aliases: ['/manage-policy-configurations'],
  tag,
} as const;
const one = {
  path: '/policy-configurations/:id',
  aliases: ['/manage-policy-configurations/:id'],
  tag,
  params: configurationPath,
} as const;
const answersRow = { answer: presentConfiguration, answerSchema: configurationAnswer } as const;
const decision = {
  method: 'POST',
  permission: 'configuration:approve',
  ifMatch: true,
  idempotency: 'optional',
  businessRules: true,
  tag,
  params: configurationPath,
  ...answersRow,
} as const;

const { policy_id, key, value } = configurationExample;

export const policyConfigurationRoutes = ({
  policyConfigurations,
}: {
  readonly policyConfigurations: PolicyConfigurations;
}): Route[] => [
  listRoute({
    ...all,
    permission: 'compliance_policy:read',
    summary: 'Values that documents are carried out by',
    businessRules: true,
    query: configurationsQuery,
    ...answersRow,
    handle: ({ actor, query }) => policyConfigurations.list(actor, query),
    examples: { answer: configurationExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'compliance_policy:write',
    summary: 'Ask for a value; somebody else decides',
    businessRules: true,
    message: 'Configuration asked for',
    status: 201,
    idempotency: 'optional',
    body: createConfigurationBody,
    ...answersRow,
    handle: ({ body, once }) => policyConfigurations.create(body, once),
    examples: { body: { policy_id, key, value }, answer: configurationExample },
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'compliance_policy:read',
    summary: 'One value that a document is carried out by',
    ...answersRow,
    handle: ({ actor, params }) => policyConfigurations.get(actor, params.id),
    examples: { answer: configurationExample },
  }),
  route({
    method: 'GET',
    path: '/policy-configurations/:id/preview',
    permission: 'compliance_policy:read',
    tag,
    params: configurationPath,
    summary:
      'Which reminders, escalations and next cycles of running acknowledgements a value would move that nobody has decided about',
    businessRules: true,
    answer: presentSettingsPreview,
    answerSchema: settingsPreviewAnswer,
    handle: ({ actor, params }) => policyConfigurations.preview(actor, params.id),
    examples: { answer: settingsPreviewExample },
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'compliance_policy:write',
    ifMatch: true,
    summary: 'Change a value that one has asked for, while nobody has decided',
    businessRules: true,
    message: 'Configuration changed',
    body: editConfigurationBody,
    ...answersRow,
    handle: ({ actor, params, body, expectedVersion }) =>
      policyConfigurations.edit(actor, params.id, body, expectedVersion),
    examples: { body: { value }, answer: configurationExample },
  }),
  route({
    ...decision,
    path: '/policy-configurations/:id/approve',
    summary: 'Put the value in force, as the next version of its document',
    message: 'Approved',
    body: approveConfigurationBody,
    handle: ({ actor, params, body: { reason }, expectedVersion, once }) =>
      policyConfigurations.approve(actor, params.id, { reason, expectedVersion, once }),
    examples: {
      body: {},
      answer: { ...configurationExample, status: 'active', policy_version: 3, version: 2 },
    },
  }),
  route({
    ...decision,
    path: '/policy-configurations/:id/reject',
    summary: 'Refuse the value, with a reason',
    message: 'Rejected',
    body: rejectConfigurationBody,
    handle: ({ actor, params, body: { reason }, expectedVersion, once }) =>
      policyConfigurations.reject(actor, params.id, { reason, expectedVersion, once }),
    examples: {
      body: { reason: 'Too short' },
      answer: { ...configurationExample, status: 'rejected', version: 2 },
    },
  }),
];

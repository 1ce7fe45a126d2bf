import type { Campaigns } from '../../commands/campaigns.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentCampaign, presentCampaignProgress, presentChangedCampaign } from './present.ts';
import {
  campaignAnswer,
  campaignExample,
  campaignPath,
  campaignProgressAnswer,
  campaignProgressExample,
  campaignsQuery,
  changedCampaignAnswer,
  changedCampaignExample,
  createCampaignBody,
  editCampaignBody,
  replaceCampaignBody,
} from './schema.ts';

const tag = 'Acknowledgements';
const all = { path: '/campaigns', tag } as const;
const one = { path: '/campaigns/:id', tag, params: campaignPath } as const;
const answersCampaign = { answer: presentCampaign, answerSchema: campaignAnswer } as const;
const step = {
  tag,
  method: 'POST',
  permission: 'campaign:write',
  ifMatch: true,
  idempotency: 'optional',
  businessRules: true,
  status: 200,
  params: campaignPath,
  ...answersCampaign,
} as const;

const { policy_id, name, audience_department, due_days, allow_decline, settings } = campaignExample;
const facts = { name, audience_department, due_days, allow_decline, settings };
const launched = {
  ...campaignExample,
  status: 'running',
  launched_at: '2026-02-01T09:30:00.000Z',
  version: 2,
} as const;

export const campaignRoutes = ({ campaigns }: { readonly campaigns: Campaigns }): Route[] => [
  listRoute({
    ...all,
    permission: 'ack:read_all',
    summary: 'Campaigns in which people are asked once more to read a policy',
    businessRules: true,
    query: campaignsQuery,
    ...answersCampaign,
    handle: ({ actor, query }) => campaigns.list(actor, query),
    examples: { answer: campaignExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'campaign:write',
    summary: 'Draft a campaign; nobody is asked before it is launched',
    businessRules: true,
    message: 'Campaign created',
    status: 201,
    idempotency: 'optional',
    body: createCampaignBody,
    ...answersCampaign,
    handle: ({ body, once }) => campaigns.create(body, once),
    examples: { body: { policy_id, ...facts }, answer: campaignExample },
  }),
  route({
    ...one,
    method: 'GET',
    permission: 'ack:read_all',
    summary: 'One campaign',
    ...answersCampaign,
    handle: ({ actor, params }) => campaigns.get(actor, params.id),
    examples: { answer: campaignExample },
  }),
  route({
    ...one,
    method: 'PUT',
    permission: 'campaign:write',
    ifMatch: true,
    summary:
      'Replace a campaign that has not ended; its policy stays, and once launched whom it asks',
    businessRules: true,
    message: 'Campaign replaced',
    body: replaceCampaignBody,
    ...answersCampaign,
    handle: async ({ actor, params, body, expectedVersion }) =>
      (await campaigns.edit(actor, params.id, body, expectedVersion)).campaign,
    examples: { body: facts, answer: campaignExample },
  }),
  route({
    ...one,
    method: 'PATCH',
    permission: 'campaign:write',
    ifMatch: true,
    summary:
      'Change some fields of a campaign that has not ended; under way, what it has asked moves with its days and settings',
    businessRules: true,
    message: 'Campaign changed',
    body: editCampaignBody,
    answer: presentChangedCampaign,
    answerSchema: changedCampaignAnswer,
    handle: ({ actor, params, body, expectedVersion }) =>
      campaigns.edit(actor, params.id, body, expectedVersion),
    examples: { body: { due_days, dry_run: true }, answer: changedCampaignExample },
  }),
  route({
    ...one,
    method: 'DELETE',
    permission: 'campaign:write',
    ifMatch: true,
    summary: 'Archive a campaign that is not under way',
    status: 204,
    handle: ({ actor, params, expectedVersion }) =>
      campaigns.archive(actor, params.id, expectedVersion),
  }),
  route({
    method: 'POST',
    path: '/campaigns/:id/restore',
    permission: 'campaign:write',
    ifMatch: true,
    summary: 'Bring an archived campaign back',
    message: 'Campaign restored',
    tag,
    params: campaignPath,
    ...answersCampaign,
    handle: ({ actor, params, expectedVersion }) =>
      campaigns.restore(actor, params.id, expectedVersion),
    examples: { answer: campaignExample },
  }),
  route({
    ...step,
    path: '/campaigns/:id/launch',
    summary: 'Ask its audience; who is being asked already, or is exempted, stays as they are',
    message: 'Campaign launched',
    handle: ({ params, expectedVersion, once }) =>
      campaigns.launch(params.id, { expectedVersion, once }),
    examples: { answer: launched },
  }),
  route({
    ...step,
    path: '/campaigns/:id/pause',
    summary: 'Let its clocks stand still: nobody is reminded, and nothing escalates',
    message: 'Campaign paused',
    handle: ({ company, params, expectedVersion, once }) =>
      campaigns.pause(company, params.id, { expectedVersion, once }),
    examples: {
      answer: { ...launched, status: 'paused', paused_on: '2026-02-03', version: 3 },
    },
  }),
  route({
    ...step,
    path: '/campaigns/:id/resume',
    summary: 'Go on; its dates move by the days for which it was paused',
    message: 'Campaign resumed',
    handle: ({ company, params, expectedVersion, once }) =>
      campaigns.resume(company, params.id, { expectedVersion, once }),
    examples: { answer: { ...launched, paused_days: 4, version: 4 } },
  }),
  route({
    ...step,
    path: '/campaigns/:id/cancel',
    summary: 'Withdraw what it asks, and tell each person; answers stay',
    message: 'Campaign cancelled',
    handle: ({ params, expectedVersion, once }) =>
      campaigns.cancel(params.id, { expectedVersion, once }),
    examples: {
      answer: {
        ...launched,
        status: 'cancelled',
        ended_at: '2026-02-01T10:00:00.000Z',
        version: 3,
      },
    },
  }),
  route({
    method: 'GET',
    path: '/campaigns/:id/progress',
    permission: 'ack:read_all',
    summary: 'How many have answered, and how late the others are',
    tag,
    params: campaignPath,
    answer: presentCampaignProgress,
    answerSchema: campaignProgressAnswer,
    handle: ({ actor, company, params }) => campaigns.progress(actor, company, params.id),
    examples: { answer: campaignProgressExample },
  }),
];

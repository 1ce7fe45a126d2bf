import type { Acknowledgements } from '../../commands/acknowledgements.ts';
import { listRoute, rawRoute, route, type Route } from '../route.ts';
import {
  presentAcknowledgement,
  presentDetail,
  presentHistory,
  presentMoved,
  presentRequested,
} from './present.ts';
import {
  acknowledgeBody,
  acknowledgementAnswer,
  acknowledgementDetail,
  acknowledgementExample,
  acknowledgementPath,
  acknowledgementsQuery,
  decisionBody,
  declineBody,
  detailExample,
  exemptionBody,
  historyAnswer,
  moveBody,
  movedAnswer,
  requestBody,
  requestedAnswer,
} from './schema.ts';

const tag = 'Acknowledgements';
const all = { path: '/acknowledgements', aliases: ['/acknowledgements'], tag } as const;
const one = { tag, params: acknowledgementPath, businessRules: true } as const;
const answersDetail = { answer: presentDetail, answerSchema: acknowledgementDetail } as const;
const answersRow = { answer: presentAcknowledgement, answerSchema: acknowledgementAnswer } as const;
const example = { answer: detailExample } as const;
const reason = 'On parental leave until summer';

export const acknowledgementRoutes = ({
  acknowledgements,
}: {
  readonly acknowledgements: Acknowledgements;
}): Route[] => [
  listRoute({
    ...all,
    permission: 'ack:read_all',
    summary: 'Who was asked to read what, and how far it is',
    businessRules: true,
    query: acknowledgementsQuery,
    ...answersRow,
    handle: ({ actor, query }) => acknowledgements.list(actor, query),
    examples: { answer: acknowledgementExample },
  }),
  route({
    ...all,
    method: 'POST',
    permission: 'ack:write',
    summary: 'Ask people by name to read what is published',
    businessRules: true,
    message: 'Acknowledgements requested',
    status: 201,
    idempotency: 'optional',
    body: requestBody,
    answer: presentRequested,
    answerSchema: requestedAnswer,
    handle: ({ body, once }) => acknowledgements.request(body, once),
    examples: {
      body: {
        policy_id: acknowledgementExample.policy_id,
        employee_ids: [acknowledgementExample.employee_id],
        due_date: '2026-03-02',
      },
      answer: { asked: [acknowledgementExample.id], already_asked: [] },
    },
  }),
  listRoute({
    path: '/acknowledgements/mine',
    tag,
    permission: 'ack:read_own',
    summary: 'What I am asked to read, and what I have confirmed',
    businessRules: true,
    query: acknowledgementsQuery,
    ...answersRow,
    handle: ({ actor, query }) => acknowledgements.mine(actor, query),
    examples: { answer: acknowledgementExample },
  }),
  route({
    ...one,
    method: 'GET',
    path: '/acknowledgements/:id',
    permission: 'ack:read_own',
    summary: 'One acknowledgement with the document, for whoever is asked and who looks after it',
    ...answersDetail,
    handle: ({ actor, params }) => acknowledgements.get(actor, params.id),
    examples: example,
  }),
  route({
    ...one,
    method: 'PATCH',
    path: '/acknowledgements/:id',
    permission: 'ack:change_timer',
    ifMatch: true,
    summary: 'Move the day until which somebody has to have answered',
    message: 'Deadline moved',
    body: moveBody,
    answer: presentMoved,
    answerSchema: movedAnswer,
    handle: ({ actor, params, body, expectedVersion }) =>
      acknowledgements.move(actor, params.id, body, expectedVersion),
    examples: {
      body: { due_date: '2026-03-16', reason, dry_run: true },
      answer: {
        dry_run: true,
        due_date: '2026-03-16',
        next_action: 'remind',
        next_action_at: '2026-03-09T07:00:00.000Z',
        schedule: [
          {
            action: 'remind',
            at: '2026-03-09T07:00:00.000Z',
            consequence: 'They are reminded of the day until which they have to answer',
          },
        ],
      },
    },
  }),
  route({
    ...one,
    method: 'POST',
    path: '/acknowledgements/:id/acknowledge',
    permission: 'ack:respond_own',
    summary: 'Confirm that I have read the document; once more changes nothing',
    message: 'Acknowledged',
    status: 200,
    body: acknowledgeBody,
    ...answersDetail,
    handle: ({ actor, params, body }) => acknowledgements.acknowledge(actor, params.id, body),
    examples: { body: { policy_version: 2, typed_name: 'Grace Hopper', answers: [0] }, ...example },
  }),
  route({
    ...one,
    method: 'POST',
    path: '/acknowledgements/:id/decline',
    permission: 'ack:respond_own',
    summary: 'Decline; whoever manages compliance is told',
    message: 'Declined',
    status: 200,
    body: declineBody,
    ...answersDetail,
    handle: ({ actor, params, body }) => acknowledgements.decline(actor, params.id, body.reason),
    examples: { body: { reason }, ...example },
  }),
  route({
    ...one,
    method: 'POST',
    path: '/acknowledgements/:id/request-exemption',
    permission: 'ack:respond_own',
    summary: 'Ask not to have to read it until a day',
    message: 'Exemption requested',
    status: 200,
    body: exemptionBody,
    ...answersDetail,
    handle: ({ actor, params, body }) => acknowledgements.requestExemption(actor, params.id, body),
    examples: { body: { reason, valid_until: '2026-07-01' }, ...example },
  }),
  route({
    ...one,
    method: 'POST',
    path: '/acknowledgements/:id/decide-exemption',
    permission: 'exemption:decide',
    summary: 'Grant or refuse the exemption that is asked for',
    message: 'Exemption decided',
    status: 200,
    body: decisionBody,
    ...answersDetail,
    handle: ({ actor, params, body }) => acknowledgements.decideExemption(actor, params.id, body),
    examples: { body: { granted: true, reason }, ...example },
  }),
  route({
    ...one,
    method: 'POST',
    path: '/acknowledgements/:id/remind',
    permission: 'ack:write',
    summary: 'Remind somebody now, at most once a day',
    message: 'Reminded',
    status: 200,
    ...answersDetail,
    handle: ({ actor, params }) => acknowledgements.remind(actor, params.id),
    examples: example,
  }),
  rawRoute({
    ...one,
    method: 'GET',
    path: '/acknowledgements/:id/certificate',
    permission: 'ack:read_own',
    conflicts: true,
    summary: 'What proves an answer, as a PDF',
    mediaType: 'application/pdf',
    async handle({ actor, params, setHeader }) {
      const { content, fileName } = await acknowledgements.certificate(actor, params.id);
      setHeader('Content-Disposition', `attachment; filename="${fileName}"`);
      return content;
    },
  }),
  route({
    ...one,
    method: 'GET',
    path: '/acknowledgements/:id/history',
    permission: 'ack:read_own',
    summary: 'What has changed about an acknowledgement',
    answer: presentHistory,
    answerSchema: historyAnswer,
    handle: ({ actor, params }) => acknowledgements.history(actor, params.id),
    examples: {
      answer: [
        {
          id: '01998e3a-c150-7f60-8c85-91a314253645',
          field: 'due_date',
          old_value: '2026-03-02',
          new_value: '2026-03-16',
          reason,
          actor_id: null,
          actor_type: 'user',
          updated_at: '2026-02-01T09:30:00.000Z',
        },
      ],
    },
  }),
];

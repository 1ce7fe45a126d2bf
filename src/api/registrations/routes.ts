import type { Registrations } from '../../commands/registrations.ts';
import type { Privacy } from '../../commands/privacy/privacy.ts';
import { codePage } from '../codePage.ts';
import { eraseBody } from '../privacy/schema.ts';
import { listRoute, route, type Route } from '../route.ts';
import { presentRegistration, presentSubmitted } from './present.ts';
import {
  approveBody,
  registrationAnswer,
  registrationBody,
  registrationPath,
  registrationsQuery,
  rejectBody,
  rejectQuery,
  retryBody,
  submittedAnswer,
  verifyBody,
} from './schema.ts';

const tag = 'Onboarding';
const review = '/administration/registration-requests';
const one = { params: registrationPath, tag, company: false } as const;
const answersRegistration = {
  answer: presentRegistration,
  answerSchema: registrationAnswer,
} as const;

export const registrationRoutes = ({
  registrations,
  privacy,
  prefix,
}: {
  readonly registrations: Registrations;
  readonly privacy: Privacy;
  readonly prefix: string;
}): Route[] => [
  route({
    method: 'POST',
    path: '/register',
    limit: 'sign-in',
    aliases: ['/register', '/api/register'],
    permission: 'public',
    company: false,
    summary: 'Register a company; the platform decides, a workflow sets it up',
    message: 'We have your registration; please confirm the address of the administrator',
    tag,
    status: 201,
    businessRules: true,
    body: registrationBody,
    answer: presentSubmitted,
    answerSchema: submittedAnswer,
    handle: ({ body }) => registrations.submit(body),
    examples: {
      body: {
        company_name: 'Acme Insurance',
        business_type: 'home',
        contact_email: 'office@acme.example',
        requested_domain: 'insurance.acme.example',
        admin_email: 'ada@acme.example',
        admin_username: 'ada',
        admin_password: 'securepassword',
      },
    },
  }),
  route({
    method: 'POST',
    path: '/register/verify',
    limit: 'sign-in',
    permission: 'public',
    company: false,
    summary: 'Confirm the address of a registration by the code of the link',
    message: 'The address is confirmed; we write to you when the registration is decided',
    tag,
    businessRules: true,
    body: verifyBody,
    handle: ({ body }) => registrations.verify(body.code),
    examples: { body: { code: 'tQ0mUe9G0y5hYdJ3m4TfE0cP7n2bXrVw8sKzLqAiHoI' } },
  }),
  codePage({
    path: '/verify-registration',
    title: 'Confirm your address',
    tag,
    button: 'Confirm',
    postTo: `${prefix}/register/verify`,
  }),
  listRoute({
    path: review,
    aliases: [review],
    permission: 'registration:review',
    company: false,
    summary: 'Registrations, those that wait for a decision unless told',
    tag,
    query: registrationsQuery,
    ...answersRegistration,
    handle: ({ actor, query: { status = 'pending', ...query } }) =>
      registrations.list(actor, { ...query, status: status === 'all' ? undefined : status }),
  }),
  route({
    method: 'GET',
    path: `${review}/:id`,
    aliases: [`${review}/:id`],
    permission: 'registration:review',
    summary: 'One registration',
    ...one,
    ...answersRegistration,
    handle: ({ actor, params }) => registrations.get(actor, params.id),
  }),
  route({
    method: 'POST',
    path: `${review}/:id/approve`,
    aliases: [`${review}/:id/approve`],
    permission: 'registration:review',
    summary: 'Accept the company; it is set up and its administrator is told',
    message: 'Approved; the company is being set up',
    idempotency: 'optional',
    body: approveBody,
    ...one,
    ...answersRegistration,
    handle: ({ actor, params, body, once }) =>
      registrations.approve(
        actor,
        params.id,
        { isolation: body.isolation, subscriptionPlan: body.plan, note: body.note },
        once,
      ),
    examples: { body: { note: 'Known from the fair' } },
  }),
  route({
    method: 'POST',
    path: `${review}/:id/reject`,
    permission: 'registration:review',
    summary:
      'Refuse the company with a reason, also when its set-up has failed; the request is kept, its domain is free',
    message: 'Rejected',
    idempotency: 'optional',
    body: rejectBody,
    ...one,
    ...answersRegistration,
    handle: ({ actor, params, body, once }) =>
      registrations.reject(actor, params.id, body.reason, once),
    examples: { body: { reason: 'No licence in this country' } },
  }),
  route({
    method: 'DELETE',
    path: `${review}/:id/reject`,
    aliases: [`${review}/:id/reject`],
    successor: `${review}/:id/reject`,
    permission: 'registration:review',
    summary: 'Older form of the rejection',
    message: 'Rejected',
    idempotency: 'optional',
    query: rejectQuery,
    ...one,
    ...answersRegistration,
    handle: ({ actor, params, query, once }) =>
      registrations.reject(actor, params.id, query.reason, once),
  }),
  route({
    method: 'POST',
    path: `${review}/:id/erase`,
    permission: 'registration:review',
    summary: 'Erase whoever applied in vain for good; name and domain of the company stay',
    message: 'Erased',
    idempotency: 'optional',
    businessRules: true,
    body: eraseBody,
    ...one,
    ...answersRegistration,
    handle: ({ params, body, once }) => privacy.eraseApplicant(params.id, body, once),
    examples: { body: { reason: 'Asked for it in a letter of 2 March' } },
  }),
  route({
    method: 'POST',
    path: `${review}/:id/retry`,
    permission: 'registration:retry',
    summary: 'Set the company up once more, after what failed was mended',
    message: 'The company is being set up',
    idempotency: 'optional',
    body: retryBody,
    ...one,
    // Operators try again too, and see nothing of people.
    answer: presentSubmitted,
    answerSchema: submittedAnswer,
    handle: ({ actor, params, body, once }) =>
      registrations.retry(actor, params.id, body.reason, once),
    examples: { body: { reason: 'The domain is free now' } },
  }),
];

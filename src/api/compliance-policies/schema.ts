import {
  approvalStates,
  approvalStatuses,
  classifications,
  compliancePolicyTypes,
} from '../../rules/compliancePolicies.ts';
import { policyVersionStatuses } from '../../rules/policyApproval.ts';
import { listQuery } from '../listQuery.ts';
import {
  array,
  boolean,
  calendarDate,
  id,
  instant,
  integer,
  nullable,
  object,
  oneOf,
  optional,
  partial,
  text,
} from '../schema.ts';

const most = 2_147_483_647;
const version = integer(1, most);
const number = integer(1, most);
const link = text(2000)
  .pattern(/^https?:\/\/\S+$/)
  .description('Where the document is, https://…');
const sha256 = text(64).pattern(/^[0-9a-f]{64}$/);
const quiz = array(
  object({
    question: text(500),
    options: array(text(200), { min: 2, max: 6 }),
    correct: integer(0, 5).description('Place of the right option, counted from 0'),
  }),
  { max: 20 },
);

const facts = {
  description: nullable(text(2000).allow('')).default(null),
  customer_compliance_id: nullable(id()).default(null),
  owner_id: nullable(id()).default(null),
  audience_customer_id: nullable(id())
    .description('Whoever works for this customer; null: for any')
    .default(null),
  audience_role: nullable(text(100)).description('Of the employees; null: any').default(null),
  audience_department: nullable(text(100)).description('null: any').default(null),
  classification: oneOf(...classifications).default('internal'),
  review_date: nullable(calendarDate())
    .description('After today; what is published gets one by itself')
    .default(null),
};
const written = {
  content: nullable(text(200_000).allow('')).description('The text, in Markdown'),
  document_link: nullable(link),
  document_sha256: nullable(sha256).description(
    'Of the file behind the link; needed where there is one, and anew where it is another',
  ),
  change_log: nullable(text(2000).allow('')),
  quiz,
};
const changedText = {
  content: optional(written.content),
  document_link: optional(written.document_link),
  document_sha256: optional(written.document_sha256),
  change_log: optional(written.change_log),
  quiz: optional(quiz),
  requires_reack: optional(
    boolean().description('Whether people have to read it again; of a first version they have to'),
  ),
};

export const policyPath = object({ id: id() });
export const versionPath = object({ id: id(), number });

export const createPolicyBody = object({
  type: oneOf(...compliancePolicyTypes).default('custom'),
  title: optional(text(200).description("Unique in the company; a template's name unless told")),
  template_id: nullable(id())
    .description('Of a default policy: any version of it, its latest one is taken')
    .default(null),
  ...facts,
  content: written.content.default(null),
  document_link: written.document_link.default(null),
  document_sha256: written.document_sha256.default(null),
  change_log: written.change_log.default(null),
  quiz: quiz.default([]),
}).id('CreateCompliancePolicy');

export const replacePolicyBody = object({
  title: text(200),
  ...facts,
  ...changedText,
  version: optional(version),
});
export const editPolicyBody = partial({ title: text(200), ...facts, ...changedText, version });
export const createVersionBody = object({ ...changedText, version: optional(version) });
export const acceptUpdateBody = object({
  requires_reack: changedText.requires_reack,
  version: optional(version),
});

const reason = text(500);
export const submitBody = object({
  approvers: array(id(), { max: 20 })
    .unique()
    .description('Who is asked to decide; whoever may decides otherwise')
    .default([]),
  version: optional(version),
});
export const approveBody = object({ reason: optional(reason), version: optional(version) });
export const reasonBody = object({ reason, version: optional(version) });
export const publishBody = object({
  publish_at: optional(instant().description('At a time to come instead of now')),
  version: optional(version),
});

export const policiesQuery = listQuery({
  filters: {
    approval_status: oneOf(...approvalStatuses),
    status: oneOf(...policyVersionStatuses).description('Of the newest version'),
    type: oneOf(...compliancePolicyTypes),
    owner_id: id(),
    customer_compliance_id: id(),
    review_overdue: boolean(),
    update_available: boolean(),
  },
  sorts: ['title', 'review_date', 'created_at'],
  defaultSort: 'title',
});
export const versionsQuery = listQuery({
  filters: {},
  sorts: ['number'],
  defaultSort: '-number',
  takes: ['include_archived'],
});

const versionFields = {
  id: id(),
  number,
  label: text(40).description('2.1: a minor version need not be read again'),
  document_link: nullable(link),
  document_sha256: nullable(sha256),
  content_sha256: sha256,
  change_log: nullable(text(2000)),
  template_id: nullable(id()),
  requires_reack: boolean(),
  authors: array(id(), { max: 1000 }).description('None of them decides about it'),
  approvers: array(id(), { max: 20 }).description('Who was asked by name'),
  quorum: integer(1, 5),
  round: integer(0, most).description('So often it was submitted'),
  status: oneOf(...policyVersionStatuses),
  is_escalated: boolean(),
  submitted_at: nullable(instant()),
  approved_at: nullable(instant()),
  publish_at: nullable(instant()),
  published_at: nullable(instant()),
  published_by: nullable(id()),
  ended_at: nullable(instant()),
  created_at: instant(),
  updated_at: instant(),
  archived_at: nullable(instant()).description('When a draft was discarded'),
  workflow: object({ id: text(200), state: oneOf('starting', 'running', 'closed') }),
  state_version: integer(1, most),
};

export const versionSummaryAnswer = object(versionFields).id('CompliancePolicyVersionSummary');
export const versionAnswer = object({
  ...versionFields,
  content: nullable(text(200_000)),
  quiz,
}).id('CompliancePolicyVersion');

const policyFields = {
  id: id(),
  type: oneOf(...compliancePolicyTypes),
  title: text(200),
  description: nullable(text(2000)),
  template_id: nullable(id()),
  update_available: boolean().description('The template has a newer version'),
  customer_compliance_id: nullable(id()),
  owner_id: nullable(id()),
  audience_customer_id: nullable(id()),
  audience_role: nullable(text(100)),
  audience_department: nullable(text(100)),
  classification: oneOf(...classifications),
  review_date: nullable(calendarDate()),
  review_overdue: boolean(),
  approval_status: oneOf(...approvalStatuses).description('Of the newest version'),
  approval_requested_at: nullable(instant()),
  approved_by: nullable(id()),
  approved_at: nullable(instant()),
  policy_version: integer(0, most).description('Number of the version in force; 0: none is'),
  created_at: instant(),
  created_by: nullable(id()),
  updated_at: instant(),
  archived_at: nullable(instant()),
  version,
};

export const policyAnswer = object({
  ...policyFields,
  latest_version: nullable(versionAnswer),
}).id('CompliancePolicy');
export const policySummaryAnswer = object({
  ...policyFields,
  latest_version: nullable(versionSummaryAnswer),
}).id('CompliancePolicySummary');

export const diffQuery = object({
  against: optional(number.description('The version before it unless told')),
});

const file = object({ document_link: nullable(link), document_sha256: nullable(sha256) });

export const diffAnswer = object({
  number,
  against: nullable(number).description('null: it is the first one'),
  parts: array(
    object({
      change: oneOf('same', 'added', 'removed'),
      lines: integer(1, 200_000),
      text: text(200_000),
    }),
    { max: 10_000 },
  ).description('Of the text, line by line'),
  whole: boolean().description('They differ in so much that one stands for the other as a whole'),
  document: object({ changed: boolean(), before: nullable(file), after: file }),
}).id('CompliancePolicyDiff');

export const approvalsAnswer = object({
  number,
  round: integer(0, most),
  quorum: integer(1, 5),
  approvals: integer(0, 200),
  steps: array(
    object({
      approver_id: id(),
      state: oneOf(...approvalStates).description('pending: asked by name, and not decided yet'),
      reason: nullable(text(500)),
      decided_at: nullable(instant()),
    }),
    { max: 220 },
  ),
}).id('ApprovalRound');

const person = '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f';

export const policyTextExample = {
  content: '# Acceptable use\n\nCompany devices are for work.',
  document_link: 'https://files.example/acceptable-use-2.pdf',
  document_sha256: 'a3f5b1c2d4e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f80',
  change_log: 'Private telephones are named',
  quiz: [{ question: 'Who may use the laptop?', options: ['You', 'Your family'], correct: 0 }],
} as const;

export const policyFactsExample = {
  title: 'Acceptable use',
  description: 'What company devices may be used for',
  customer_compliance_id: null,
  owner_id: null,
  audience_customer_id: null,
  audience_role: 'Engineer',
  audience_department: null,
  classification: 'internal',
  review_date: null,
} as const;

const { content, quiz: asked, ...document } = policyTextExample;

export const versionSummaryExample = {
  id: '01998e3a-c260-7081-9da6-a2b425364758',
  number: 2,
  label: '2.0',
  ...document,
  content_sha256: '9b74c9897bac770ffc029102a200c5de7a6f3a4a2f3b0b1d2c3e4f5a6b7c8d9e',
  template_id: null,
  requires_reack: true,
  authors: [person],
  approvers: [],
  quorum: 1,
  round: 0,
  status: 'draft',
  is_escalated: false,
  submitted_at: null,
  approved_at: null,
  publish_at: null,
  published_at: null,
  published_by: null,
  ended_at: null,
  created_at: '2026-01-31T09:30:00.000Z',
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  workflow: {
    id: 'policy-approval/01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e90/01998e3a-c260-7081-9da6-a2b425364758',
    state: 'starting',
  },
  state_version: 1,
} as const;

export const versionExample = { ...versionSummaryExample, content, quiz: asked } as const;

const policyFieldsExample = {
  id: '01998e3a-c150-7f70-8c95-91a314253647',
  type: 'custom',
  ...policyFactsExample,
  template_id: null,
  update_available: false,
  review_overdue: false,
  approval_status: 'pending',
  approval_requested_at: null,
  approved_by: null,
  approved_at: null,
  policy_version: 1,
  created_at: '2026-01-31T09:30:00.000Z',
  created_by: person,
  updated_at: '2026-01-31T09:30:00.000Z',
  archived_at: null,
  version: 1,
} as const;

export const policyExample = { ...policyFieldsExample, latest_version: versionExample } as const;
export const policySummaryExample = {
  ...policyFieldsExample,
  latest_version: versionSummaryExample,
} as const;

const { document_link, document_sha256 } = policyTextExample;

export const diffExample = {
  number: 2,
  against: 1,
  parts: [
    { change: 'same', lines: 2, text: '# Acceptable use\n\n' },
    { change: 'removed', lines: 1, text: 'Devices are for work.' },
    { change: 'added', lines: 1, text: 'Company devices are for work.' },
  ],
  whole: false,
  document: {
    changed: true,
    before: { document_link: null, document_sha256: null },
    after: { document_link, document_sha256 },
  },
} as const;

export const approvalsExample = {
  number: 2,
  round: 1,
  quorum: 2,
  approvals: 1,
  steps: [
    {
      approver_id: person,
      state: 'approved',
      reason: null,
      decided_at: '2026-02-02T10:00:00.000Z',
    },
  ],
} as const;

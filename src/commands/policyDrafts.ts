import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { invalidField } from '../errors.ts';
import { ApiKey } from '../models/ApiKey.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { CompliancePolicyVersion, contentHash } from '../models/CompliancePolicyVersion.ts';
import { append } from '../models/database.ts';
import { OutboxEntry, type WorkflowStart } from '../models/OutboxEntry.ts';
import { policyApprovalStart, policyApprovalStateOf } from '../models/policyApprovalStart.ts';
import { getRow } from '../models/rows.ts';
import { Template } from '../models/Template.ts';
import { Transition } from '../models/Transition.ts';
import { labelAfter, quizProblem, type QuizQuestion } from '../rules/compliancePolicies.ts';
import { changedDocument, type LinkedDocument } from './linkedDocument.ts';
import { typedLine, typedOrNull } from './typedText.ts';

/** What a version says, and whether it has to be read again. */
export interface VersionText extends LinkedDocument {
  readonly content: string | null;
  readonly changeLog: string | null;
  readonly quiz: readonly QuizQuestion[];
  readonly requiresReack: boolean;
}

/** What is undefined stays as it is. */
export type VersionTextChanges = {
  readonly [Name in keyof VersionText]?: VersionText[Name] | undefined;
};

type Source = Pick<VersionText, 'content' | 'documentLink' | 'documentSha256' | 'changeLog'>;

/** A document to begin with, and the version of the template that it is from. */
export interface DraftSource {
  readonly text: Source;
  readonly templateId: string | null;
}

export const textOf = (version: CompliancePolicyVersion): VersionText => ({
  content: version.content ?? null,
  documentLink: version.documentLink ?? null,
  documentSha256: version.documentSha256 ?? null,
  changeLog: version.changeLog ?? null,
  // Postgres gives the fields of jsonb back in an order of its own.
  quiz: version.quiz.map(({ question, options, correct }) => ({ question, options, correct })),
  requiresReack: version.requiresReack,
});

/** The changed text as it is kept. @throws Invalid */
export function checkedText(before: VersionText, changes: VersionTextChanges): VersionText {
  const { content = before.content, changeLog = before.changeLog } = changes;
  const { requiresReack = before.requiresReack, quiz = before.quiz } = changes;
  const text = {
    content: typedOrNull(content),
    ...changedDocument(before, changes),
    changeLog: typedOrNull(changeLog),
    requiresReack,
    quiz: typedQuiz(quiz),
  };
  if (text.content === null && text.documentLink === null) {
    throw invalidField('content', 'A version needs a text or a document', 'REQUIRED');
  }
  return text;
}

/** What is confirmed is known by its hash, the file behind a link too. @throws Invalid */
export function refuseUnhashed({ documentLink, documentSha256 }: LinkedDocument): void {
  if (documentLink === null || documentSha256 !== null) return;
  throw invalidField('document_sha256', 'Say the SHA-256 of the file behind the link', 'REQUIRED');
}

/** @throws Invalid where none is in force, so that everybody has to read it */
export function refuseOptionalFirst(
  published: CompliancePolicyVersion | null,
  requiresReack: boolean,
): void {
  if (published || requiresReack) return;
  throw invalidField('requires_reack', 'Nobody has read this policy yet', 'FIRST_VERSION');
}

/** Of a policy that follows a template its document is the template's. @throws Invalid */
export function refuseOwnDocument(changes: VersionTextChanges): void {
  for (const [name, field] of templateFields) {
    if (changes[name] !== undefined) {
      throw invalidField(field, 'comes from the template', 'FROM_TEMPLATE');
    }
  }
}

const templateFields = [
  ['content', 'content'],
  ['documentLink', 'document_link'],
  ['documentSha256', 'document_sha256'],
] as const;

/** The latest version of the template that any of its versions names. @throws Invalid */
export async function latestTemplate(templateId: string): Promise<Template> {
  const named = await Template.findOne({ where: { id: templateId } });
  const latest = named && (await Template.latestOf(named.name));
  if (!latest) throw invalidField('template_id', 'There is no such template');
  return getRow(Template, latest.id);
}

/**
 * What a policy says that follows the template.
 * @throws Invalid where the template has nothing to read, or a link without the hash of what is behind it
 */
export function sourceFrom(template: Template): DraftSource {
  const { documentLink, documentSha256, description, changeLog } = template;
  if (documentLink === null && description === null) {
    throw invalidField('template_id', 'This template has neither a document nor a description');
  }
  if (documentLink !== null && documentSha256 === null) {
    throw invalidField(
      'template_id',
      `Say the document_sha256 of version ${template.versionNumber} of this template first`,
    );
  }
  const text = { content: description, documentLink, documentSha256, changeLog };
  return { text, templateId: template.id };
}

/**
 * Adds a version to a policy within the open transaction, as a draft, and promises the workflow that carries
 * it from then on.
 * @throws Invalid
 */
export async function addDraft(
  actor: Actor,
  {
    policyId,
    number,
    published,
    text,
    templateId,
  }: {
    readonly policyId: string;
    readonly number: number;
    readonly published: CompliancePolicyVersion | null;
    readonly text: VersionText;
    readonly templateId: string | null;
  },
): Promise<WorkflowStart> {
  refuseUnhashed(text);
  const id = uuid();
  const at = new Date(Date.now());
  const author = await ApiKey.personOf(actor);
  const version = CompliancePolicyVersion.build({
    id,
    companyId: actor.companyId,
    policyId,
    number,
    ...labelAfter(published ?? undefined, text.requiresReack),
    ...text,
    contentSha256: contentHash(text.content),
    templateId,
    authors: author === null ? [] : [author],
    approvers: [],
    quorum: 1,
    round: 0,
    status: 'draft',
    stateVersion: 1,
    isEscalated: false,
    createdAt: at,
    updatedAt: at,
    version: 1,
  });
  append(CompliancePolicyVersion, version.get());
  Transition.record({
    entityType: CompliancePolicyVersion.entityType,
    entityId: id,
    stateVersion: 1,
    event: 'create',
    fromStatus: null,
    toStatus: 'draft',
    commandId: `${CompliancePolicyVersion.entityType}/${id}/create/1`,
    at,
  });
  const { content: _, quiz: __, ...told } = text;
  AuditLog.record(
    'CREATE',
    { type: CompliancePolicyVersion.entityType, id },
    { after: { policyId, number, templateId, ...told, contentSha256: version.contentSha256 } },
  );
  const state = await policyApprovalStateOf(version, { timers: [], superseded: new Map() });
  return OutboxEntry.promise(policyApprovalStart(version, state, []));
}

function typedQuiz(quiz: readonly QuizQuestion[]): readonly QuizQuestion[] {
  const typed = quiz.map(({ question, options, correct }, index) => ({
    question: typedLine(`quiz.${index}.question`, question),
    options: options.map((option, place) => typedLine(`quiz.${index}.options.${place}`, option)),
    correct,
  }));
  const problem = quizProblem(typed);
  if (problem) throw invalidField(problem.field, problem.message, problem.code);
  return typed;
}

import { createHash } from 'node:crypto';
import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict, Forbidden } from '../errors.ts';
import { unpublishWithinMs, type QuizQuestion } from '../rules/compliancePolicies.ts';
import {
  allowedVersionEvents,
  nextVersionStatus,
  openStatuses,
  type PolicyVersionEvent,
  type PolicyVersionStatus,
} from '../rules/policyApproval.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { select } from './database.ts';
import { moveRow, type Step } from './moveRow.ts';

/** Lifecycle columns that a step may set beside the status. */
export type PolicyVersionChanges = Partial<
  Pick<
    CompliancePolicyVersion,
    | 'requiresReack'
    | 'major'
    | 'minor'
    | 'authors'
    | 'approvers'
    | 'quorum'
    | 'round'
    | 'isEscalated'
    | 'submittedAt'
    | 'approvedAt'
    | 'publishAt'
    | 'publishedAt'
    | 'publishedBy'
    | 'endedAt'
    | 'archivedAt'
    | 'workflowClosedAt'
  >
>;

/** One version of a compliance policy, from its draft until another one takes its place. */
export class CompliancePolicyVersion extends Model<
  InferAttributes<CompliancePolicyVersion>,
  InferCreationAttributes<CompliancePolicyVersion>
> {
  static readonly entityType = 'compliance_policy_version';

  declare id: string;
  declare companyId: string;
  declare policyId: string;
  /** Counts the versions of the policy; never used twice. */
  declare number: number;
  declare major: number;
  declare minor: number;
  declare content: CreationOptional<string | null>;
  declare documentLink: CreationOptional<string | null>;
  /** Of the file behind the link, as its author says. */
  declare documentSha256: CreationOptional<string | null>;
  declare contentSha256: string;
  declare changeLog: CreationOptional<string | null>;
  /** What it was made from. */
  declare templateId: CreationOptional<string | null>;
  declare requiresReack: boolean;
  declare quiz: CreationOptional<readonly QuizQuestion[]>;
  /** Everybody who wrote, changed or submitted it; none of them decides about it. */
  declare authors: readonly string[];
  /** Who is asked to decide; empty: whoever may. */
  declare approvers: CreationOptional<readonly string[]>;
  declare quorum: CreationOptional<number>;
  /** Counts its submissions. */
  declare round: CreationOptional<number>;
  declare status: CreationOptional<PolicyVersionStatus>;
  declare stateVersion: CreationOptional<number>;
  /** Its approval is so late that the managers of compliance were told. */
  declare isEscalated: CreationOptional<boolean>;
  declare submittedAt: CreationOptional<Date | null>;
  declare approvedAt: CreationOptional<Date | null>;
  /** For when its publication is planned. */
  declare publishAt: CreationOptional<Date | null>;
  declare publishedAt: CreationOptional<Date | null>;
  declare publishedBy: CreationOptional<string | null>;
  declare endedAt: CreationOptional<Date | null>;
  declare workflowClosedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    CompliancePolicyVersion.init(
      {
        ...baseColumns,
        policyId: column.uuid,
        number: column.integer,
        major: column.integer,
        minor: column.integer,
        content: column.text,
        documentLink: column.text,
        documentSha256: column.text,
        contentSha256: column.text,
        changeLog: column.text,
        templateId: column.uuid,
        requiresReack: column.flag,
        quiz: column.json,
        authors: column.json,
        approvers: column.json,
        quorum: column.integer,
        round: column.integer,
        status: column.text,
        stateVersion: column.integer,
        isEscalated: column.flag,
        submittedAt: column.instant,
        approvedAt: column.instant,
        publishAt: column.instant,
        publishedAt: column.instant,
        publishedBy: column.uuid,
        endedAt: column.instant,
        workflowClosedAt: column.instant,
      },
      businessTable(sequelize, 'compliance_policy_versions'),
    );
  }

  /** The one that is on its way to be published. */
  static openOf(policyId: string): Promise<CompliancePolicyVersion | null> {
    return CompliancePolicyVersion.findOne({
      where: { policyId, status: [...openStatuses], archivedAt: null },
    });
  }

  static publishedOf(policyId: string): Promise<CompliancePolicyVersion | null> {
    return CompliancePolicyVersion.findOne({ where: { policyId, status: 'published' } });
  }

  /** The newest one, where none is open the one that was published last; discarded ones are passed over. */
  static newestOf(policyId: string): Promise<CompliancePolicyVersion | null> {
    return CompliancePolicyVersion.findOne({
      where: { policyId, archivedAt: null },
      order: [['number', 'DESC']],
    });
  }

  static async nextNumber(policyId: string): Promise<number> {
    const latest: unknown = await CompliancePolicyVersion.max('number', { where: { policyId } });
    return Number(latest ?? 0) + 1;
  }

  /** The one whose place a published version took, or one that was taken back. */
  static async supersededBy(versionId: string): Promise<string | null> {
    return (await CompliancePolicyVersion.supersededByAll([versionId])).get(versionId) ?? null;
  }

  /** The same of several versions at once; of the others there is none. */
  static async supersededByAll(
    versionIds: readonly string[],
  ): Promise<ReadonlyMap<string, string>> {
    const found = await select<{ id: string; before: string }>(
      `(SELECT DISTINCT ON (v.id) v.id, s.id AS before
       FROM compliance_policy_versions v JOIN compliance_policy_versions s
         ON s.policy_id = v.policy_id AND s.status = 'superseded' AND s.ended_at = v.published_at
       WHERE v.id = ANY ($1::uuid[]) AND v.status = 'published'
       ORDER BY v.id, s.number DESC)
       UNION ALL
       SELECT v.id, (t.facts ->> 'set_aside')::uuid
       FROM compliance_policy_versions v JOIN core.transitions t
         ON t.entity_id = v.id AND t.state_version = v.state_version AND jsonb_exists(t.facts, 'set_aside')
       WHERE v.id = ANY ($1::uuid[]) AND v.status = 'approved'`,
      [versionIds],
    );
    return new Map(found.map(({ id, before }) => [id, before]));
  }

  /** The number of the latest version up to this one that had to be read again. */
  static async reackVersionAt({
    policyId,
    number,
  }: Pick<CompliancePolicyVersion, 'policyId' | 'number'>): Promise<number> {
    const [found] = await select<{ number: number | null }>(
      `SELECT max(number) AS number FROM compliance_policy_versions
       WHERE policy_id = $1 AND number <= $2 AND requires_reack AND published_at IS NOT NULL`,
      [policyId, number],
    );
    return found?.number ?? 0;
  }

  /**
   * The only writer of `status` and of what belongs to the lifecycle. The version fence also stops
   * a late attempt that wakes up again.
   * @throws Conflict ILLEGAL_TRANSITION or VERSION_CONFLICT
   */
  async move(
    event: PolicyVersionEvent,
    step: Step,
    changes: PolicyVersionChanges = {},
  ): Promise<void> {
    const to = nextOf(this, event);
    if (!to) throw illegalVersionEvent(this, event);

    await moveRow(CompliancePolicyVersion, this, { event, to }, step, changes);
  }
}

/** Whoever has a hand in a version is one of its authors from then on. */
export const withAuthor = (
  { authors }: Pick<CompliancePolicyVersion, 'authors'>,
  by: string | null,
): readonly string[] => (by === null || authors.includes(by) ? authors : [...authors, by]);

export const contentHash = (content: string | null): string =>
  createHash('sha256')
    .update(content ?? '')
    .digest('hex');

/** @throws Conflict ILLEGAL_TRANSITION, for what reads or writes before the step itself */
export function refuseIllegal(version: Standing, event: PolicyVersionEvent): void {
  if (!nextOf(version, event)) throw illegalVersionEvent(version, event);
}

type Standing = Pick<CompliancePolicyVersion, 'status' | 'archivedAt'>;

/** What was discarded stays that. */
const nextOf = ({ status, archivedAt }: Standing, event: PolicyVersionEvent) =>
  archivedAt ? undefined : nextVersionStatus(status, event);

export const illegalVersionEvent = (
  { status, archivedAt }: Standing,
  event: PolicyVersionEvent,
): Conflict => {
  const stands = archivedAt ? 'discarded' : status.replaceAll('_', ' ');
  return new Conflict(
    'ILLEGAL_TRANSITION',
    `The version is ${stands}: it cannot ${event.replaceAll('_', ' ')}`,
    {
      current_status: status,
      allowed_transitions: archivedAt ? [] : allowedVersionEvents(status),
    },
  );
};

/** @throws Forbidden for whoever wrote, changed or submitted the version, and for a key */
export function approverOf(
  { authors }: Pick<CompliancePolicyVersion, 'authors'>,
  by: string | null,
): string {
  if (by !== null && !authors.includes(by)) return by;
  throw new Forbidden('Whoever wrote, changed or submitted a version does not decide about it');
}

/** @throws Conflict UNPUBLISH_WINDOW_CLOSED */
export function refuseLateUnpublish(
  { publishedAt }: Pick<CompliancePolicyVersion, 'publishedAt'>,
  at: Date,
): void {
  if (!publishedAt || at.getTime() - publishedAt.getTime() <= unpublishWithinMs) return;
  throw new Conflict(
    'UNPUBLISH_WINDOW_CLOSED',
    'A version can be taken back within 24 hours after it was published; publish another one instead',
  );
}

import { createHash } from 'node:crypto';
import {
  Model,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { v7 as uuid } from 'uuid';
import { currentContext } from '../context.ts';
import { Conflict } from '../errors.ts';
import { compliancePercentage, type AcknowledgementStatus } from '../rules/acknowledgements.ts';
import type { CalendarDate } from '../rules/calendar.ts';
import { canonicalJson } from '../rules/canonicalJson.ts';
import { AuditLog } from './AuditLog.ts';
import type { CustomerCompliance } from './CustomerCompliance.ts';
import { businessTable, column } from './columns.ts';
import { append, select, takeTime } from './database.ts';

/** How one person stood with one document, as its pack's file has it: ids, and no names. */
export interface PackLine {
  readonly id: string;
  readonly policy_id: string;
  readonly policy_version: number;
  readonly employee_id: string;
  readonly status: AcknowledgementStatus;
  readonly acknowledged_at: string | null;
  readonly evidence_hash: string | null;
}

/** Lines that are in memory at once. */
const pageSize = 1000;

/** It looks at everybody whom the customer has. */
const statementTimeoutMs = 60_000;

/**
 * What an audit has seen: how everybody stood with every document on the day it was completed. Nothing
 * changes it, nor its lines; the runtime has not the right to.
 */
export class EvidencePack extends Model<
  InferAttributes<EvidencePack>,
  InferCreationAttributes<EvidencePack>
> {
  static readonly entityType = 'evidence_pack';

  declare id: string;
  declare companyId: string;
  declare customerComplianceId: string;
  declare auditDate: CalendarDate;
  declare acknowledged: number;
  declare pending: number;
  declare declined: number;
  declare exempted: number;
  declare compliancePercentage: string;
  /** Of its file as JSON. */
  declare sha256: string;
  declare createdAt: Date;
  declare completedBy: string | null;

  static define(sequelize: Sequelize): void {
    EvidencePack.init(
      {
        id: column.id,
        companyId: column.uuid,
        customerComplianceId: column.uuid,
        auditDate: column.date,
        acknowledged: column.integer,
        pending: column.integer,
        declined: column.integer,
        exempted: column.integer,
        compliancePercentage: column.percentage,
        sha256: column.text,
        createdAt: column.instant,
        completedBy: column.uuid,
      },
      { ...businessTable<EvidencePack>(sequelize, 'evidence_packs'), timestamps: false },
    );
  }

  /**
   * The lines are those of one moment, whoever answers meanwhile.
   * @throws Conflict STILL_ASKING where somebody is still to be asked then
   */
  static async freeze(
    { id: customerComplianceId, customerId }: CustomerCompliance,
    auditDate: CalendarDate,
  ): Promise<void> {
    const id = uuid();
    await takeTime(statementTimeoutMs);
    const asking = await select(
      `WITH frozen AS (
         INSERT INTO evidence_pack_lines (company_id, pack_id, place, acknowledgement_id, policy_id,
           policy_version, employee_id, status, acknowledged_at, evidence_hash)
         SELECT a.company_id, $1::uuid, row_number() OVER (ORDER BY a.policy_id, a.employee_id), a.id,
           a.policy_id, a.policy_version, a.employee_id, a.status, a.acknowledged_at, a.evidence_hash
         FROM acknowledgements a
           JOIN compliance_policies p ON p.company_id = a.company_id AND p.id = a.policy_id
         WHERE p.customer_compliance_id = $2 AND a.customer_id = $3 AND a.is_current)
       SELECT id FROM compliance_policies WHERE customer_compliance_id = $2 AND is_asking`,
      [id, customerComplianceId, customerId],
    );
    if (asking.length > 0) {
      throw new Conflict(
        'STILL_ASKING',
        `Of ${asking.length} of its documents not everybody has been asked yet; try again soon`,
        { policies: asking.length },
      );
    }
    const counts = { acknowledged: 0, pending: 0, declined: 0, exempted: 0 };
    const counted = await select<{ status: keyof typeof counts; count: number }>(
      `SELECT status, count(*)::integer AS count FROM evidence_pack_lines
       WHERE pack_id = $1 GROUP BY status`,
      [id],
    );
    for (const { status, count } of counted) counts[status] = count;
    const pack = {
      id,
      customerComplianceId,
      auditDate,
      ...counts,
      compliancePercentage: compliancePercentage(counts),
      createdAt: new Date(),
    };
    const hash = createHash('sha256');
    for await (const text of packText(pack, packPages(id))) hash.update(text);
    const sha256 = hash.digest('hex');
    append(EvidencePack, { ...pack, sha256, completedBy: currentContext().actorId ?? null });
    AuditLog.record(
      'CREATE',
      { type: EvidencePack.entityType, id },
      { after: { ...pack, sha256 } },
    );
  }
}

/** Page by page, in their order. @param within what each page is read in */
export async function* packPages(
  packId: string,
  within: <T>(work: () => Promise<T>) => Promise<T> = (work) => work(),
): AsyncGenerator<readonly PackLine[]> {
  for (let place = 0; ; place += pageSize) {
    const lines = await within(() =>
      select<Omit<PackLine, 'acknowledged_at'> & { acknowledged_at: Date | null }>(
        `SELECT acknowledgement_id AS id, policy_id, policy_version, employee_id, status,
           acknowledged_at, evidence_hash
         FROM evidence_pack_lines WHERE pack_id = $1 AND place > $2 ORDER BY place LIMIT ${pageSize}`,
        [packId, place],
      ),
    );
    yield lines.map((line) => ({
      ...line,
      acknowledged_at: line.acknowledged_at?.toISOString() ?? null,
    }));
    if (lines.length < pageSize) return;
  }
}

/** What the hash is of, and what the file says: the pack as canonical JSON, in pieces. */
export async function* packText(
  pack: Omit<InferAttributes<EvidencePack>, 'companyId' | 'completedBy' | 'sha256'>,
  pages: AsyncIterable<readonly PackLine[]>,
): AsyncGenerator<string> {
  yield '{"acknowledgements":[';
  let isFirst = true;
  for await (const lines of pages) {
    if (lines.length === 0) continue;
    yield `${isFirst ? '' : ','}${lines.map(canonicalJson).join(',')}`;
    isFirst = false;
  }
  // In the order of its names that one comes first.
  const facts = canonicalJson({
    id: pack.id,
    customer_compliance_id: pack.customerComplianceId,
    audit_date: pack.auditDate,
    frozen_at: pack.createdAt.toISOString(),
    counts: {
      acknowledged: pack.acknowledged,
      pending: pack.pending,
      declined: pack.declined,
      exempted: pack.exempted,
    },
    compliance_percentage: pack.compliancePercentage,
  });
  yield `],${facts.slice(1)}`;
}

import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { ClaimSettings } from '../rules/claimSettings.ts';
import {
  isServed,
  scanStatuses,
  uploadLimits,
  type DocumentType,
  type ScanStatus,
} from '../rules/documents.ts';
import { AuditLog } from './AuditLog.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { execute } from './database.ts';

/** What was found in a file, and with `infected` what it is called. */
export type Verdict =
  | { readonly status: 'clean' | 'unscanned' }
  | { readonly status: 'infected'; readonly finding: string };

/** A file of a policy or a claim. Its bytes are in the storage and are never changed. */
export class Document extends Model<InferAttributes<Document>, InferCreationAttributes<Document>> {
  static readonly entityType = 'document';

  declare id: string;
  declare companyId: string;
  /** Of this and the claim's one is set. */
  declare policyId: CreationOptional<string | null>;
  declare claimId: CreationOptional<string | null>;
  declare documentType: DocumentType;
  /** As the sender named it; shown, and nothing else. */
  declare fileName: string;
  /** As its content shows. */
  declare mime: string;
  declare size: number;
  /** In hexadecimal. */
  declare sha256: string;
  declare storageKey: string;
  declare description: CreationOptional<string | null>;
  /** Null where a key uploaded it. */
  declare uploadedBy: string | null;
  declare uploadedAt: Date;
  declare scanStatus: CreationOptional<ScanStatus>;
  declare scannedAt: CreationOptional<Date | null>;
  declare scanFinding: CreationOptional<string | null>;
  /** When an operator ended its scan: it stays in quarantine. */
  declare scanStoppedAt: CreationOptional<Date | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Document.init(
      {
        ...baseColumns,
        policyId: column.uuid,
        claimId: column.uuid,
        documentType: column.text,
        fileName: column.text,
        mime: column.text,
        size: column.integer,
        sha256: column.text,
        storageKey: column.text,
        description: column.text,
        uploadedBy: column.uuid,
        uploadedAt: column.instant,
        scanStatus: column.text,
        scannedAt: column.instant,
        scanFinding: column.text,
        scanStoppedAt: column.instant,
      },
      businessTable(sequelize, 'documents'),
    );
  }

  /** Lets a document out of quarantine, once. @returns whether this call did */
  async settle(verdict: Verdict): Promise<boolean> {
    const finding = verdict.status === 'infected' ? verdict.finding.slice(0, 200) : null;
    const settled = await execute(
      `UPDATE documents SET scan_status = $2, scan_finding = $3, scanned_at = now(), updated_at = now()
       WHERE id = $1 AND scan_status = 'quarantined'`,
      [this.id, verdict.status, finding],
    );
    if (settled === 0) return false;
    AuditLog.record(
      'STATUS_CHANGE',
      { type: 'document', id: this.id },
      {
        before: { scanStatus: 'quarantined' },
        after: { scanStatus: verdict.status, scanFinding: finding },
      },
    );
    return true;
  }
}

/** Leaves a document in quarantine for good, once. In the open transaction. */
export async function stopScan(id: string, at: Date): Promise<void> {
  const stopped = await execute(
    `UPDATE documents SET scan_stopped_at = $2, updated_at = now()
     WHERE id = $1 AND scan_status = 'quarantined' AND scan_stopped_at IS NULL`,
    [id, at],
  );
  if (stopped === 0) return;
  const scanStoppedAt = at.toISOString();
  AuditLog.record('STATUS_CHANGE', { type: 'document', id }, { after: { scanStoppedAt } });
}

/** The documents of a claim that are there, the oldest first: what is in quarantine may be anything. */
export const documentsOf = (claimId: string): Promise<Document[]> =>
  Document.findAll({
    where: {
      claimId,
      archivedAt: null,
      scanStatus: scanStatuses.filter(isServed),
    },
    order: [
      ['createdAt', 'ASC'],
      ['id', 'ASC'],
    ],
    limit: uploadLimits.documents,
  });

/** Types of documents that the claim's settings ask for and that nobody has added. */
export async function missingDocuments(
  claimId: string,
  { requiredDocuments = [] }: Partial<Pick<ClaimSettings, 'requiredDocuments'>>,
): Promise<readonly DocumentType[]> {
  if (requiredDocuments.length === 0) return [];
  const there = await documentsOf(claimId);
  return requiredDocuments.filter((type) => there.every((each) => each.documentType !== type));
}

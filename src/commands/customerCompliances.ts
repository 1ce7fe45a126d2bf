import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { CustomerCompliance } from '../models/CustomerCompliance.ts';
import { withProgress } from '../models/customerProgress.ts';
import { append, flush, select, withTenant } from '../models/database.ts';
import { EvidencePack } from '../models/EvidencePack.ts';
import { columnsOf, madeWithin, selectWidePage, sortedBy, type ListAsked } from '../models/list.ts';
import { archiveRow, editRow, getRow, noSuch, restoreRow } from '../models/rows.ts';
import { compareDates, type CalendarDate } from '../rules/calendar.ts';
import type { AuditStatus, ComplianceStatus } from '../rules/compliance.ts';
import { seesAll } from './categories.ts';
import type { KnownCompany } from './companies.ts';
import { holdCompliance } from './compliances.ts';
import { refuseArchivedCustomer } from './customers.ts';
import { customerFor, todayOf } from './employees.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

export interface CustomerComplianceWish {
  readonly customerId: string;
  readonly complianceId: string;
  /** For when the audit is planned. */
  readonly auditDate: CalendarDate | null;
}

export interface CustomerComplianceFilters extends ListAsked<keyof typeof sortColumns> {
  readonly customerId?: string | undefined;
  readonly complianceId?: string | undefined;
  readonly status?: ComplianceStatus | undefined;
  readonly auditStatus?: AuditStatus | undefined;
  readonly includeArchived: boolean;
}

/** With how far its people are, as they stand now. */
export interface CustomerComplianceView extends InferAttributes<CustomerCompliance> {
  readonly status: ComplianceStatus;
  readonly compliancePercentage: string;
  readonly acknowledgedCount: number;
  readonly pendingCount: number;
  readonly declinedCount: number;
  /** Of the latest audit that was completed. */
  readonly evidencePackId: string | null;
}

const columns = (): string => `${columnsOf(CustomerCompliance, 'k')}, n.status,
  n.percentage AS "compliancePercentage", n.acknowledged AS "acknowledgedCount",
  n.pending AS "pendingCount", n.declined AS "declinedCount",
  (SELECT e.id FROM evidence_packs e WHERE e.company_id = k.company_id
     AND e.customer_compliance_id = k.id ORDER BY e.created_at DESC, e.id DESC LIMIT 1) AS "evidencePackId"`;

const sortColumns = {
  createdAt: 'k.created_at',
  compliancePercentage: 'n.percentage',
  auditDate: 'k.audit_date',
} as const;

/**
 * What each customer has to comply with. How far its people are follows from what they acknowledge, and is
 * set by no request.
 */
export const createCustomerCompliances = () => ({
  list: (actor: Actor, filters: CustomerComplianceFilters) =>
    withTenant(actor.companyId, () => {
      const { customerId, complianceId, status, auditStatus, includeArchived } = filters;
      // Counted for the rows of the page alone where the others need it neither.
      const needsProgress = status !== undefined || filters.sortBy === 'compliancePercentage';
      return selectWidePage<CustomerComplianceView>(
        columns(),
        { from: withProgress, narrow: needsProgress ? withProgress : 'customer_compliances k' },
        [
          ...(includeArchived && seesAll(actor) ? [] : [['k.archived_at IS NULL'] as const]),
          ...(customerId ? [['k.customer_id = $', customerId] as const] : []),
          ...(complianceId ? [['k.compliance_id = $', complianceId] as const] : []),
          ...(status ? [['n.status = $', status] as const] : []),
          ...(auditStatus ? [['k.audit_status = $', auditStatus] as const] : []),
          ...madeWithin('k', filters),
        ],
        sortedBy(sortColumns, filters, 'k.id'),
      );
    }),

  get: (actor: Actor, id: string): Promise<CustomerComplianceView> =>
    withTenant(actor.companyId, async () => {
      await getRow(CustomerCompliance, id, { archived: seesAll(actor) });
      return viewOf(id);
    }),

  /** @throws Invalid; Conflict CUSTOMER_COMPLIANCE_EXISTS */
  create: (wish: CustomerComplianceWish, once: Once): Promise<CustomerComplianceView | Replay> =>
    rowsOnce(once, async () => {
      const { complianceId, auditDate } = wish;
      const customerId = await customerFor(wish.customerId);
      if (!(await holdCompliance(complianceId))) {
        throw invalidField('compliance_id', 'There is no such compliance');
      }
      const fields = { customerId, complianceId, auditDate };
      const id = append(CustomerCompliance, fields);
      AuditLog.record('CREATE', { type: CustomerCompliance.entityType, id }, { after: fields });
      await flush();
      return viewOf(id);
    }),

  /** Another day plans the next audit, or none; what was audited before is told by the history. */
  planAudit: (
    actor: Actor,
    id: string,
    { auditDate }: { readonly auditDate?: CalendarDate | null | undefined },
    expectedVersion: number | undefined,
  ): Promise<CustomerComplianceView> =>
    withTenant(actor.companyId, async () => {
      const row = await getRow(CustomerCompliance, id);
      const isOther = auditDate !== undefined && auditDate !== row.auditDate;
      const plan = isOther ? ({ auditDate, auditStatus: 'pending' } as const) : {};
      await editRow(CustomerCompliance, row, plan, expectedVersion);
      return viewOf(id);
    }),

  /**
   * What is acknowledged now is frozen as evidence.
   * @throws Invalid for a day to come; Conflict ILLEGAL_TRANSITION where it is completed already,
   * STILL_ASKING
   */
  completeAudit: (
    company: KnownCompany,
    id: string,
    { auditDate = todayOf(company) }: { readonly auditDate?: CalendarDate | undefined },
    expectedVersion: number | undefined,
    once: Once,
  ): Promise<CustomerComplianceView | Replay> =>
    rowsOnce(once, async () => {
      const row = await getRow(CustomerCompliance, id);
      if (row.auditStatus === 'completed') {
        throw new Conflict(
          'ILLEGAL_TRANSITION',
          `The audit of ${id} is completed; plan the next one first`,
        );
      }
      const today = todayOf(company);
      if (compareDates(auditDate, today) > 0) {
        throw invalidField('audit_date', `must not be after ${today}`, 'OUT_OF_RANGE');
      }
      const completed = { auditDate, auditStatus: 'completed' } as const;
      await editRow(CustomerCompliance, row, completed, expectedVersion, 'STATUS_CHANGE');
      await EvidencePack.freeze(row, auditDate);
      await flush();
      return viewOf(id);
    }),

  /** @throws Conflict CUSTOMER_COMPLIANCE_IN_USE while policies are for it */
  archive: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<void> =>
    withTenant(actor.companyId, async () => {
      // Locked, so that no policy is made for it meanwhile (`holdCustomerCompliance`).
      const row = await getRow(CustomerCompliance, id, { lock: true });
      const policies = await policiesFor(id);
      if (policies > 0) {
        throw new Conflict(
          'CUSTOMER_COMPLIANCE_IN_USE',
          `${policies} compliance policies are for the customer compliance ${id}: archive them first`,
          { policies },
        );
      }
      await archiveRow(CustomerCompliance, row, expectedVersion);
    }),

  /** @throws Conflict CUSTOMER_COMPLIANCE_EXISTS, CUSTOMER_ARCHIVED, COMPLIANCE_ARCHIVED */
  restore: (
    actor: Actor,
    id: string,
    expectedVersion: number | undefined,
  ): Promise<CustomerComplianceView> =>
    withTenant(actor.companyId, async () => {
      const row = await getRow(CustomerCompliance, id, { archived: true });
      await refuseArchivedCustomer(row.customerId);
      if (!(await holdCompliance(row.complianceId))) {
        throw new Conflict('COMPLIANCE_ARCHIVED', `The compliance ${row.complianceId} is archived`);
      }
      await restoreRow(CustomerCompliance, row, expectedVersion);
      return viewOf(id);
    }),
});

export type CustomerCompliances = ReturnType<typeof createCustomerCompliances>;

async function viewOf(id: string): Promise<CustomerComplianceView> {
  const [view] = await select<CustomerComplianceView>(
    `SELECT ${columns()} FROM ${withProgress} WHERE k.id = $1`,
    [id],
  );
  if (!view) throw noSuch(CustomerCompliance.entityType, id);
  return view;
}

/** Keeps a live one from being archived until the commit. @returns whether it is live */
export async function holdCustomerCompliance(id: string): Promise<boolean> {
  const held = await select(
    'SELECT 1 FROM customer_compliances WHERE id = $1 AND archived_at IS NULL FOR SHARE',
    [id],
  );
  return held.length > 0;
}

/** How many live policies are for it. */
async function policiesFor(id: string): Promise<number> {
  const [counted] = await select<{ policies: number }>(
    `SELECT count(*)::int AS policies FROM compliance_policies
     WHERE customer_compliance_id = $1 AND archived_at IS NULL`,
    [id],
  );
  return counted?.policies ?? 0;
}

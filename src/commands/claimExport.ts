import type { Actor } from '../context.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Claim } from '../models/Claim.ts';
import { ownCompany } from '../models/contract.ts';
import { withTenant } from '../models/database.ts';
import { noSuch } from '../models/rows.ts';
import { allows, type Permission } from '../rules/permissions.ts';
import { seesAll } from './categories.ts';
import { seenClaim } from './claimAccess.ts';
import type { ClaimView } from './claimViews.ts';
import type { DocumentLinks } from './documentLinks.ts';
import {
  partOf,
  type ExportedPart,
  type ExportedRow,
  type ExportedTable,
} from './exportedParts.ts';

export interface ExportedClaim {
  readonly view: ClaimView;
  readonly company: { readonly id: string; readonly code: string; readonly name: string };
  readonly parts: readonly ExportedPart[];
}

/**
 * A claim with all that hangs on it, as far as the actor may read it elsewhere: for whoever reads the audit
 * also what somebody took out of sight, since it is asked for in a dispute.
 * @throws NotFound also for one's own: what is internal is in it
 */
export const createClaimExport =
  ({ links }: { readonly links: Pick<DocumentLinks, 'lastingAddressOf'> }) =>
  (actor: Actor, id: string): Promise<ExportedClaim> =>
    withTenant(actor.companyId, async () => {
      const { companyId } = actor;
      const view = await seenClaim(actor, id);
      if (!view.isInternal) throw noSuch(Claim.entityType, id);
      const { code, name } = await ownCompany();
      AuditLog.record('EXPORT', { type: Claim.entityType, id });
      const parts = tables
        .filter(({ permission }) => permission === undefined || allows(actor, permission))
        .map((table) => partOf(shownTo(actor, table), [id], (read) => withTenant(companyId, read)))
        .map((part) => (part.name === 'documents' ? withAddresses(part, links) : part));
      return { view, company: { id: companyId, code, name }, parts };
    });

export type ExportClaim = ReturnType<typeof createClaimExport>;

interface Table extends ExportedTable {
  /** Beside that to read the claim. */
  readonly permission?: Permission;
  /** Its rows can be taken out of sight. */
  readonly hides?: true;
}

const shownTo = (actor: Actor, table: Table): ExportedTable => {
  if (!table.hides) return table;
  const { name, from } = table;
  const where = seesAll(actor) ? table.where : `${table.where} AND t.archived_at IS NULL`;
  return { name, from, where, columns: `${table.columns}, t.archived_at` };
};

const ofClaim = 't.claim_id = $1';
const ofPayments = 't.payment_id IN (SELECT id FROM payments WHERE claim_id = $1)';

/** In the order of the document. */
const tables: readonly Table[] = [
  {
    name: 'history',
    columns: `t.id, t.state_version, t.from_status AS "from", t.to_status AS "to", t.event, t.actor_id,
      t.actor_type, t.reason, t.facts ->> 'hold_kind' AS hold_kind, t.at`,
    from: 'core.transitions t',
    where: `t.entity_type = 'claim' AND t.entity_id = $1`,
  },
  {
    name: 'assignments',
    columns: 't.id, t.from_user_id, t.to_user_id, t.assigned_by, t.reason, t.at',
    from: 'claim_assignments t',
    where: ofClaim,
  },
  {
    name: 'locations',
    columns: `t.id, t.latitude::text, t.longitude::text, t.address, t.description, t.created_at`,
    from: 'claim_locations t',
    where: ofClaim,
    hides: true,
  },
  {
    name: 'notes',
    columns: 't.id, t.author_id, t.note, t.is_internal, t.created_at, t.edited_at',
    from: 'claim_notes t',
    where: ofClaim,
    hides: true,
  },
  {
    name: 'document_requests',
    columns:
      't.id, t.items, t.requested_by, t.due_at, t.final_due_at, t.fulfilled_at, t.created_at',
    from: 'document_requests t',
    where: ofClaim,
  },
  {
    name: 'documents',
    permission: 'document:read',
    columns: `t.id, t.document_type, t.file_name, t.mime, t.size, t.sha256, t.description,
      t.uploaded_by, t.uploaded_at, t.scan_status`,
    from: 'documents t',
    where: ofClaim,
    hides: true,
  },
  {
    name: 'reserves',
    permission: 'reserve:read',
    columns: 't.id, t.category, t.amount::text, t.reason, t.created_at, t.created_by',
    from: 'claim_reserves t',
    where: ofClaim,
  },
  {
    name: 'fraud_flags',
    permission: 'fraud:read',
    columns: `t.id, t.rule, t.score, t.evidence, t.state, t.reason, t.decided_by, t.decided_at,
      t.created_at`,
    from: 'fraud_flags t',
    where: ofClaim,
    hides: true,
  },
  {
    name: 'payments',
    permission: 'payment:read_all',
    columns: `t.id, t.purpose, t.payee_name, t.payee_email, t.amount::text, t.currency, t.status,
      t.payment_date::text, t.transaction_id, t.failure_code, t.attempts, t.created_at`,
    from: 'payments t',
    where: ofClaim,
  },
  {
    name: 'ledger_entries',
    permission: 'ledger:read',
    columns:
      't.id, t.posting_id, t.payment_id, t.account, t.currency, t.amount::text, t.created_at',
    from: 'ledger_entries t',
    where: ofPayments,
  },
  {
    name: 'recoveries',
    permission: 'recovery:read',
    columns: `t.id, t.kind, t.party, t.estimated::text, t.recovered::text, t.status, t.created_at,
      t.created_by, t.updated_at`,
    from: 'claim_recoveries t',
    where: ofClaim,
    hides: true,
  },
];

/** Where each that is not archived can be fetched by whoever may read it: a signed link would run out. */
const withAddresses = (
  part: ExportedPart,
  links: Pick<DocumentLinks, 'lastingAddressOf'>,
): ExportedPart => ({
  ...part,
  async *rows(): AsyncGenerator<ExportedRow> {
    for await (const row of part.rows()) {
      const isThere = row['archived_at'] === null;
      yield { ...row, content_url: isThere ? links.lastingAddressOf(String(row['id'])) : null };
    }
  },
});

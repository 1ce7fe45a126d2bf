import type { InferAttributes } from 'sequelize';
import type { Actor } from '../context.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { withTenant } from '../models/database.ts';
import { EvidencePack, packPages, packText, type PackLine } from '../models/EvidencePack.ts';
import { columnsOf, madeWithin, selectPage, sortedBy, type ListAsked } from '../models/list.ts';
import { noSuch } from '../models/rows.ts';

export interface EvidencePackFilters extends ListAsked<keyof typeof sortColumns> {
  readonly customerComplianceId?: string | undefined;
}

export type EvidencePackView = InferAttributes<EvidencePack>;

/** Ways to write a pack's file; the JSON is what its hash is of. */
export const packFormats = ['json', 'csv'] as const;

export type PackFormat = (typeof packFormats)[number];

/** Its file is read as it is taken. */
export type PackFile =
  | { readonly format: 'json'; readonly texts: AsyncGenerator<string> }
  | { readonly format: 'csv'; readonly pages: AsyncGenerator<readonly PackLine[]> };

const sortColumns = { createdAt: 'e.created_at', auditDate: 'e.audit_date' } as const;

/** What completed audits have seen; nothing changes it. */
export const createEvidencePacks = () => ({
  list: (actor: Actor, filters: EvidencePackFilters) =>
    withTenant(actor.companyId, () => {
      const { customerComplianceId } = filters;
      return selectPage<EvidencePackView>(
        columnsOf(EvidencePack, 'e'),
        'evidence_packs e',
        [
          ...(customerComplianceId
            ? [['e.customer_compliance_id = $', customerComplianceId] as const]
            : []),
          ...madeWithin('e', filters),
        ],
        sortedBy(sortColumns, filters, 'e.id'),
      );
    }),

  /** All of it, page by page; the audit tells that it was taken out. */
  download: async ({ companyId }: Actor, id: string, format: PackFormat): Promise<PackFile> => {
    const pack = await withTenant(companyId, async () => {
      const found = await EvidencePack.findOne({ where: { id } });
      if (!found) throw noSuch(EvidencePack.entityType, id);
      AuditLog.record('EXPORT', { type: EvidencePack.entityType, id }, { after: { format } });
      return found;
    });
    const pages = packPages(id, (work) => withTenant(companyId, work));
    return format === 'json' ? { format, texts: packText(pack, pages) } : { format, pages };
  },
});

export type EvidencePacks = ReturnType<typeof createEvidencePacks>;

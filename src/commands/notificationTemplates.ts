import type { Actor } from '../context.ts';
import { Invalid } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { append, flush, withTenant } from '../models/database.ts';
import { NotificationTemplate, type OwnTexts } from '../models/NotificationTemplate.ts';
import { archiveRow, editRow, getRow } from '../models/rows.ts';
import { templateCodes, type TemplateCode, type Texts } from '../rules/notices.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

/** What is known of the texts of messages. */
export interface KnownTexts {
  readonly platformTexts: Readonly<Record<TemplateCode, Texts>>;
  /** The places that a company may use in its words. */
  readonly offeredBy: (code: TemplateCode) => readonly string[];
  readonly checkTexts: (
    code: TemplateCode,
    texts: Texts,
  ) => readonly { readonly field: string; readonly code: string; readonly message: string }[];
  readonly sampleOf: (code: TemplateCode) => Readonly<Record<string, unknown>>;
  readonly rendering: (
    own: OwnTexts,
  ) => (code: TemplateCode, values: Readonly<Record<string, unknown>>) => Preview;
}

export interface Preview {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** The words in force; without an id and of version 0 where they are the platform's. */
export interface TemplateView extends Texts {
  readonly code: TemplateCode;
  readonly placeholders: readonly string[];
  readonly id: string | null;
  readonly version: number;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

/** What is undefined stays as it is. */
export type TextsChange = { readonly [Name in keyof Texts]?: Texts[Name] | undefined };

/** What a company says in its messages: in its own words, and else in the platform's. */
export const createNotificationTemplates = ({
  platformTexts,
  offeredBy,
  checkTexts,
  sampleOf,
  rendering,
}: KnownTexts) => {
  const viewOf = (row: NotificationTemplate): TemplateView => ({
    code: row.code,
    subject: row.subject,
    body: row.body,
    placeholders: offeredBy(row.code),
    id: row.id,
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  });

  const usual = (code: TemplateCode): TemplateView => ({
    code,
    ...platformTexts[code],
    placeholders: offeredBy(code),
    id: null,
    version: 0,
    createdAt: null,
    updatedAt: null,
  });

  const refuseBroken = (code: TemplateCode, texts: Texts): void => {
    const problems = checkTexts(code, texts);
    if (problems.length > 0) throw new Invalid(problems);
  };

  return {
    /** One of each message, whether the company has words of its own for it or not. */
    list: (actor: Actor, { page, size }: { readonly page: number; readonly size: number }) =>
      withTenant(actor.companyId, async () => {
        const rows = await NotificationTemplate.findAll({
          where: { archivedAt: null },
          limit: templateCodes.length,
        });
        const own = new Map(rows.map((row) => [row.code, row]));
        const codes = templateCodes.slice((page - 1) * size, page * size);
        const items = codes.map((code) => {
          const row = own.get(code);
          return row ? viewOf(row) : usual(code);
        });
        return { items, total: templateCodes.length };
      }),

    get: (actor: Actor, id: string): Promise<TemplateView> =>
      withTenant(actor.companyId, async () => viewOf(await getRow(NotificationTemplate, id))),

    /** @throws Invalid UNKNOWN_PLACEHOLDER; Conflict TEMPLATE_EXISTS */
    create: (
      { code, subject, body }: Texts & { readonly code: TemplateCode },
      once: Once,
    ): Promise<TemplateView | Replay> =>
      rowsOnce(once, async () => {
        refuseBroken(code, { subject, body });
        const fields = { code, subject, body };
        const id = append(NotificationTemplate, fields);
        AuditLog.record('CREATE', { type: NotificationTemplate.entityType, id }, { after: fields });
        await flush();
        return viewOf(await getRow(NotificationTemplate, id));
      }),

    /** @throws Invalid UNKNOWN_PLACEHOLDER, NotFound; Conflict VERSION_CONFLICT */
    edit: (
      actor: Actor,
      id: string,
      change: TextsChange,
      expectedVersion: number | undefined,
    ): Promise<TemplateView> =>
      withTenant(actor.companyId, async () => {
        const row = await getRow(NotificationTemplate, id);
        const { subject = row.subject, body = row.body } = change;
        refuseBroken(row.code, { subject, body });
        return viewOf(await editRow(NotificationTemplate, row, { subject, body }, expectedVersion));
      }),

    /** The platform's words hold again. @throws NotFound; Conflict VERSION_CONFLICT */
    remove: (actor: Actor, id: string, expectedVersion: number | undefined): Promise<void> =>
      withTenant(actor.companyId, async () => {
        await archiveRow(
          NotificationTemplate,
          await getRow(NotificationTemplate, id),
          expectedVersion,
        );
      }),

    /**
     * The message as it would be sent, of nobody and to nobody.
     * @param change words that are not kept
     * @throws Invalid UNKNOWN_PLACEHOLDER, NotFound
     */
    preview: (actor: Actor, id: string, change: TextsChange): Promise<Preview> =>
      withTenant(actor.companyId, async () => {
        const { code, subject, body } = await getRow(NotificationTemplate, id);
        const texts = { subject: change.subject ?? subject, body: change.body ?? body };
        refuseBroken(code, texts);
        return rendering(new Map([[code, texts]]))(code, sampleOf(code));
      }),
  };
};

export type NotificationTemplates = ReturnType<typeof createNotificationTemplates>;

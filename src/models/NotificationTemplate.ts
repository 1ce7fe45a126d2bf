import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import type { TemplateCode, Texts } from '../rules/notices.ts';
import { baseColumns, column, coreTable } from './columns.ts';

/** What a company says in a message instead of the platform's words. */
export class NotificationTemplate
  extends Model<
    InferAttributes<NotificationTemplate>,
    InferCreationAttributes<NotificationTemplate>
  >
  implements Texts
{
  static readonly entityType = 'notification_template';

  declare id: string;
  declare companyId: string;
  declare code: TemplateCode;
  declare subject: string;
  declare body: string;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    NotificationTemplate.init(
      { ...baseColumns, code: column.text, subject: column.text, body: column.text },
      {
        ...coreTable<NotificationTemplate>(sequelize, 'notification_templates'),
        timestamps: true,
      },
    );
  }

  /** The present company's own words for these messages; none for those it has not changed. */
  static async ownTexts(codes: readonly TemplateCode[]): Promise<OwnTexts> {
    const found = await NotificationTemplate.findAll({
      where: { code: [...new Set(codes)], archivedAt: null },
    });
    return new Map(found.map(({ code, subject, body }) => [code, { subject, body }]));
  }
}

/** A company's words by message. */
export type OwnTexts = ReadonlyMap<TemplateCode, Texts>;

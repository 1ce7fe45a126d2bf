import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { AuditLog } from './AuditLog.ts';
import { baseColumns, businessTable, column } from './columns.ts';
import { currentCompany, execute, select } from './database.ts';

/** A version of a document from which policies are made. Versions of one name follow each other. */
export class Template extends Model<InferAttributes<Template>, InferCreationAttributes<Template>> {
  static readonly entityType = 'template';

  declare id: string;
  declare companyId: string;
  declare name: string;
  declare description: CreationOptional<string | null>;
  declare documentLink: CreationOptional<string | null>;
  /** Of the file behind the link, as whoever added it says; policies need it. */
  declare documentSha256: CreationOptional<string | null>;
  declare versionNumber: number;
  /** Of all versions of the name exactly one is. */
  declare isLatest: boolean;
  declare changeLog: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;
  declare updatedAt: CreationOptional<Date>;
  declare createdBy: CreationOptional<string | null>;
  declare updatedBy: CreationOptional<string | null>;
  declare archivedAt: CreationOptional<Date | null>;
  declare version: CreationOptional<number>;

  static define(sequelize: Sequelize): void {
    Template.init(
      {
        ...baseColumns,
        name: column.text,
        description: column.text,
        documentLink: column.text,
        documentSha256: column.text,
        versionNumber: column.integer,
        isLatest: column.flag,
        changeLog: column.text,
      },
      businessTable(sequelize, 'templates'),
    );
  }

  /** Keeps others from changing which versions a name has until the commit. */
  static async holdName(name: string): Promise<void> {
    await select(`SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || lower($2), 3))`, [
      currentCompany(),
      name,
    ]);
  }

  /** The newest version of a name, archived ones too. */
  static async newestOf(
    name: string,
  ): Promise<Pick<Template, 'id' | 'name' | 'versionNumber'> | undefined> {
    const [newest] = await select<Pick<Template, 'id' | 'name' | 'versionNumber'>>(
      `SELECT id, name, version_number AS "versionNumber" FROM templates
       WHERE lower(name) = lower($1) ORDER BY version_number DESC LIMIT 1`,
      [name],
    );
    return newest;
  }

  /** The one that is the latest, unless all versions of the name are archived. */
  static async latestOf(name: string): Promise<Pick<Template, 'id'> | undefined> {
    const [latest] = await select<Pick<Template, 'id'>>(
      `SELECT id FROM templates
       WHERE lower(name) = lower($1) AND is_latest AND archived_at IS NULL FOR SHARE`,
      [name],
    );
    return latest;
  }

  /**
   * Of the versions of a name the newest becomes the latest; archived ones only where there are no
   * others. The key lets none be the latest beside another, so one steps back before the other is it.
   */
  static async settleLatest(name: string): Promise<void> {
    const [chosen] = await select<{ id: string; isLatest: boolean }>(
      `SELECT id, is_latest AS "isLatest" FROM templates WHERE lower(name) = lower($1)
       ORDER BY archived_at IS NULL DESC, version_number DESC LIMIT 1`,
      [name],
    );
    if (!chosen || chosen.isLatest) return;
    const before = await select<{ id: string }>(
      `UPDATE templates SET is_latest = false, updated_at = now()
       WHERE lower(name) = lower($1) AND is_latest RETURNING id`,
      [name],
    );
    await execute('UPDATE templates SET is_latest = true, updated_at = now() WHERE id = $1', [
      chosen.id,
    ]);
    const tell = (id: string, isLatest: boolean): void =>
      AuditLog.record(
        'UPDATE',
        { type: Template.entityType, id },
        { before: { isLatest: !isLatest }, after: { isLatest } },
      );
    for (const { id } of before) tell(id, false);
    tell(chosen.id, true);
  }
}

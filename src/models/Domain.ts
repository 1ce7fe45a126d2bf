import {
  Model,
  type CreationOptional,
  type InferAttributes,
  type InferCreationAttributes,
  type Sequelize,
} from 'sequelize';
import { Conflict } from '../errors.ts';
import { AuditLog } from './AuditLog.ts';
import { column, platformTable } from './columns.ts';
import { execute } from './database.ts';
import { noSuch } from './rows.ts';

/**
 * An address of a company. The company's own transaction may claim one; that it is verified, primary
 * or gone is written through `withGlobal`, always beside the company's id.
 */
export class Domain extends Model<InferAttributes<Domain>, InferCreationAttributes<Domain>> {
  static readonly entityType = 'domain';

  declare id: string;
  declare companyId: string;
  /** In lower case; no other company has it, verified or not. */
  declare domain: string;
  declare isPrimary: CreationOptional<boolean>;
  declare verifiedAt: CreationOptional<Date | null>;
  /** What the TXT record holds, for everybody to see; null where nothing has to be shown. */
  declare verificationToken: CreationOptional<string | null>;
  declare createdAt: CreationOptional<Date>;

  static define(sequelize: Sequelize): void {
    Domain.init(
      {
        id: column.id,
        companyId: column.uuid,
        domain: column.text,
        isPrimary: column.flag,
        verifiedAt: column.instant,
        verificationToken: column.text,
        createdAt: column.instant,
      },
      { ...platformTable(sequelize, 'domains'), timestamps: false },
    );
  }

  /** Holds the company's domains until the commit. @throws NotFound for one of another company */
  static async hold(companyId: string, id: string): Promise<{ domain: Domain; others: number }> {
    const all = await Domain.findAll({ where: { companyId }, order: [['id', 'ASC']], lock: true });
    const domain = all.find((each) => each.id === id);
    if (!domain) throw noSuch(Domain.entityType, id);
    return { domain, others: all.length - 1 };
  }

  /** From now on it leads to the company; the first one is the primary one. */
  async verify(): Promise<void> {
    if (this.verifiedAt) return;
    const primary = await Domain.findOne({ where: { companyId: this.companyId, isPrimary: true } });
    const verifiedAt = new Date();
    await this.update({ verifiedAt, isPrimary: primary === null || this.isPrimary });
    this.record('UPDATE', { before: { verifiedAt: null }, after: { verifiedAt } });
  }

  /** @throws Conflict DOMAIN_NOT_VERIFIED */
  async makePrimary(): Promise<void> {
    if (!this.verifiedAt) {
      throw new Conflict('DOMAIN_NOT_VERIFIED', `The domain ${this.domain} is not verified yet`);
    }
    if (this.isPrimary) return;
    await execute(
      'UPDATE platform.domains SET is_primary = false WHERE company_id = $1 AND is_primary',
      [this.companyId],
    );
    await this.update({ isPrimary: true });
    this.record('UPDATE', { before: { isPrimary: false }, after: { isPrimary: true } });
  }

  /** @throws Conflict DOMAIN_PRIMARY while it leads the company's other ones */
  async remove({ others }: { readonly others: number }): Promise<void> {
    if (this.isPrimary && others > 0) {
      throw new Conflict('DOMAIN_PRIMARY', 'Make another domain the primary one first');
    }
    await this.destroy();
    this.record('DELETE', { before: { domain: this.domain } });
  }

  private record(
    action: 'UPDATE' | 'DELETE',
    change: { before: Record<string, unknown>; after?: Record<string, unknown> },
  ): void {
    const { companyId, id } = this;
    AuditLog.record(action, { type: Domain.entityType, id }, { ...change, companyId });
  }
}

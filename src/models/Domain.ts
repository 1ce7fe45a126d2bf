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
import { execute, select } from './database.ts';
import { noSuch } from './rows.ts';

/** A claim that is not verified by then is given up. */
const claimDays = 14;

/**
 * An address of a company. Many may claim one; it leads to the one that shows it is theirs. A claim the
 * company's own transaction may make; that it is verified, primary or gone is written through
 * `withGlobal`, always beside the company's id.
 */
export class Domain extends Model<InferAttributes<Domain>, InferCreationAttributes<Domain>> {
  static readonly entityType = 'domain';

  declare id: string;
  declare companyId: string;
  /** In lower case; verified of one company alone. */
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

  /** What others have only claimed of a domain that is now this company's. */
  static async endClaims(domain: string, { keptBy }: { readonly keptBy: string }): Promise<void> {
    recordGone(
      await select<Gone>(
        `DELETE FROM platform.domains
         WHERE domain = $1 AND company_id <> $2 AND verified_at IS NULL RETURNING ${told}`,
        [domain, keptBy],
      ),
    );
  }

  /** All of a company that is not set up after all. */
  static async release(companyId: string): Promise<void> {
    recordGone(
      await select<Gone>(`DELETE FROM platform.domains WHERE company_id = $1 RETURNING ${told}`, [
        companyId,
      ]),
    );
  }

  /** @returns how many, of `most` */
  static async endOldClaims(most: number): Promise<number> {
    const ended = await select<Gone>(
      // Said twice: one that is verified meanwhile stays.
      `DELETE FROM platform.domains WHERE verified_at IS NULL AND id IN (
         SELECT id FROM platform.domains
         WHERE verified_at IS NULL AND created_at < now() - $1 * interval '1 day' LIMIT $2)
       RETURNING ${told}`,
      [claimDays, most],
    );
    recordGone(ended);
    return ended.length;
  }

  /**
   * From now on it leads to the company, and what others have claimed of it ends; the first one is the
   * primary one.
   * @throws Conflict DOMAIN_TAKEN where it leads to another one already
   */
  async verify(): Promise<void> {
    if (this.verifiedAt) return;
    await Domain.endClaims(this.domain, { keptBy: this.companyId });
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

type Gone = Pick<Domain, 'id' | 'companyId' | 'domain' | 'verifiedAt'>;

const told = 'id, company_id AS "companyId", domain, verified_at AS "verifiedAt"';

/** Each in the audit of the company that had it, or had claimed it. */
function recordGone(domains: readonly Gone[]): void {
  for (const { id, companyId, domain, verifiedAt } of domains) {
    AuditLog.record(
      'DELETE',
      { type: Domain.entityType, id },
      { before: { domain, verifiedAt }, companyId },
    );
  }
}

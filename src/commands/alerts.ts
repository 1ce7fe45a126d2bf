import type { InferAttributes } from 'sequelize';
import { principalOf, type Actor } from '../context.ts';
import { Conflict, invalidField } from '../errors.ts';
import { Alert } from '../models/Alert.ts';
import { AlertRule } from '../models/AlertRule.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { append, flush, platformCompanyId, select, withTenant } from '../models/database.ts';
import { columnsOf, selectPage, sortedBy, type Condition, type ListAsked } from '../models/list.ts';
import { archiveRow, editRow, getRow, noSuch } from '../models/rows.ts';
import {
  hasThreshold,
  kindsOf,
  usualAlerts,
  type AlertKind,
  type AlertSettings,
  type AlertStatus,
  type Threshold,
} from '../rules/alerts.ts';
import { plainText } from '../rules/plainText.ts';
import type { WorkflowKind } from '../rules/workflowIds.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';

export interface AlertFilters extends ListAsked<keyof typeof sortColumns> {
  readonly status?: AlertStatus | undefined;
  readonly kind?: AlertKind | undefined;
  readonly type?: WorkflowKind | undefined;
  /** Raised then or later. */
  readonly since?: Date | undefined;
}

export type AlertView = InferAttributes<Alert>;

/** What is left out of a new rule is as usual; of a change, as it was. */
export type AlertRuleWish = {
  readonly [Name in keyof AlertSettings]?: NonNullable<AlertSettings[Name]> | undefined;
};

/** A rule in force; without an id and of version 0 where the usual settings hold. */
export interface AlertRuleView extends AlertSettings {
  readonly kind: AlertKind;
  readonly id: string | null;
  readonly version: number;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

const sortColumns = { raisedAt: 'a.raised_at' } as const;

/** What somebody has to look at, and the rules by which it is raised. */
export const createAlerts = () => ({
  list: (actor: Actor, filters: AlertFilters) =>
    withTenant(actor.companyId, () =>
      selectPage<AlertView>(
        columnsOf(Alert, 'a'),
        'core.alerts a',
        conditionsOf(filters),
        sortedBy(sortColumns, filters, 'a.id'),
      ),
    ),

  /**
   * Somebody looks after it: it stays until its cause is gone.
   * @throws NotFound; Conflict ALERT_RESOLVED, ALERT_ACKNOWLEDGED
   */
  acknowledge: (
    actor: Actor,
    id: string,
    wish: { readonly reason: string },
    once: Once,
  ): Promise<AlertView | Replay> =>
    rowsOnce(once, async () => {
      const reason = plainText(wish.reason);
      if (reason === '') throw invalidField('reason', 'has no text', 'REQUIRED');
      // Held until the commit: of two who acknowledge at once, one is first.
      await select('SELECT 1 FROM core.alerts WHERE id = $1 FOR UPDATE', [id]);
      const alert = await Alert.findOne({ where: { id } });
      if (!alert) throw noSuch(Alert.entityType, id);
      if (alert.resolvedAt) {
        throw new Conflict('ALERT_RESOLVED', `The cause of the alert ${id} is gone`);
      }
      if (alert.acknowledgedAt) {
        throw new Conflict('ALERT_ACKNOWLEDGED', `Somebody looks after the alert ${id} already`);
      }
      const by = { acknowledgedAt: new Date(), acknowledgedBy: principalOf(actor), reason };
      await Alert.update(by, { where: { id } });
      AuditLog.record(
        'STATUS_CHANGE',
        { type: Alert.entityType, id },
        { before: { status: 'open' }, after: { status: 'acknowledged', reason } },
      );
      return alert.reload();
    }),

  /** One of each kind, whether the company has set it or not. */
  listRules: (actor: Actor, { page, size }: { readonly page: number; readonly size: number }) =>
    withTenant(actor.companyId, async () => {
      const rules = new Map((await AlertRule.live()).map((rule) => [rule.kind, rule]));
      const all = kindsOf(isPlatform(actor)).map((kind) => rules.get(kind) ?? usualRule(kind));
      return { items: all.slice((page - 1) * size, page * size), total: all.length };
    }),

  getRule: (actor: Actor, id: string): Promise<AlertRuleView> =>
    withTenant(actor.companyId, () => getRow(AlertRule, id)),

  /** @throws Invalid; Conflict ALERT_RULE_EXISTS */
  createRule: (
    actor: Actor,
    { kind, ...wish }: AlertRuleWish & { readonly kind: AlertKind },
    once: Once,
  ): Promise<AlertRuleView | Replay> =>
    rowsOnce(once, async () => {
      if (!kindsOf(isPlatform(actor)).includes(kind)) {
        throw invalidField('kind', 'Task queues belong to the platform', 'PLATFORM_ONLY');
      }
      const fields = { kind, ...settled(kind, usualAlerts[kind], wish) };
      const id = append(AlertRule, fields);
      AuditLog.record('CREATE', { type: AlertRule.entityType, id }, { after: fields });
      await flush();
      return getRow(AlertRule, id);
    }),

  /** @throws Invalid, NotFound; Conflict VERSION_CONFLICT */
  editRule: (
    actor: Actor,
    id: string,
    wish: AlertRuleWish,
    expectedVersion: number | undefined,
  ): Promise<AlertRuleView> =>
    withTenant(actor.companyId, async () => {
      const rule = await getRow(AlertRule, id);
      return editRow(AlertRule, rule, settled(rule.kind, rule, wish), expectedVersion);
    }),

  /** The usual settings hold again. @throws NotFound; Conflict VERSION_CONFLICT */
  removeRule: (
    actor: Actor,
    id: string,
    expectedVersion: number | undefined,
  ): Promise<AlertRuleView> =>
    withTenant(actor.companyId, async () =>
      archiveRow(AlertRule, await getRow(AlertRule, id), expectedVersion),
    ),
});

export type Alerts = ReturnType<typeof createAlerts>;

const isPlatform = ({ companyId }: Actor): boolean => companyId === platformCompanyId;

const usualRule = (kind: AlertKind): AlertRuleView => ({
  ...usualAlerts[kind],
  kind,
  id: null,
  version: 0,
  createdAt: null,
  updatedAt: null,
});

/** @throws Invalid for a threshold that the kind does not have */
function settled(kind: AlertKind, before: AlertSettings, wish: AlertRuleWish): AlertSettings {
  const threshold = (name: Threshold): number | null => {
    const wished = wish[name];
    if (wished === undefined) return before[name];
    if (hasThreshold(kind, name)) return wished;
    throw invalidField(name, `Alerts of the kind ${kind} have no such threshold`, 'UNKNOWN_FIELD');
  };
  return {
    isEnabled: wish.isEnabled ?? before.isEnabled,
    attempts: threshold('attempts'),
    minutes: threshold('minutes'),
    channels: [...new Set(wish.channels ?? before.channels)],
    roles: [...new Set(wish.roles ?? before.roles)],
  };
}

const inStatus = {
  open: 'a.resolved_at IS NULL AND a.acknowledged_at IS NULL',
  acknowledged: 'a.resolved_at IS NULL AND a.acknowledged_at IS NOT NULL',
  resolved: 'a.resolved_at IS NOT NULL',
} as const satisfies Readonly<Record<AlertStatus, string>>;

const conditionsOf = ({ status, kind, type, since }: AlertFilters): readonly Condition[] => [
  ...(status ? [[inStatus[status]] as const] : []),
  ...(kind ? [['a.kind = $', kind] as const] : []),
  ...(type ? [['a.type = $', type] as const] : []),
  ...(since ? [['a.raised_at >= $', since] as const] : []),
];

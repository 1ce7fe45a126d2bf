import { alertWords, type AlertKind, type AlertSettings } from '../rules/alerts.ts';
import { grouped } from '../rules/grouped.ts';
import { Alert, type Cause, type RaisedAlert } from './Alert.ts';
import { holdersOf } from './claimStaff.ts';
import { queueMail } from './mail.ts';
import { Notification } from './Notification.ts';
import { tellEndpoints } from './webhookStart.ts';

/** What one look at a company has found. */
export interface Look {
  readonly companyId: string;
  readonly at: Date;
  /** What is wrong, as the rules say; one of a kind and a subject. */
  readonly causes: readonly Cause[];
  /** Kinds of which the causes are all there are: what is not among them is over. */
  readonly answered: readonly AlertKind[];
  readonly rules: Readonly<Record<AlertKind, AlertSettings>>;
}

/** Raises what is new and tells of it, once; what is over is resolved. In the company's transaction. */
export async function writeLook({ companyId, at, causes, answered, rules }: Look): Promise<void> {
  const raised = await Alert.note(companyId, causes, at);
  await Alert.settle(answered, at);
  const byKind = grouped(raised.map((alert) => [alert.kind, alert]));
  for (const kind of new Set(raised.map((alert) => alert.kind))) {
    await tell(companyId, byKind.of(kind), rules[kind], at);
  }
}

/** Named in one message; the list has them all. */
const mostNamed = 5;

/**
 * One message to each recipient of what was raised together. Where nobody holds the roles of the rule,
 * the company's administrators hear of it.
 */
async function tell(
  companyId: string,
  alerts: readonly RaisedAlert[],
  rule: AlertSettings,
  at: Date,
): Promise<void> {
  const [first] = alerts;
  if (!first) return;
  const chosen = await holdersOf(rule.roles);
  const roles = chosen.length > 0 ? rule.roles : (['tenant_admin'] as const);
  const payload = {
    what: alertWords[first.kind],
    kind: first.kind,
    count: alerts.length,
    subjects: alerts
      .slice(0, mostNamed)
      .map(({ subject }) => subject)
      .join('\n'),
    hasMore: alerts.length > mostNamed,
  };
  const message = { template: 'alert_raised', payload, key: `alert/${first.id}/raised/1` } as const;
  if (rule.channels.includes('webhook')) {
    await tellEndpoints(companyId, {
      event: message.template,
      eventKey: message.key,
      entityType: Alert.entityType,
      entityId: first.id,
      occurredAt: at,
    });
  }
  if (rule.channels.includes('in_app')) {
    for (const role of roles) {
      Notification.queue({
        ...message,
        to: { channel: 'in_app', role },
        about: { type: Alert.entityType, id: first.id },
      });
    }
  }
  if (!rule.channels.includes('email')) return;
  for (const userId of chosen.length > 0 ? chosen : await holdersOf(roles)) {
    queueMail({ ...message, companyId, to: { userId } });
  }
}

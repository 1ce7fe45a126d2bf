import type { Actor } from '../context.ts';
import { Conflict, Forbidden } from '../errors.ts';
import { AcknowledgementHistory } from '../models/AcknowledgementHistory.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { rolesWithout } from '../models/claimStaff.ts';
import { append, flush, withTenant } from '../models/database.ts';
import { Exemption } from '../models/Exemption.ts';
import { wakeKeepers } from '../models/keeperStart.ts';
import { leastDays } from '../rules/acknowledgements.ts';
import { addDays, laterDate, type CalendarDate } from '../rules/calendar.ts';
import { may } from '../rules/permissions.ts';
import { acknowledgementView, type AcknowledgementDetail } from './acknowledgementViews.ts';
import {
  end,
  heldOf,
  moveDue,
  refuseDue,
  refuseUnlessPending,
  tellCompliance,
  tellPerson,
  type Held,
} from './heldAcknowledgement.ts';
import { typedText } from './typedText.ts';

/** @throws NotFound for others; Conflict NOT_PENDING, EXEMPTION_NOT_ALLOWED, EXEMPTION_OPEN */
export const requestExemption = (
  actor: Actor,
  id: string,
  { reason, validUntil }: { readonly reason: string; readonly validUntil: CalendarDate },
): Promise<AcknowledgementDetail> =>
  withTenant(actor.companyId, async () => {
    const asked = await heldOf(actor, id);
    refuseUnlessPending(asked);
    if (asked.campaign?.allowExemption === false) {
      throw new Conflict('EXEMPTION_NOT_ALLOWED', 'The campaign does not allow exemptions');
    }
    refuseDue(asked.watched, validUntil, 'valid_until');
    const why = typedText('reason', reason);
    const fields = { acknowledgementId: id, validUntil };
    const exemptionId = append(Exemption, { ...fields, reason: why });
    AuditLog.record('CREATE', { type: Exemption.entityType, id: exemptionId }, { after: fields });
    AcknowledgementHistory.record(id, 'exemption', { from: null, to: 'open' });
    await tellCompliance(asked, 'exemption_asked', { reason: why, validUntil }, exemptionId);
    await flush();
    await wakeKeepers([asked.policyId]);
    return acknowledgementView(actor, id);
  });

/** @throws Conflict NOT_PENDING, NO_EXEMPTION; Forbidden for whoever asked, their delegates and keys */
export const decideExemption = (
  actor: Actor,
  id: string,
  { granted, reason }: { readonly granted: boolean; readonly reason: string },
): Promise<AcknowledgementDetail> =>
  withTenant(actor.companyId, async () => {
    const asked = await heldOf(actor, id, { anybodys: true });
    refuseUnlessPending(asked);
    const open = await Exemption.findOne({
      where: { acknowledgementId: id, status: 'open' },
      lock: true,
    });
    if (!open) throw new Conflict('NO_EXEMPTION', 'No exemption is asked for');
    await refuseOwn(asked, actor);
    const why = typedText('reason', reason);
    const status = granted ? 'granted' : 'refused';
    await open.update({
      status,
      decidedBy: actor.userId,
      decidedAt: new Date(),
      decisionReason: why,
      version: open.version + 1,
    });
    AuditLog.record(
      'UPDATE',
      { type: Exemption.entityType, id: open.id },
      { before: { status: 'open' }, after: { status } },
    );
    AcknowledgementHistory.record(id, 'exemption', { from: 'open', to: status }, why);
    const due = laterDate(asked.dueDate, addDays(asked.watched.today, leastDays));
    if (granted) {
      const changes = { status: 'exempted', exemptedUntil: open.validUntil } as const;
      await end(asked, changes, why);
    } else {
      await moveDue(asked, due, why);
    }
    tellPerson(asked, 'exemption_decided', `exemption/${open.id}/decided`, {
      decision: status,
      ...(!granted && { dueDate: due }),
    });
    await wakeKeepers([asked.policyId]);
    return acknowledgementView(actor, id);
  });

/** Four eyes, also through delegation: a role that whoever asked has lent does not decide. */
async function refuseOwn({ userId: asker }: Held, { userId, roles }: Actor): Promise<void> {
  if (userId === null || asker === userId) {
    throw new Forbidden('Somebody else decides about your own exemption');
  }
  if (asker === null) return;
  const apart = await rolesWithout(userId, [asker]);
  if (
    may(
      roles.filter((role) => apart.includes(role)),
      'exemption:decide',
    )
  )
    return;
  throw new Forbidden('Nobody decides about an exemption for whoever asked for it');
}

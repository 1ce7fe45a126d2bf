import type { InferAttributes } from 'sequelize';
import { currentContext, type Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField } from '../errors.ts';
import { Acknowledgement } from '../models/Acknowledgement.ts';
import { AcknowledgementHistory } from '../models/AcknowledgementHistory.ts';
import { acknowledgementWorkflowId } from '../rules/workflowIds.ts';
import { askable, askAgain, tellAll, type Askable } from '../models/acknowledging.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { holdersOfFirst } from '../models/claimStaff.ts';
import type { Company } from '../models/Company.ts';
import { ownCompany } from '../models/contract.ts';
import { append, flush, select, withTenant } from '../models/database.ts';
import { isGenuine, sign, type Evidence } from '../models/evidence.ts';
import { Exemption } from '../models/Exemption.ts';
import { wakeKeepers } from '../models/keeperStart.ts';
import { Notification, type TemplateCode } from '../models/Notification.ts';
import { editRow, getRow, noSuch, refuseStale } from '../models/rows.ts';
import {
  clocksOf,
  momentOf,
  nextOf,
  watchedPolicy,
  type Watched,
} from '../models/watchedPolicy.ts';
import {
  concerns,
  isPassed,
  leastDays,
  maxDueAheadDays,
  statementOf,
  stepsAhead,
  type AcknowledgementAction,
  type Dated,
} from '../rules/acknowledgements.ts';
import { erasedWord } from '../rules/personalFields.ts';
import { addDays, compareDates, dateAt, laterDate, type CalendarDate } from '../rules/calendar.ts';
import { labelText, type QuizQuestion } from '../rules/compliancePolicies.ts';
import { acknowledgementConsequences } from './acknowledgementTimelines.ts';
import {
  acknowledgementPage,
  acknowledgementView,
  historyOf,
  ofPerson,
  type AcknowledgementDetail,
  type AcknowledgementFilters,
} from './acknowledgementViews.ts';
import { rowsOnce, type Once, type Replay } from './idempotency.ts';
import { typedLine, typedText } from './typedText.ts';

/** What comes with an answer. */
export interface Answer {
  /** Number of the version that was read. */
  readonly policyVersion: number;
  readonly typedName: string;
  /** Which option of each question, counted from 0. */
  readonly answers: readonly number[];
  readonly openedAt: Date | null;
  readonly scrolledAt: Date | null;
}

export interface ManualRequest {
  readonly policyId: string;
  readonly employeeIds: readonly string[];
  /** As the settings say where it is left out. */
  readonly dueDate?: CalendarDate | undefined;
}

/** What a manual request has come to; nobody is asked twice at once. */
export interface ManualOutcome {
  readonly asked: readonly string[];
  /** Who was asked before and has not answered. */
  readonly alreadyAsked: readonly string[];
}

export interface DueMove {
  readonly dueDate: CalendarDate;
  readonly reason: string;
  readonly dryRun: boolean;
}

/** A page as a PDF. */
export type DrawPdf = (page: {
  readonly fileName: string;
  readonly sender: readonly string[];
  readonly recipient: string;
  readonly date: CalendarDate;
  readonly references: readonly (readonly [label: string, value: string])[];
  readonly subject: string;
  readonly paragraphs: readonly string[];
}) => Promise<Buffer>;

/** When it is due then, what happens first, and all that happens while nobody answers. */
export interface DueMoved {
  readonly dryRun: boolean;
  readonly dueDate: CalendarDate;
  readonly nextAction: AcknowledgementAction | null;
  readonly nextActionAt: Date | null;
  /** Soonest first; a day on which several things happen is named for each. */
  readonly schedule: readonly {
    readonly action: AcknowledgementAction;
    readonly at: Date;
    readonly consequence: string;
  }[];
}

/** Who is asked to read what; those who are asked answer, others look after it. */
export const createAcknowledgements = ({ drawPdf }: { readonly drawPdf: DrawPdf }) => {
  return {
    list: (actor: Actor, filters: AcknowledgementFilters) =>
      withTenant(actor.companyId, () => acknowledgementPage(filters)),

    mine: (actor: Actor, filters: AcknowledgementFilters) =>
      withTenant(actor.companyId, () => acknowledgementPage(filters, [ofPerson(actor)])),

    get: (actor: Actor, id: string): Promise<AcknowledgementDetail> =>
      withTenant(actor.companyId, () => acknowledgementView(actor, id)),

    history: (actor: Actor, id: string): Promise<InferAttributes<AcknowledgementHistory>[]> =>
      withTenant(actor.companyId, async () => {
        await acknowledgementView(actor, id);
        return historyOf(id);
      }),

    /**
     * What proves an answer, as a PDF of what the evidence says.
     * @throws NotFound; Conflict NOT_ACKNOWLEDGED, EVIDENCE_CHANGED
     */
    async certificate(
      actor: Actor,
      id: string,
    ): Promise<{ readonly content: Buffer; readonly fileName: string }> {
      const page = await withTenant(actor.companyId, async () => {
        const view = await acknowledgementView(actor, id);
        const { evidence, evidenceHash } = await getRow(Acknowledgement, id);
        if (!evidence || !evidenceHash) {
          throw new Conflict('NOT_ACKNOWLEDGED', `Nothing is confirmed yet: it is ${view.status}`);
        }
        if (!isGenuine(evidence, evidenceHash)) {
          throw new Conflict('EVIDENCE_CHANGED', 'The evidence is not what was signed');
        }
        return certificateOf(view, evidence, evidenceHash, await ownCompany());
      });
      return { content: await drawPdf(page), fileName: page.fileName };
    },

    /**
     * Asks some people once more, by name. Nothing is asked of whom the policy does not concern.
     * @throws Conflict NOT_PUBLISHED; Invalid for somebody else
     */
    request: (wish: ManualRequest, once: Once): Promise<ManualOutcome | Replay> =>
      rowsOnce(once, async () => {
        const { policyId } = wish;
        const watched = await watchedPolicy(policyId, new Date());
        const { published, today, settings } = watched;
        if (!published) {
          throw new Conflict('NOT_PUBLISHED', 'No version of the policy is published');
        }
        const dueDate = wish.dueDate ?? addDays(today, settings.manualDays);
        refuseDue(watched, dueDate);
        const people = await concernedAmong(watched, wish.employeeIds);
        const waiting = people.filter(({ standing }) => standing === 'pending');
        const others = people.filter(({ standing }) => standing !== 'pending');
        const asked = await askAgain(watched, published, others, dueDate);
        await wakeKeepers([policyId]);
        return { asked, alreadyAsked: waiting.map(({ id }) => id) };
      }),

    /**
     * The answer of the person themselves: one transaction, no workflow. A repeated one changes nothing.
     * @throws NotFound for others; Conflict NOT_PENDING, VERSION_CONFLICT, QUIZ_FAILED; Invalid
     */
    acknowledge: (actor: Actor, id: string, answer: Answer): Promise<AcknowledgementDetail> =>
      withTenant(actor.companyId, async () => {
        const asked = await lockedOf(actor, id);
        if (asked.status !== 'acknowledged') await answerWith(asked, answer);
        return acknowledgementView(actor, id);
      }),

    /** @throws NotFound for others; Conflict NOT_PENDING, DECLINE_NOT_ALLOWED */
    decline: (actor: Actor, id: string, reason: string): Promise<AcknowledgementDetail> =>
      withTenant(actor.companyId, async () => {
        const asked = await lockedOf(actor, id);
        if (asked.status !== 'declined') {
          refuseUnlessPending(asked);
          if (asked.campaign?.allowDecline === false) {
            throw new Conflict('DECLINE_NOT_ALLOWED', 'The campaign does not allow to decline');
          }
          const why = typedText('reason', reason);
          await end(asked, { status: 'declined', reason: why });
          await tellCompliance(asked, 'acknowledgement_declined', { reason: why });
          await wakeKeepers([asked.policyId]);
        }
        return acknowledgementView(actor, id);
      }),

    /** @throws NotFound for others; Conflict NOT_PENDING, EXEMPTION_NOT_ALLOWED, EXEMPTION_OPEN */
    requestExemption: (
      actor: Actor,
      id: string,
      { reason, validUntil }: { readonly reason: string; readonly validUntil: CalendarDate },
    ): Promise<AcknowledgementDetail> =>
      withTenant(actor.companyId, async () => {
        const asked = await lockedOf(actor, id);
        refuseUnlessPending(asked);
        if (asked.campaign?.allowExemption === false) {
          throw new Conflict('EXEMPTION_NOT_ALLOWED', 'The campaign does not allow exemptions');
        }
        const watched = await watchedPolicy(asked.policyId, new Date());
        refuseDue(watched, validUntil, 'valid_until');
        const why = typedText('reason', reason);
        const fields = { acknowledgementId: id, validUntil };
        const exemptionId = append(Exemption, { ...fields, reason: why });
        AuditLog.record(
          'CREATE',
          { type: Exemption.entityType, id: exemptionId },
          { after: fields },
        );
        AcknowledgementHistory.record(id, 'exemption', { from: null, to: 'open' });
        await tellCompliance(asked, 'exemption_asked', { reason: why, validUntil }, exemptionId);
        await flush();
        await wakeKeepers([asked.policyId]);
        return acknowledgementView(actor, id);
      }),

    /** @throws Conflict NOT_PENDING, NO_EXEMPTION; Forbidden for whoever asked */
    decideExemption: (
      actor: Actor,
      id: string,
      { granted, reason }: { readonly granted: boolean; readonly reason: string },
    ): Promise<AcknowledgementDetail> =>
      withTenant(actor.companyId, async () => {
        const asked = await lockedOf(actor, id, { anybodys: true });
        refuseUnlessPending(asked);
        const open = await Exemption.findOne({
          where: { acknowledgementId: id, status: 'open' },
          lock: true,
        });
        if (!open) throw new Conflict('NO_EXEMPTION', 'No exemption is asked for');
        if (asked.userId !== null && asked.userId === actor.userId) {
          throw new Forbidden('Somebody else decides about your own exemption');
        }
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
        const watched = await watchedPolicy(asked.policyId, new Date());
        const due = laterDate(asked.dueDate, addDays(watched.today, leastDays));
        if (granted) {
          const changes = { status: 'exempted', exemptedUntil: open.validUntil } as const;
          await end(asked, changes, { watched, reason: why });
        } else {
          await moveDue(asked, watched, due, why);
        }
        tellPerson(asked, 'exemption_decided', `exemption/${open.id}/decided`, {
          decision: status,
          ...(!granted && { dueDate: due }),
        });
        await wakeKeepers([asked.policyId]);
        return acknowledgementView(actor, id);
      }),

    /** At most once a day. @throws Conflict NOT_PENDING */
    remind: (actor: Actor, id: string): Promise<AcknowledgementDetail> =>
      withTenant(actor.companyId, async () => {
        const asked = await lockedOf(actor, id, { anybodys: true });
        refuseUnlessPending(asked);
        const watched = await watchedPolicy(asked.policyId, new Date());
        await tellAll(watched, 'acknowledgement_reminder', [asked], `by_hand/${watched.today}`);
        await wakeKeepers([asked.policyId]);
        return acknowledgementView(actor, id);
      }),

    /** @throws Conflict NOT_PENDING; Invalid DEADLINE_OUT_OF_RANGE */
    move: (
      actor: Actor,
      id: string,
      { dueDate, reason, dryRun }: DueMove,
      expectedVersion: number | undefined,
    ): Promise<DueMoved> =>
      withTenant(actor.companyId, async () => {
        const asked = await lockedOf(actor, id, { anybodys: true });
        refuseUnlessPending(asked);
        refuseStale(Acknowledgement, asked.row, expectedVersion);
        const watched = await watchedPolicy(asked.policyId, new Date());
        refuseDue(watched, dueDate);
        const clocks = clocksOf(watched, asked.campaign?.id ?? null);
        const yesterday = addDays(watched.today, -1);
        const next = nextOf(clocks, pendingUntil(dueDate), yesterday);
        if (!dryRun) {
          await moveDue(asked, watched, dueDate, typedText('reason', reason));
          await wakeKeepers([asked.policyId]);
        }
        const schedule = stepsAhead(dueDate, clocks.settings, yesterday).map(({ action, on }) => ({
          action,
          at: momentOf(clocks, on),
          consequence: acknowledgementConsequences[action],
        }));
        return { dryRun, dueDate, ...next, schedule };
      }),
  };
};

export type Acknowledgements = ReturnType<typeof createAcknowledgements>;

/** An acknowledgement whose row is held, with what an answer needs. */
interface Locked {
  readonly row: Acknowledgement;
  readonly id: string;
  readonly companyId: string;
  readonly policyId: string;
  readonly policyVersion: number;
  readonly status: Acknowledgement['status'];
  readonly dueDate: CalendarDate;
  readonly employeeId: string;
  readonly userId: string | null;
  readonly email: string;
  readonly name: string;
  readonly title: string;
  readonly label: string;
  readonly contentSha256: string;
  readonly documentSha256: string | null;
  readonly quiz: readonly QuizQuestion[];
  /** Of the answer of the same person before. */
  readonly previousHash: string | null;
  readonly previousAt: Date | null;
  readonly hasExemptionOpen: boolean;
  /** That it belongs to. */
  readonly campaign: {
    readonly id: string;
    readonly allowDecline: boolean;
    readonly allowExemption: boolean;
    readonly pausedOn: CalendarDate | null;
    readonly pausedDays: number;
  } | null;
}

type HeldFacts = Omit<
  Locked,
  'row' | 'id' | 'label' | 'companyId' | 'policyId' | 'policyVersion' | 'status' | 'dueDate'
>;

/**
 * Holds the row, and whoever is asked: answers of one person follow each other, so that their evidence
 * is one chain.
 */
async function lockedOf({ userId }: Actor, id: string, { anybodys = false } = {}): Promise<Locked> {
  const [person] = await select<{ userId: string | null }>(
    `SELECT e.user_id AS "userId" FROM acknowledgements a JOIN employees e ON e.id = a.employee_id
     WHERE a.id = $1 FOR NO KEY UPDATE OF e`,
    [id],
  );
  if (!person || (!anybodys && (userId === null || person.userId !== userId))) {
    throw noSuch(Acknowledgement.entityType, id);
  }
  const row = await getRow(Acknowledgement, id, { lock: true });
  // Read once they are held: what somebody else did meanwhile counts.
  const [facts] = await select<HeldFacts & Label>(
    `SELECT e.user_id AS "userId", e.email, e.name, e.id AS "employeeId", p.title, v.major, v.minor,
       v.content_sha256 AS "contentSha256", v.document_sha256 AS "documentSha256", v.quiz,
       last.evidence_hash AS "previousHash", last.acknowledged_at AS "previousAt",
       EXISTS (SELECT 1 FROM exemptions x
         WHERE x.acknowledgement_id = a.id AND x.status = 'open') AS "hasExemptionOpen",
       (SELECT jsonb_build_object('id', c.id, 'allowDecline', c.allow_decline,
            'allowExemption', c.allow_exemption, 'pausedOn', c.paused_on, 'pausedDays', c.paused_days)
        FROM campaigns c WHERE c.id = a.campaign_id) AS campaign
     FROM acknowledgements a
       JOIN employees e ON e.id = a.employee_id
       JOIN compliance_policies p ON p.id = a.policy_id
       JOIN compliance_policy_versions v ON v.policy_id = a.policy_id AND v.number = a.policy_version
       LEFT JOIN LATERAL (SELECT o.evidence_hash, o.acknowledged_at FROM acknowledgements o
         WHERE o.employee_id = e.id AND o.acknowledged_at IS NOT NULL
         ORDER BY o.acknowledged_at DESC, o.id DESC LIMIT 1) last ON true
     WHERE a.id = $1`,
    [id],
  );
  if (!facts) throw noSuch(Acknowledgement.entityType, id);
  const { companyId, policyId, policyVersion, status, dueDate } = row;
  const own = { companyId, policyId, policyVersion, status, dueDate };
  return { ...facts, ...own, row, id, label: labelText(facts) };
}

interface Label {
  readonly major: number;
  readonly minor: number;
}

/** The words of a certificate, as the evidence has them whatever is called otherwise by now. */
function certificateOf(
  { id, onTime }: Pick<AcknowledgementDetail, 'id' | 'onTime'>,
  evidence: Evidence,
  hash: string,
  { name: sender, timeZone }: Pick<Company, 'name' | 'timeZone'>,
): Parameters<DrawPdf>[0] {
  const { title, label, person } = evidence;
  const name = person?.name ?? erasedWord;
  return {
    fileName: `acknowledgement-${id}.pdf`,
    sender: [sender],
    recipient: name,
    date: dateAt(Date.parse(evidence.at), timeZone),
    references: [
      ['Document', title],
      ['Version', label],
      ['Text, SHA-256', evidence.contentSha256],
      ...(evidence.documentSha256 ? [['File, SHA-256', evidence.documentSha256] as const] : []),
      ['Confirmed at', evidence.at],
      ['Evidence, SHA-256', hash],
      ...(evidence.previousHash ? [['After', evidence.previousHash] as const] : []),
    ],
    subject: `Certificate: ${title}, version ${label}`,
    paragraphs: [
      `${name} has confirmed: ${evidence.statement}`,
      person
        ? `Signed by typing the name "${person.typedName}".`
        : 'The names were erased at the wish of the person.',
      onTime ? 'The answer came in time.' : 'The answer came after the day it was due.',
      'The hash of the evidence covers document, version, statement, time, names and the answer of the same person before it.',
    ],
  };
}

function refuseUnlessPending({ status }: Locked): void {
  if (status === 'pending') return;
  throw new Conflict('NOT_PENDING', `Nothing is asked any more: it is ${status}`, {
    current_status: status,
  });
}

async function answerWith(asked: Locked, answer: Answer): Promise<void> {
  refuseUnlessPending(asked);
  const { id, policyId, policyVersion, employeeId, title, label, quiz, name, previousAt } = asked;
  if (answer.policyVersion !== policyVersion) {
    throw new Conflict(
      'VERSION_CONFLICT',
      `Version ${label} is asked about by now; read that one`,
      {
        current_version: policyVersion,
      },
    );
  }
  if (!isPassed(quiz, answer.answers)) {
    throw new Conflict('QUIZ_FAILED', 'Not every question was answered right; read it once more');
  }
  // Later than their answer before, whatever the clocks of two servers say.
  const at = new Date(Math.max(Date.now(), (previousAt?.getTime() ?? 0) + 1));
  refuseLater(at, answer);
  const watched = await watchedPolicy(policyId, at);
  const { ip = null, userAgent = null } = currentContext();
  const { evidence, hash } = sign(
    {
      acknowledgementId: id,
      policyId,
      policyVersion,
      employeeId,
      contentSha256: asked.contentSha256,
      documentSha256: asked.documentSha256,
      title,
      label,
      statement: statementOf(title, label),
      at: watched.at.toISOString(),
      openedAt: answer.openedAt?.toISOString() ?? null,
      scrolledAt: answer.scrolledAt?.toISOString() ?? null,
      previousHash: asked.previousHash,
    },
    { name, typedName: typedLine('typed_name', answer.typedName), ip, userAgent },
  );
  await end(
    asked,
    {
      status: 'acknowledged',
      acknowledgedAt: watched.at,
      onTime: isInTime(asked, watched.today),
      evidence,
      evidenceHash: hash,
    },
    { watched },
  );
  tellPerson(asked, 'acknowledgement_confirmed', `acknowledgement/${id}/confirmed`, {
    answeredOn: watched.today,
    label,
  });
  await wakeKeepers([policyId], { isMail: true });
}

/** @throws Invalid for something that they say they did after their answer */
function refuseLater(at: Date, { openedAt, scrolledAt }: Answer): void {
  for (const [field, time] of [
    ['opened_at', openedAt],
    ['scrolled_at', scrolledAt],
  ] as const) {
    if (time && time > at) throw invalidField(field, 'must not be in the future');
  }
}

/** Days of a campaign's pauses do not count. */
const isInTime = ({ row, dueDate, campaign }: Locked, today: CalendarDate): boolean =>
  campaign
    ? compareDates(
        campaign.pausedOn ?? today,
        addDays(dueDate, campaign.pausedDays - row.pausedDays),
      ) <= 0
    : compareDates(today, dueDate) <= 0;

type Ending = Partial<InferAttributes<Acknowledgement>> & Pick<Acknowledgement, 'status'>;

/**
 * Nobody is asked any more; what comes after it, and an exemption that was asked for, follow.
 * @param reason as the history tells it; never in the audit, where it could not be erased
 */
async function end(
  asked: Locked,
  changes: Ending,
  { watched, reason }: { readonly watched?: Watched; readonly reason?: string } = {},
): Promise<void> {
  const { row, id } = asked;
  const dated = {
    status: changes.status,
    dueDate: asked.dueDate,
    answeredOn: changes.status === 'acknowledged' ? (watched?.today ?? null) : null,
    exemptedUntil: changes.exemptedUntil ?? null,
  };
  const next = watched
    ? nextOf(watched, dated, watched.today)
    : { nextAction: null, nextActionAt: null };
  const { status: from } = row;
  await row.update({ ...changes, ...next, owedAlerts: [], version: row.version + 1 });
  AcknowledgementHistory.record(id, 'status', { from, to: changes.status }, reason);
  AuditLog.record(
    'STATUS_CHANGE',
    { type: Acknowledgement.entityType, id },
    {
      before: { status: from },
      after: {
        status: changes.status,
        ...(changes.evidenceHash && { evidenceHash: changes.evidenceHash }),
        ...(changes.exemptedUntil && { exemptedUntil: changes.exemptedUntil }),
      },
    },
  );
  if (asked.hasExemptionOpen && changes.status !== 'exempted') {
    await Exemption.update(
      { status: 'lapsed' },
      { where: { acknowledgementId: id, status: 'open' } },
    );
  }
}

/** Its clock begins anew from the other day; who was told that it is late is not told again for that. */
async function moveDue(
  { row, id, dueDate: from, campaign }: Locked,
  watched: Watched,
  dueDate: CalendarDate,
  reason: string,
): Promise<void> {
  const isLate = compareDates(dueDate, watched.today) < 0;
  const clocks = clocksOf(watched, campaign?.id ?? null);
  const next = nextOf(clocks, pendingUntil(dueDate), addDays(watched.today, -1));
  await editRow(
    Acknowledgement,
    row,
    {
      dueDate,
      ...next,
      // What was told is the day: no pause that is over moves it.
      ...(campaign && { pausedDays: campaign.pausedDays }),
      ...(!isLate && { escalationStatus: 'none', owedAlerts: [] }),
    },
    undefined,
  );
  AcknowledgementHistory.record(id, 'due_date', { from, to: dueDate }, reason);
}

const pendingUntil = (dueDate: CalendarDate): Dated => ({
  status: 'pending',
  dueDate,
  answeredOn: null,
  exemptedUntil: null,
});

function refuseDue({ today }: Watched, date: CalendarDate, field = 'due_date'): void {
  const last = addDays(today, maxDueAheadDays);
  if (compareDates(date, today) >= 0 && compareDates(date, last) <= 0) return;
  throw invalidField(field, `must be from ${today} to ${last}`, 'DEADLINE_OUT_OF_RANGE');
}

/** @throws Invalid for somebody who is not there, or whom the policy does not concern */
async function concernedAmong(
  watched: Watched,
  ids: readonly string[],
): Promise<readonly Askable[]> {
  const known = new Map((await askable(watched, ids)).map((each) => [each.id, each]));
  return ids.map((id, index) => {
    const employee = known.get(id);
    if (employee && concerns(watched.audience, employee)) return employee;
    throw invalidField(
      `employee_ids.${index}`,
      'must be somebody who is there and whom the policy concerns',
      employee ? 'NOT_CONCERNED' : 'NOT_FOUND',
    );
  });
}

const keeperOf = ({ companyId, policyId }: Pick<Locked, 'companyId' | 'policyId'>): string =>
  acknowledgementWorkflowId(companyId, policyId);

/** By e-mail, which the keeper sends, and in the application. */
function tellPerson(
  asked: Locked,
  template: TemplateCode,
  key: string,
  facts: Readonly<Record<string, unknown>>,
): void {
  const { userId, email: address, id, policyId, title } = asked;
  const message = {
    template,
    payload: { policyId, title, ...facts },
    key,
    about: { type: Acknowledgement.entityType, id },
    workflowId: keeperOf(asked),
  };
  Notification.queue({
    ...message,
    to: userId ? { channel: 'email', userId } : { channel: 'email', address },
  });
  if (userId) Notification.queue({ ...message, to: { channel: 'in_app', userId } });
}

/** Those who manage compliance, each by e-mail and in the application. */
async function tellCompliance(
  asked: Locked,
  template: TemplateCode,
  facts: Readonly<Record<string, unknown>>,
  of = asked.id,
): Promise<void> {
  const told = await holdersOfFirst([['compliance_manager'], ['tenant_admin']]);
  await Notification.queueMany(
    told.map((userId) => ({
      to: { userId },
      template,
      payload: {
        policyId: asked.policyId,
        title: asked.title,
        employee: asked.name,
        ...facts,
      },
      key: `acknowledgement/${of}/${template}`,
      about: { type: Acknowledgement.entityType, id: asked.id },
    })),
    keeperOf(asked),
  );
}

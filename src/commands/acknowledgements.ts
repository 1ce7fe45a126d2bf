import type { InferAttributes } from 'sequelize';
import { currentContext, type Actor } from '../context.ts';
import { Conflict, Forbidden, invalidField } from '../errors.ts';
import { Acknowledgement } from '../models/Acknowledgement.ts';
import { ApiKey } from '../models/ApiKey.ts';
import type { AcknowledgementHistory } from '../models/AcknowledgementHistory.ts';
import { askable, askAgain, tellAll, type Askable } from '../models/acknowledging.ts';
import { ownCompany } from '../models/contract.ts';
import { together, withTenant } from '../models/database.ts';
import { sign } from '../models/evidence.ts';
import { wakeKeepers } from '../models/keeperStart.ts';
import { getRow, refuseStale } from '../models/rows.ts';
import {
  asOf,
  clocksOf,
  momentOf,
  nextOf,
  watchedPolicy,
  type Watched,
} from '../models/watchedPolicy.ts';
import {
  concerns,
  isPassed,
  statementOf,
  stepsAhead,
  type AcknowledgementAction,
} from '../rules/acknowledgements.ts';
import { addDays, compareDates, type CalendarDate } from '../rules/calendar.ts';
import { movedDue } from '../rules/campaigns.ts';
import { certificateOf, refuseChanged, type DrawPdf } from './acknowledgementCertificate.ts';
import { acknowledgementConsequences } from './acknowledgementTimelines.ts';
import {
  acknowledgementPage,
  acknowledgementView,
  historyOf,
  ofPerson,
  type AcknowledgementDetail,
  type AcknowledgementFilters,
} from './acknowledgementViews.ts';
import { decideExemption, requestExemption } from './exemptions.ts';
import {
  end,
  heldOf,
  moveDue,
  pendingUntil,
  refuseDue,
  refuseUnlessPending,
  tellCompliance,
  tellPerson,
  type Held,
} from './heldAcknowledgement.ts';
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
export const createAcknowledgements = ({ drawPdf }: { readonly drawPdf: DrawPdf }) => ({
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
      await refuseChanged(id, evidence, evidenceHash);
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
      const asked = await heldOf(actor, id);
      if (asked.status !== 'acknowledged') await answerWith(asked, answer);
      return acknowledgementView(actor, id);
    }),

  /** @throws NotFound for others; Conflict NOT_PENDING, DECLINE_NOT_ALLOWED */
  decline: (actor: Actor, id: string, reason: string): Promise<AcknowledgementDetail> =>
    withTenant(actor.companyId, async () => {
      const asked = await heldOf(actor, id);
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

  requestExemption,

  decideExemption,

  /** At most once a day. @throws Conflict NOT_PENDING */
  remind: (actor: Actor, id: string): Promise<AcknowledgementDetail> =>
    withTenant(actor.companyId, async () => {
      const asked = await heldOf(actor, id, { anybodys: true });
      refuseUnlessPending(asked);
      const { watched } = asked;
      await tellAll(watched, 'acknowledgement_reminder', [asked], `by_hand/${watched.today}`);
      await wakeKeepers([asked.policyId]);
      return acknowledgementView(actor, id);
    }),

  /** @throws Forbidden for one's own, by a key too; Conflict NOT_PENDING; Invalid DEADLINE_OUT_OF_RANGE */
  move: (
    actor: Actor,
    id: string,
    { dueDate, reason, dryRun }: DueMove,
    expectedVersion: number | undefined,
  ): Promise<DueMoved> =>
    withTenant(actor.companyId, async () => {
      const asked = await heldOf(actor, id, { anybodys: true });
      if (asked.userId !== null && asked.userId === (await ApiKey.personOf(actor))) {
        throw new Forbidden('Somebody else moves the day until which you have to answer');
      }
      refuseUnlessPending(asked);
      refuseStale(Acknowledgement, asked.row, expectedVersion);
      const { watched } = asked;
      refuseDue(watched, dueDate);
      const clocks = clocksOf(watched, asked.campaign?.id ?? null);
      const yesterday = addDays(watched.today, -1);
      const next = nextOf(clocks, pendingUntil(dueDate), yesterday);
      if (!dryRun) {
        await moveDue(asked, dueDate, typedText('reason', reason));
        await wakeKeepers([asked.policyId]);
      }
      const schedule = stepsAhead(dueDate, clocks.settings, yesterday).map(({ action, on }) => ({
        action,
        at: momentOf(clocks, on),
        consequence: acknowledgementConsequences[action],
      }));
      return { dryRun, dueDate, ...next, schedule };
    }),
});

export type Acknowledgements = ReturnType<typeof createAcknowledgements>;

async function answerWith(held: Held, answer: Answer): Promise<void> {
  refuseUnlessPending(held);
  const { id, policyId, policyVersion, employeeId, title, label, quiz, name } = held;
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
  const at = new Date(Math.max(Date.now(), (held.previousAt?.getTime() ?? 0) + 1));
  const asked = { ...held, watched: asOf(held.watched, at) };
  const { today } = asked.watched;
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
      at: at.toISOString(),
      openedAt: seenUntil(at, 'opened_at', answer.openedAt),
      scrolledAt: seenUntil(at, 'scrolled_at', answer.scrolledAt),
      previousHash: asked.previousHash,
    },
    { name, typedName: typedLine('typed_name', answer.typedName), ip, userAgent },
  );
  tellPerson(asked, 'acknowledgement_confirmed', `acknowledgement/${id}/confirmed`, {
    answeredOn: today,
    label,
  });
  await together(
    end(asked, {
      status: 'acknowledged',
      acknowledgedAt: at,
      onTime: isInTime(asked, today),
      evidence,
      evidenceHash: hash,
    }),
    wakeKeepers([policyId], { isMail: true }),
  );
}

/** By so much the clock of a browser may be ahead of ours. */
const aheadMs = 5 * 60_000;

/** @throws Invalid for something that they say they did after their answer */
function seenUntil(at: Date, field: string, time: Date | null): string | null {
  if (!time) return null;
  if (time.getTime() > at.getTime() + aheadMs) {
    throw invalidField(field, 'must not be in the future');
  }
  return new Date(Math.min(time.getTime(), at.getTime())).toISOString();
}

/** Days of a campaign's pauses do not count. */
const isInTime = ({ row, dueDate, campaign }: Held, today: CalendarDate): boolean =>
  campaign
    ? compareDates(
        campaign.pausedOn ?? today,
        movedDue(
          addDays(dueDate, campaign.pausedDays - row.pausedDays),
          campaign.movedDays - row.movedDays,
          today,
        ),
      ) <= 0
    : compareDates(today, dueDate) <= 0;

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

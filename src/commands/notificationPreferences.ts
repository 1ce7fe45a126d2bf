import type { Actor } from '../context.ts';
import { Forbidden, Invalid } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { append, flush, withTenant } from '../models/database.ts';
import { NotificationPreference } from '../models/NotificationPreference.ts';
import { editRow, versionConflict } from '../models/rows.ts';
import {
  mandatoryBecause,
  nothingMuted,
  personalChannels,
  templateCodes,
  type MandatoryReason,
  type Muted,
  type PersonalChannel,
  type TemplateCode,
} from '../rules/notices.ts';

/** Whether somebody is told of an event, by channel. */
export interface Choice extends Readonly<Record<PersonalChannel, boolean>> {
  readonly event: TemplateCode;
}

export interface PreferencesView {
  readonly preferences: readonly (Choice & { readonly mandatory: MandatoryReason | null })[];
  /** 0 for whoever has chosen nothing. */
  readonly version: number;
}

/** What a person wants to be told. A choice holds for messages that are made from then on. */
export const createNotificationPreferences = () => ({
  get: (actor: Actor): Promise<PreferencesView> =>
    withTenant(actor.companyId, async () => viewOf(await rowOf(personOf(actor)))),

  /**
   * Events that are left out are told by both channels.
   * @throws Invalid MANDATORY for what cannot be muted, REPEATED; Conflict VERSION_CONFLICT
   */
  async replace(
    actor: Actor,
    choices: readonly Choice[],
    expectedVersion: number | undefined,
  ): Promise<PreferencesView> {
    const userId = personOf(actor);
    const problems = choices.flatMap((choice, index) => problemsOf(choices, choice, index));
    if (problems.length > 0) throw new Invalid(problems);
    const muted = mutedOf(choices);

    return withTenant(actor.companyId, async () => {
      const row = await rowOf(userId);
      if (row) {
        return viewOf(await editRow(NotificationPreference, row, { muted }, expectedVersion));
      }
      if (expectedVersion !== undefined && expectedVersion !== 0) {
        throw versionConflict(NotificationPreference.entityType, userId, 0);
      }
      const id = append(NotificationPreference, { userId, muted });
      AuditLog.record(
        'CREATE',
        { type: NotificationPreference.entityType, id },
        { after: { muted } },
      );
      await flush();
      return viewOf(await rowOf(userId));
    });
  },
});

export type NotificationPreferences = ReturnType<typeof createNotificationPreferences>;

function personOf({ userId }: Actor): string {
  if (!userId) throw new Forbidden('Only a person gets messages');
  return userId;
}

const rowOf = (userId: string) => NotificationPreference.findOne({ where: { userId } });

function viewOf(row: NotificationPreference | null): PreferencesView {
  const { email, in_app } = row?.muted ?? nothingMuted;
  return {
    preferences: templateCodes.map((event) => {
      const mandatory = mandatoryBecause(event);
      const isTold = (muted: readonly TemplateCode[]): boolean =>
        mandatory !== null || !muted.includes(event);
      return { event, email: isTold(email), in_app: isTold(in_app), mandatory };
    }),
    version: row?.version ?? 0,
  };
}

/** In the order of the table, whatever the order of the request. */
function mutedOf(choices: readonly Choice[]): Muted {
  const chosen = new Map(choices.map((choice) => [choice.event, choice]));
  const without = (channel: PersonalChannel) =>
    templateCodes.filter((event) => chosen.get(event)?.[channel] === false);
  return { email: without('email'), in_app: without('in_app') };
}

function problemsOf(choices: readonly Choice[], choice: Choice, index: number) {
  const { event } = choice;
  const place = `preferences.${index}`;
  if (choices.findIndex((each) => each.event === event) < index) {
    return [{ field: `${place}.event`, code: 'REPEATED', message: `${event} is named twice` }];
  }
  const reason = mandatoryBecause(event);
  if (!reason) return [];
  return personalChannels
    .filter((channel) => !choice[channel])
    .map((channel) => ({
      field: `${place}.${channel}`,
      code: 'MANDATORY',
      message: `${event} cannot be muted (${reason})`,
    }));
}

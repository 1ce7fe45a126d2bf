import { currentContext } from '../context.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { Company } from '../models/Company.ts';
import { execute, platformCompanyId, select, withGlobal } from '../models/database.ts';
import { getRow } from '../models/rows.ts';
import {
  featureFlags,
  flagInForce,
  flagsInForce,
  type FeatureFlag,
  type FlagInForce,
  type FlagsSet,
} from '../rules/featureFlags.ts';
import { createCache } from './cache.ts';

export type Features = Readonly<Record<string, boolean>>;

const freshMs = 4000;
const patienceMs = 1000;

/** What is switched on. Everybody signed in may look; the routes say who may switch. */
export function createFlags() {
  const cache = createCache<Features>({ freshMs, most: 1 });
  let lastKnown = asFeatures(flagsInForce({ platform: {}, company: {} }));

  return {
    /** As they hold in a company; in the platform's own as they hold for all. */
    list: (companyId: string): Promise<readonly FlagInForce[]> =>
      withGlobal(async () => flagsInForce(await load(companyId))),

    /** Whether it is on in a company. */
    isOn: (companyId: string, flag: FeatureFlag): Promise<boolean> =>
      withGlobal(async () => flagInForce(await load(companyId), flag).enabled),

    /**
     * For one company, or without one for all that have not their own value; null takes a value back.
     * @throws NotFound
     */
    async set(
      flag: FeatureFlag,
      {
        enabled,
        companyId,
      }: { readonly enabled: boolean | null; readonly companyId?: string | undefined },
    ): Promise<FlagInForce> {
      const place = companyId ?? platformCompanyId;
      const changed = await withGlobal(async () => {
        if (place !== platformCompanyId) await getRow(Company, place);
        const before = flagInForce(await load(place), flag);
        if (enabled === null) {
          await execute('DELETE FROM platform.feature_flags WHERE company_id = $1 AND flag = $2', [
            place,
            flag,
          ]);
        } else {
          await execute(
            `INSERT INTO platform.feature_flags (company_id, flag, enabled, updated_by)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (company_id, flag) DO UPDATE
             SET enabled = excluded.enabled, updated_by = excluded.updated_by, updated_at = now()`,
            [place, flag, enabled, currentContext().actorId ?? null],
          );
        }
        AuditLog.record(
          'UPDATE',
          { type: 'feature_flag', id: null },
          {
            before: { flag, enabled: before.enabled, source: before.source },
            after: { flag, enabled },
            companyId: place,
          },
        );
        return flagInForce(await load(place), flag);
      });
      cache.clear();
      return changed;
    },

    /**
     * The platform's values, at most 5 s old; while the database is away those last known. It answers
     * within a second in any case.
     */
    features: async (): Promise<Features> => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<Features>((resolve) => {
        timer = setTimeout(() => resolve(lastKnown), patienceMs);
      });
      const loaded = cache
        .get('platform', async () => asFeatures(await loadOfPlatform()))
        .then((features) => (lastKnown = features));
      try {
        return await Promise.race([loaded, late]);
      } catch {
        // Whatever keeps the flags away is told by /status; this answer does without.
        return lastKnown;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

export type Flags = ReturnType<typeof createFlags>;

const loadOfPlatform = () => withGlobal(async () => flagsInForce(await load(platformCompanyId)));

const asFeatures = (flags: readonly FlagInForce[]): Features =>
  Object.fromEntries(flags.map(({ flag, enabled }) => [flag, enabled]));

/** What was set for all, and for this company. */
async function load(companyId: string): Promise<FlagsSet> {
  const rows = await select<{ flag: FeatureFlag; enabled: boolean; companyId: string }>(
    `SELECT flag, enabled, company_id AS "companyId" FROM platform.feature_flags
     WHERE company_id IN ($1, $2) AND flag = ANY ($3::text[])`,
    [platformCompanyId, companyId, featureFlags],
  );
  const setBy = (isPlatform: boolean) =>
    Object.fromEntries(
      rows
        .filter((row) => (row.companyId === platformCompanyId) === isPlatform)
        .map(({ flag, enabled }) => [flag, enabled]),
    );
  return { platform: setBy(true), company: setBy(false) };
}

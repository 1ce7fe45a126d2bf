import { currentContext, runInContext } from '../context.ts';
import type { CompanySettings } from '../models/Company.ts';
import { withIdentity } from '../models/database.ts';

/** No user has this id: what is looked up for an unknown address, so that it takes the same steps. */
export const nobody = '00000000-0000-0000-0000-000000000000';

/** Identity work in a person's own name, which an anonymous request just proved. */
export const actingAs = <T>(
  { userId, companyId }: { readonly userId: string; readonly companyId: string | null },
  work: () => Promise<T>,
): Promise<T> =>
  runInContext({ ...currentContext(), actorId: userId, actorType: 'user' }, () =>
    withIdentity(companyId, work),
  );

/** Section `password` of a company's settings. */
export const requiresClasses = (settings: CompanySettings): boolean =>
  settings.password?.requireClasses ?? true;

import { v7 as uuid } from 'uuid';
import type { Actor } from '../context.ts';
import { NotFound } from '../errors.ts';
import { AuditLog } from '../models/AuditLog.ts';
import { ClaimLocation } from '../models/ClaimLocation.ts';
import { append, flush, withTenant } from '../models/database.ts';
import { archiveRow, editRow, getRow } from '../models/rows.ts';
import { plainText } from '../rules/plainText.ts';
import { refuseOutsider, seenClaim, staffClaim } from './claimAccess.ts';

/** Where it happened; what is left out is not known. Degrees are kept to eight places. */
export interface LocationWish {
  readonly latitude?: number | undefined;
  readonly longitude?: number | undefined;
  readonly address?: string | undefined;
  readonly description?: string | undefined;
}

/**
 * Where what is claimed happened. The audit tells which fields changed and not to what, since an
 * address is often where somebody lives.
 */
export const createClaimLocations = () => ({
  get: (actor: Actor, claimId: string): Promise<ClaimLocation> =>
    withTenant(actor.companyId, async () => {
      await seenClaim(actor, claimId);
      return locationOf(claimId);
    }),

  /** The only one from then on. */
  put: (
    actor: Actor,
    claimId: string,
    wish: LocationWish,
    expectedVersion: number | undefined,
  ): Promise<ClaimLocation> =>
    withTenant(actor.companyId, async () => {
      refuseOutsider(actor, await staffClaim(actor, claimId));
      const location = await find(claimId);
      if (!location) {
        const id = locate(claimId, wish);
        await flush();
        return getRow(ClaimLocation, id);
      }
      const values = valuesOf(wish);
      const audited = { before: {}, after: { changed: changedIn(location, values) } };
      return editRow(ClaimLocation, location, values, expectedVersion, 'UPDATE', audited);
    }),

  remove: (actor: Actor, claimId: string, expectedVersion: number | undefined) =>
    withTenant(actor.companyId, async () => {
      refuseOutsider(actor, await staffClaim(actor, claimId));
      return archiveRow(ClaimLocation, await locationOf(claimId), expectedVersion);
    }),
});

export type ClaimLocations = ReturnType<typeof createClaimLocations>;

/** Says where a claim of the open transaction happened. @returns the location's id */
export function locate(claimId: string, wish: LocationWish): string {
  const id = append(ClaimLocation, { id: uuid(), claimId, ...valuesOf(wish) });
  AuditLog.record('CREATE', { type: ClaimLocation.entityType, id }, { after: { claimId } });
  return id;
}

const find = (claimId: string): Promise<ClaimLocation | null> =>
  ClaimLocation.findOne({ where: { claimId, archivedAt: null } });

async function locationOf(claimId: string): Promise<ClaimLocation> {
  const location = await find(claimId);
  if (!location) throw new NotFound(`Nobody has said where the claim ${claimId} happened`);
  return location;
}

/** As the columns hold them, so that the same place is no change. */
const valuesOf = ({ latitude, longitude, address = '', description = '' }: LocationWish) => ({
  latitude: latitude === undefined ? null : latitude.toFixed(8),
  longitude: longitude === undefined ? null : longitude.toFixed(8),
  address: plainText(address) || null,
  description: plainText(description) || null,
});

const changedIn = (location: ClaimLocation, values: ReturnType<typeof valuesOf>): string[] =>
  (['latitude', 'longitude', 'address', 'description'] as const).filter(
    (name) => location[name] !== values[name],
  );

import type { ClaimLocation } from '../../models/ClaimLocation.ts';

export const presentLocation = (location: ClaimLocation) => {
  const latitude = degrees(location.latitude);
  const longitude = degrees(location.longitude);
  return {
    id: location.id,
    claim_id: location.claimId,
    latitude,
    longitude,
    coordinates: latitude === null || longitude === null ? null : { latitude, longitude },
    address: location.address,
    description: location.description,
    created_at: location.createdAt.toISOString(),
    updated_at: location.updatedAt.toISOString(),
    version: location.version,
  };
};

/** Eight places and three before them fit a double. */
const degrees = (stored: string | null): number | null => (stored === null ? null : Number(stored));

import type { Availability, BlockView } from '../../commands/availability.ts';
import type { Property } from '../../models/Property.ts';
import type { Stay } from '../../rules/stays.ts';

export const presentProperty = (property: Property) => {
  const latitude = degrees(property.latitude);
  const longitude = degrees(property.longitude);
  return {
    id: property.id,
    owner_id: property.ownerId,
    category_id: property.categoryId,
    name: property.name,
    description: property.description,
    address: property.address,
    latitude,
    longitude,
    coordinates: latitude === null || longitude === null ? null : { latitude, longitude },
    price_per_night: property.pricePerNight,
    currency: property.currency,
    time_zone: property.timeZone,
    check_in_time: property.checkInTime,
    check_out_time: property.checkOutTime,
    max_guests: property.maxGuests,
    min_nights: property.minNights,
    max_nights: property.maxNights,
    instant_book: property.instantBook,
    cancellation_policy: property.cancellationPolicy,
    status: property.status,
    average_rating: property.averageRating ?? null,
    review_count: property.reviewCount,
    hold_minutes: property.holdMinutes ?? null,
    host_confirmation_hours: property.hostConfirmationHours ?? null,
    created_at: property.createdAt.toISOString(),
    updated_at: property.updatedAt.toISOString(),
    archived_at: property.archivedAt?.toISOString() ?? null,
    version: property.version,
  };
};

export const presentAvailability = ({ propertyId, from, to, taken, free }: Availability) => ({
  property_id: propertyId,
  from,
  to,
  taken: taken.map(presentStay),
  free: free.map(presentStay),
});

export const presentBlock = (block: BlockView) => ({
  id: block.id,
  property_id: block.propertyId,
  start_date: block.startDate,
  end_date: block.endDate,
  reason: block.reason,
  created_at: block.createdAt.toISOString(),
});

const presentStay = ({ startDate, endDate }: Stay) => ({
  start_date: startDate,
  end_date: endDate,
});

/** Eight places and three before them fit a double. */
const degrees = (stored: string | null): number | null => (stored === null ? null : Number(stored));

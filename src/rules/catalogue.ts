/** The categories of property that a new company begins with. */
export const firstCategories = [
  { name: 'Apartment/Flat', segment: 'residential' },
  { name: 'Detached House', segment: 'residential' },
  { name: 'Duplex', segment: 'residential' },
  { name: 'Bungalow', segment: 'residential' },
  { name: 'Small Office', segment: 'small_commercial' },
  { name: 'Shop/Retail Space', segment: 'small_commercial' },
] as const;

/** A zone in which it is about noon, so that no day ends while a test runs, whenever that is. */
export function zoneAtNoon(): string {
  const ahead = 12 - new Date().getUTCHours();
  // These names count westwards: two hours ahead of UTC is Etc/GMT-2.
  return ahead === 0 ? 'UTC' : `Etc/GMT${ahead > 0 ? '-' : '+'}${Math.abs(ahead)}`;
}

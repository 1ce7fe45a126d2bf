/**
 * A DNS host name in lower case, without port or final dot: labels of letters, digits and inner
 * hyphens. International names are given as `xn--`. Addresses are none: the last label has a letter.
 */
export const isHostName = (name: string): boolean =>
  name.length <= 253 &&
  name.split('.').every((label) => labelPattern.test(label)) &&
  /[a-z]/.test(name.slice(name.lastIndexOf('.') + 1));

const labelPattern = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export interface PlatformAddresses {
  /** Where it answers itself. */
  readonly allowedHosts: readonly string[];
  /** Every company gets `<code>.<this>`; none where it is not set. */
  readonly platformDomain: string | undefined;
}

/** Whether a name leads to the platform itself, or to addresses that it gives away. */
export const isOfThePlatform = (
  name: string,
  { allowedHosts, platformDomain }: PlatformAddresses,
): boolean =>
  allowedHosts.includes(name) ||
  (platformDomain !== undefined &&
    (name === platformDomain || name.endsWith(`.${platformDomain}`)));

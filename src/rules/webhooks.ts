import { mandatoryBecause, templateCodes, type TemplateCode } from './notices.ts';
import type { Problem } from './problem.ts';

/** What an endpoint can be told of: all that happens but to people's accounts, and each of it once. */
export const webhookEvents: readonly TemplateCode[] = templateCodes.filter((code) => {
  const reason = mandatoryBecause(code);
  return reason !== 'account' && reason !== 'digest';
});

export const webhookStatuses = ['queued', 'delivered', 'failed', 'cancelled'] as const;

export type WebhookStatus = (typeof webhookStatuses)[number];

/** Of one company. */
export const mostEndpoints = 20;

/** How long the secret before a rotation signs as well. */
export const overlapHours = 24;

/** Seconds after each try but the last: ten tries within three days and four hours. */
const retryAfterSeconds = [
  5,
  5 * 60,
  30 * 60,
  2 * 3600,
  5 * 3600,
  10 * 3600,
  14 * 3600,
  20 * 3600,
  24 * 3600,
] as const;

/**
 * How long after the try of that number the next one comes; undefined after the last.
 * @param random from 0 to 1: up to a tenth later, so that not all who wait come back at once
 */
export function retryDelayMs(attempt: number, random: number): number | undefined {
  const seconds = retryAfterSeconds[attempt - 1];
  return seconds === undefined ? undefined : Math.round(seconds * 1000 * (1 + random / 10));
}

const ports: ReadonlySet<string> = new Set(['', '443', '8443']);

/**
 * Why nothing is sent to the address, whatever it leads to; undefined where something may be.
 * @param allowed origins besides, for development
 */
export function urlProblem(url: URL, allowed: readonly string[]): Problem | undefined {
  if (url.username || url.password) {
    return { code: 'INVALID_VALUE', message: 'must not hold a name or a password' };
  }
  if (allowed.includes(url.origin)) return undefined;
  if (url.protocol !== 'https:') return { code: 'INVALID_VALUE', message: 'must begin with https' };
  if (!ports.has(url.port)) {
    return { code: 'INVALID_VALUE', message: 'may have the port 443 or 8443' };
  }
  return undefined;
}

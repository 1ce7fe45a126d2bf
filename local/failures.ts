/** The system's code of a failure, such as ENOENT. `instanceof` fails across the realms of a test. */
export const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

/** One sentence. A refused connection to a name with several addresses has a code, but no message. */
export function reasonOf(error: unknown): string {
  const message =
    typeof error === 'object' && error !== null && 'message' in error ? error.message : error;
  return String(message || codeOf(error) || error);
}

import { ConfigError } from '../config.ts';
import { errorCode } from '../errors.ts';
import { SelfCheckFailed } from '../models/selfCheck.ts';

/**
 * Why a process could not start: one sentence for the person at the terminal where it is something
 * they can mend, else the whole error.
 */
export function startFailure(error: unknown): unknown {
  if (error instanceof ConfigError || error instanceof SelfCheckFailed) return error.message;
  if (errorCode(error) === 'EADDRINUSE' && error instanceof Error) {
    return `The port is taken: ${error.message}. Set PORT or WORKER_PORT to another one.`;
  }
  if (error instanceof Error && error.name === 'ServiceError') {
    return `Temporal cannot be reached at TEMPORAL_ADDRESS: ${error.message}`;
  }
  return error;
}

/** One reason why one field of a request is refused. */
export interface FieldProblem {
  readonly field: string;
  readonly message: string;
  readonly code: string;
}

interface RefusalOptions {
  readonly details?: readonly FieldProblem[];
  /** Facts a client can act on, shown beside the code: `allowed_transitions`, `companies`. */
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A request that we understand and do not carry out. Its code and message reach the caller as they
 * are, so they name no table, library or secret. Whatever is not a Refusal is a bug and answers 500.
 */
export class Refusal extends Error {
  readonly details: readonly FieldProblem[];
  readonly facts: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string, options: RefusalOptions = {}) {
    super(message);
    this.name = new.target.name;
    this.status = status;
    this.code = code;
    this.details = options.details ?? [];
    this.facts = options.facts ?? {};
    this.headers = options.headers ?? {};
  }
}

export class BadRequest extends Refusal {
  constructor(message: string, code = 'BAD_REQUEST') {
    super(400, code, message);
  }
}

export class Unauthenticated extends Refusal {
  constructor(message = 'Sign in first', code = 'UNAUTHENTICATED') {
    super(401, code, message, { headers: { 'WWW-Authenticate': 'Bearer' } });
  }
}

export class Forbidden extends Refusal {
  constructor(message = 'Your role does not allow this', code = 'FORBIDDEN') {
    super(403, code, message);
  }
}

/** The same answer for what does not exist and for what belongs to another company. */
export class NotFound extends Refusal {
  constructor(message = 'There is no such resource', code = 'NOT_FOUND') {
    super(404, code, message);
  }
}

export class Conflict extends Refusal {
  constructor(code: string, message: string, facts: Readonly<Record<string, unknown>> = {}) {
    super(409, code, message, { facts });
  }
}

export class Invalid extends Refusal {
  constructor(details: readonly FieldProblem[], message = 'Some fields are not valid') {
    super(422, 'VALIDATION_ERROR', message, { details });
  }
}

/** A part we depend on is away. Safe to try again after `retryAfter` seconds. */
export class Unavailable extends Refusal {
  constructor(message: string, code = 'SERVICE_UNAVAILABLE', retryAfter = 5) {
    super(503, code, message, { headers: { 'Retry-After': String(retryAfter) } });
  }
}

/** A one-field Invalid. */
export const invalidField = (field: string, message: string, code = 'INVALID_VALUE'): Invalid =>
  new Invalid([{ field, message, code }]);

/** `code` of a system or library error, where there is one. */
export const errorCode = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined;

/** One sentence. A refused connection to a name with several addresses has a code, but no message. */
export function reasonOf(error: unknown): string {
  const at = (name: string): unknown =>
    typeof error === 'object' && error !== null ? Reflect.get(error, name) : '';
  return String(at('message') || errorCode(error) || errorCode(at('parent')) || error);
}

/** A process must not start: its message is one sentence for the person at the terminal. */
export class CannotStart extends Error {}

/**
 * Why a process could not start: one sentence where it is something that people can mend, else the
 * whole error.
 */
export function startFailure(error: unknown): unknown {
  if (error instanceof CannotStart) return error.message;
  if (!(error instanceof Error)) return error;
  const syscall: unknown = Reflect.get(error, 'syscall');
  if (errorCode(error) === 'EADDRINUSE') {
    return `The port is taken: ${error.message}. Set PORT or WORKER_PORT to another one.`;
  }
  if (syscall === 'listen' || syscall === 'getaddrinfo') {
    return `It cannot listen there: ${error.message}. Look at HOST, PORT and WORKER_PORT.`;
  }
  if (typeof syscall === 'string') return `It cannot start: ${error.message}.`;
  if (error.name === 'ServiceError') {
    return `Temporal cannot be reached at TEMPORAL_ADDRESS: ${error.message}`;
  }
  return error;
}

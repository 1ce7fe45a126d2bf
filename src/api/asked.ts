import { createHash } from 'node:crypto';
import Joi from 'joi';
import type { KnownCompany } from '../commands/companies.ts';
import { keyMissing, type Once } from '../commands/idempotency.ts';
import { principalOf, type Actor } from '../context.ts';
import { Forbidden, NotFound, Unauthenticated } from '../errors.ts';
import type { Stage } from '../commands/staging.ts';
import { isBilled } from '../rules/billing.ts';
import type { Input, RouteFacts } from './route.ts';
import { namesOf, parser, type Inner } from './schema.ts';
import type { Sent } from './sent.ts';
import type { RequestState } from './state.ts';
import { receiveUpload, type Received } from './upload.ts';

/** What a handler gets. Reading `actor` or `company` where there is none refuses the request. */
export interface Asked<P, Q, B> {
  readonly actor: Actor;
  /** When the actor's access token runs out; reading it where there is none refuses the request. */
  readonly signedInUntil: Date;
  /** The actor for public routes: undefined for a stranger. */
  readonly visitor: Actor | undefined;
  readonly company: KnownCompany;
  /** The company for routes that also work without one. */
  readonly companyIfKnown: KnownCompany | undefined;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Identifies this request among its repetitions; only on routes with `idempotency`. */
  readonly once: Once;
  /** From If-Match, else from a `version` in the body; only on routes with `ifMatch`. */
  readonly expectedVersion: number | undefined;
  /** Reads fields and files of the body; only on routes with `upload`, whose form it takes. */
  readonly receive: <F extends Joi.AnySchema>(form: F, stage: Stage) => Promise<Received<F>>;
  readonly requestId: string;
  readonly host: string;
  /** The body as it was sent, for a signature over it. */
  readonly rawBody: string;
  /** Empty where it was not sent. */
  readonly header: (name: string) => string;
  readonly ip: string;
  readonly userAgent: string;
  /** Adds a header to the answer. */
  readonly setHeader: (name: string, value: string) => void;
}

/** Who asks for what relations lead to. */
export type Asker = Pick<Asked<unknown, unknown, unknown>, 'actor' | 'visitor' | 'company'>;

export const askerOf = (state: RequestState): Asker => ({
  get actor() {
    return signedIn(state);
  },
  visitor: state.visitor,
  get company() {
    return companyIn(state);
  },
});

/**
 * Prepares, once a route, how its requests are read.
 * @throws Error at start where the declaration contradicts itself
 */
export function reader<P extends Joi.AnySchema, Q extends Joi.AnySchema, B extends Joi.AnySchema>(
  declaration: RouteFacts & Input<P, Q, B>,
  outcome: Pick<Once, 'status' | 'message' | 'present'> = noOutcome,
): (sent: Sent) => Promise<Asked<Inner<P>, Inner<Q>, Inner<B>>> {
  refuseContradictions(declaration);
  const { method, path, idempotency, ifMatch, upload } = declaration;
  const readsBody =
    !upload && (declaration.body !== undefined || ['POST', 'PUT', 'PATCH'].includes(method));
  const parseParams = parser<P>(declaration.params, 'address');
  const parseQuery = parser<Q>(declaration.query, 'address');
  const parseBody = parser<B>(declaration.body, 'json');

  return async (sent) => {
    const { state, ctx } = sent;
    const params = parseParams(state.params);
    const query = parseQuery(sent.query());
    const key = idempotency && (sent.idempotencyKey() ?? demandKey(state, idempotency));
    const expectedVersion = ifMatch && sent.expectedVersion();
    const body = parseBody(readsBody ? await sent.body() : {});

    return {
      params,
      query,
      body,
      get actor() {
        return signedIn(state);
      },
      get signedInUntil() {
        if (!state.signedInUntil) throw new Forbidden('This is for people; a key cannot do it');
        return state.signedInUntil;
      },
      visitor: state.visitor,
      get company() {
        return companyIn(state);
      },
      companyIfKnown: state.company,
      get once() {
        const actor = signedIn(state);
        return {
          companyId: state.company?.id ?? actor.companyId,
          principal: principalOf(actor) ?? actor.type,
          route: `${method} ${path}`,
          key,
          bodyHash: createHash('sha256')
            .update(JSON.stringify([params, query, body]))
            .digest('base64url'),
          ...outcome,
        };
      },
      get expectedVersion() {
        if (!ifMatch) throw new Error(`${method} ${path} does not declare ifMatch`);
        return expectedVersion ?? versionInBody(body);
      },
      receive: async (form, stage) => {
        if (form !== upload) throw new Error(`${method} ${path} does not declare this upload`);
        return receiveUpload(ctx, form, stage);
      },
      requestId: state.requestId,
      host: state.host,
      get rawBody() {
        return ctx.request.rawBody ?? '';
      },
      header: (name) => ctx.get(name),
      ip: ctx.ip,
      userAgent: ctx.get('User-Agent').slice(0, 255),
      setHeader: (name, value) => ctx.set(name, value),
    };
  };
}

export const tenantUnknown = (): NotFound =>
  new NotFound('No company belongs to this address', 'TENANT_UNKNOWN');

/** Of routes that never honour a key. */
const noOutcome = { status: 200, message: '', present: () => undefined };

function companyIn({ company }: RequestState): KnownCompany {
  if (!company) throw tenantUnknown();
  return company;
}

const signedIn = ({ visitor }: RequestState): Actor => {
  if (!visitor) throw new Unauthenticated();
  return visitor;
};

function refuseContradictions(declaration: RouteFacts & Input): void {
  const { method, path, params, idempotency, permission } = declaration;
  const inPath = Array.from(path.matchAll(/:(\w+)/g), ([, name]) => String(name));
  const inSchema = params ? namesOf(params) : [];
  if (inPath.length !== inSchema.length || !inPath.every((name) => inSchema.includes(name))) {
    throw new Error(`${method} ${path}: its params schema names ${inSchema.join() || 'nothing'}`);
  }
  // All strangers are one principal: they would be shown each other's answers.
  if (idempotency && permission === 'public') {
    throw new Error(`${method} ${path}: a public route cannot honour an Idempotency-Key`);
  }
}

/** @throws BadRequest where money moves and no key came along */
function demandKey(
  { company }: RequestState,
  need: NonNullable<RouteFacts['idempotency']>,
): undefined {
  const isBilling = company !== undefined && isBilled(company);
  if (need === 'required' || (need === 'where-billed' && isBilling)) throw keyMissing();
}

const versionInBody = (body: unknown): number | undefined =>
  typeof body === 'object' && body !== null && 'version' in body && typeof body.version === 'number'
    ? body.version
    : undefined;

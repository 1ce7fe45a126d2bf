import type { ParameterizedContext, Middleware as KoaMiddleware } from 'koa';
import type { KnownCompany } from '../commands/companies.ts';
import type { Actor } from '../context.ts';
import type { Route } from './route.ts';

/** What the middleware found out about a request, in the order it finds it out. */
export interface RequestState {
  requestId: string;
  /** The checked Host, lower case and without port. */
  host: string;
  route?: Route;
  /** The route's own path from the root, also when an older one was used; what logs and metrics say. */
  endpoint?: string;
  /** Whether the route's permission let the request through. */
  isGranted?: boolean;
  /** Whether the request has been counted against a rate limit. */
  isCounted?: boolean;
  /** Path parameters as they were sent. */
  params: Readonly<Record<string, string>>;
  /** Who sends the request. */
  sender?: Actor;
  /**
   * Who acts: the sender, a global administrator inside the company that they entered. Nobody on a public
   * route, where the sender has yet to enable a second factor.
   */
  visitor?: Actor;
  /** When the access token runs out with which somebody signed in. */
  signedInUntil?: Date;
  company?: KnownCompany;
  /** Of a request of GraphQL: what it was let do. */
  operations?: AccessedOperation[];
}

/** One line of the access log within that of its request. */
export interface AccessedOperation {
  readonly route: string;
  readonly decision: 'granted' | 'denied' | 'refused';
  readonly id: string | null;
}

export type Context = ParameterizedContext<RequestState>;
export type Middleware = KoaMiddleware<RequestState>;

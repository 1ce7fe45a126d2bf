import type { KeySet } from '../../commands/tokens.ts';
import { rawRoute, type Route } from '../route.ts';

/** What other services check our access tokens with. A new key is here a day before it signs. */
export const wellKnownRoutes = ({ keySet }: { readonly keySet: KeySet }): Route[] => [
  rawRoute({
    method: 'GET',
    path: '/.well-known/jwks.json',
    root: true,
    permission: 'public',
    company: false,
    summary: 'The public keys of access tokens; none under HS256',
    tag: 'Identity',
    mediaType: 'application/json; charset=utf-8',
    handle({ setHeader }) {
      setHeader('Cache-Control', 'public, max-age=300');
      return JSON.stringify(keySet);
    },
  }),
];

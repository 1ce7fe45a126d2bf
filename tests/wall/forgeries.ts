import { createHmac } from 'node:crypto';
import { SignJWT, importPKCS8 } from 'jose';
import { unauthenticated } from './columns.ts';
import { pem, publicPem } from './people.ts';

const decoded = (part = ''): object => JSON.parse(Buffer.from(part, 'base64url').toString());
const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A good token's parts, signed by our key again after `change`. */
async function resigned(
  token: string,
  change: { header?: object; payload?: object },
): Promise<string> {
  const [header, payload] = token.split('.');
  const { alg, ...rest }: { alg?: string } = decoded(header);
  return new SignJWT({ ...decoded(payload), ...change.payload })
    .setProtectedHeader({ alg: alg ?? 'RS256', ...rest, ...change.header })
    .sign(await importPKCS8(pem, 'RS256'));
}

/** What is made of a good token, what each route that is not open answers to it, and how it is made. */
export const forgeries: readonly (readonly [
  what: string,
  refusal: string,
  forge: (token: string, otherCompanyId: string) => Promise<string>,
])[] = [
  [
    'expired',
    '401 TOKEN_EXPIRED',
    (token) => resigned(token, { payload: { exp: Math.floor(Date.now() / 1000) - 60 } }),
  ],
  [
    'not valid yet',
    unauthenticated,
    (token) => resigned(token, { payload: { nbf: Math.floor(Date.now() / 1000) + 1500 } }),
  ],
  [
    'badly signed',
    unauthenticated,
    async (token) => `${token.slice(0, -8)}${token.slice(-8) === 'AAAAAAAA' ? 'B' : 'A'.repeat(8)}`,
  ],
  [
    'of alg none',
    unauthenticated,
    async (token) => {
      const [header, payload] = token.split('.');
      return `${encoded({ ...decoded(header), alg: 'none' })}.${payload}.`;
    },
  ],
  [
    'signed HS256 with the public key',
    unauthenticated,
    async (token) => {
      const [header, payload] = token.split('.');
      const input = `${encoded({ ...decoded(header), alg: 'HS256' })}.${payload}`;
      return `${input}.${createHmac('sha256', publicPem).update(input).digest('base64url')}`;
    },
  ],
  [
    'for another audience',
    unauthenticated,
    (token) => resigned(token, { payload: { aud: 'other' } }),
  ],
  [
    'of another issuer',
    unauthenticated,
    (token) => resigned(token, { payload: { iss: 'http://wall.other.example' } }),
  ],
  ['of another type', unauthenticated, (token) => resigned(token, { header: { typ: 'JWT' } })],
  [
    'of another company',
    unauthenticated,
    (token, otherCompanyId) => resigned(token, { payload: { company_id: otherCompanyId } }),
  ],
];

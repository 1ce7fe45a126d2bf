import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';
import { SignJWT } from 'jose';
import { v7 as uuid } from 'uuid';
import type { Config } from '../config.ts';
import { CannotStart, Unauthenticated } from '../errors.ts';
import { scopeOf, type Role } from '../rules/permissions.ts';

export interface Tokens {
  sign(subject: Subject): Promise<AccessToken>;
  /** The key a token was signed with, for koa-jwt. @throws Unauthenticated unless it is ours */
  keyFor(header: unknown): Promise<KeyObject>;
  /** The public keys whose tokens are accepted; none under HS256. */
  readonly keySet: KeySet;
  /** What koa-jwt has to insist on. */
  readonly algorithm: Config['jwt']['algorithm'];
  readonly issuer: string;
  readonly audience: string;
}

export interface Subject {
  readonly userId: string;
  readonly companyId: string;
  readonly roles: readonly Role[];
  readonly sessionId: string;
}

export interface AccessToken {
  readonly token: string;
  readonly expiresInSeconds: number;
}

/** As RFC 7517 writes it. */
export interface KeySet {
  readonly keys: readonly {
    readonly kid: string;
    readonly kty: 'RSA';
    readonly use: 'sig';
    readonly alg: 'RS256';
    readonly n: string;
    readonly e: string;
  }[];
}

const tokenType = 'at+jwt';
const audience = 'surety-api';

/**
 * One deployment has one algorithm and signs with one key. It accepts the key before and after that
 * as well, so that keys are exchanged while processes with either of them run.
 * @throws CannotStart where a key cannot be used
 */
export function createTokens({ jwt, publicUrl }: Pick<Config, 'jwt' | 'publicUrl'>): Tokens {
  const { algorithm, accessMinutes } = jwt;
  const { signingKey, kid, accepted, keySet } = keysOf(jwt);
  const expiresInSeconds = accessMinutes * 60;

  return {
    async sign({ userId, companyId, roles, sessionId }) {
      const now = Math.floor(Date.now() / 1000);
      const token = await new SignJWT({
        company_id: companyId,
        roles,
        scope: scopeOf(roles),
        sid: sessionId,
      })
        .setProtectedHeader({ alg: algorithm, typ: tokenType, kid })
        .setIssuer(publicUrl)
        .setAudience(audience)
        .setSubject(userId)
        .setJti(uuid())
        .setIssuedAt(now)
        .setNotBefore(now)
        .setExpirationTime(now + expiresInSeconds)
        .sign(signingKey);
      return { token, expiresInSeconds };
    },

    async keyFor(header) {
      const key = accepted.get(kidOf(header, { alg: algorithm, typ: tokenType }) ?? '');
      if (!key) throw new Unauthenticated();
      return key;
    },

    keySet,
    algorithm,
    issuer: publicUrl,
    audience,
  };
}

/**
 * The third parameter, if the header has exactly our three. Others (`jku`, `jwk`, `x5u`, `x5c`,
 * `crit`) would only say where to look for another key, or ask for what we do not do.
 */
function kidOf(header: unknown, ours: Readonly<Record<string, string>>): string | undefined {
  if (typeof header !== 'object' || header === null) return undefined;
  const { kid, ...others }: Readonly<Record<string, unknown>> = { ...header };
  const names = Object.keys(ours);
  const isOurs =
    Object.keys(others).length === names.length &&
    names.every((name) => others[name] === ours[name]);
  return isOurs && typeof kid === 'string' ? kid : undefined;
}

interface Keys {
  readonly signingKey: KeyObject;
  readonly kid: string;
  /** By kid. */
  readonly accepted: ReadonlyMap<string, KeyObject>;
  readonly keySet: KeySet;
}

function keysOf({ algorithm, secret, ...jwt }: Config['jwt']): Keys {
  if (algorithm === 'HS256') {
    const signingKey = createSecretKey(Buffer.from(secret));
    const kid = digest(`HS256:${secret}`).slice(0, 16);
    return { signingKey, kid, accepted: new Map([[kid, signingKey]]), keySet: { keys: [] } };
  }
  const signingKey = read('JWT_PRIVATE_KEY', jwt.privateKey ?? '', createPrivateKey);
  const own = publicKeyOf(signingKey);
  const all = [
    own,
    ...publicKeysIn('JWT_NEXT_PUBLIC_KEYS', jwt.nextPublicKeys),
    ...publicKeysIn('JWT_PREVIOUS_PUBLIC_KEYS', jwt.previousPublicKeys),
  ];
  const byKid = new Map(all.map((each) => [each.jwk.kid, each]));
  return {
    signingKey,
    kid: own.jwk.kid,
    accepted: new Map([...byKid].map(([kid, { key }]) => [kid, key])),
    keySet: { keys: [...byKid.values()].map(({ jwk }) => jwk) },
  };
}

/** Keys of one setting, in PEM one after the other. */
function publicKeysIn(setting: string, text: string) {
  const blocks = text.match(/-----BEGIN [^]*?-----END [A-Z ]+-----/g) ?? [];
  if (text !== '' && blocks.length === 0) throw new CannotStart(`${setting} holds no key in PEM`);
  return blocks.map((pem) => publicKeyOf(read(setting, pem, createPublicKey)));
}

/** Named by the thumbprint of RFC 7638: the digest of exactly these parts in this order. */
function publicKeyOf(given: KeyObject) {
  const key = given.type === 'private' ? createPublicKey(given) : given;
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  const kid = digest(JSON.stringify({ e, kty: 'RSA', n }));
  const jwk = { kid, kty: 'RSA', use: 'sig', alg: 'RS256', n, e } as const;
  return { key, jwk };
}

const shortestRsaBits = 2048;

function read(setting: string, pem: string, parse: (pem: string) => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    // In one line of an environment file the line breaks are written as \n.
    key = parse(pem.replaceAll('\\n', '\n'));
  } catch (cause) {
    throw new CannotStart(`${setting} holds no key in PEM`, { cause });
  }
  const { asymmetricKeyType, asymmetricKeyDetails } = key;
  const bits = asymmetricKeyType === 'rsa' ? (asymmetricKeyDetails?.modulusLength ?? 0) : 0;
  if (bits >= shortestRsaBits) return key;
  throw new CannotStart(`${setting} holds no RSA key of at least ${shortestRsaBits} bits`);
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');

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
import { Unauthenticated } from '../errors.ts';
import { scopeOf, type Role } from '../rules/permissions.ts';

export interface Tokens {
  sign(subject: Subject): Promise<AccessToken>;
  /** The key a token was signed with, for koa-jwt. @throws Unauthenticated unless it is ours */
  keyFor(header: unknown): Promise<KeyObject>;
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

const tokenType = 'at+jwt';
const audience = 'surety-api';

/** One deployment signs with one algorithm and one key, and accepts no other. */
export function createTokens({ jwt, publicUrl }: Pick<Config, 'jwt' | 'publicUrl'>): Tokens {
  const { algorithm, accessMinutes } = jwt;
  const { signingKey, verifyingKey, kid } = keysOf(jwt);
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
      if (!isOurs(header, { alg: algorithm, typ: tokenType, kid })) throw new Unauthenticated();
      return verifyingKey;
    },

    algorithm,
    issuer: publicUrl,
    audience,
  };
}

/**
 * Exactly our three parameters. Others (`jku`, `jwk`, `x5u`, `x5c`, `crit`) would only say where to
 * look for another key, or ask for what we do not do.
 */
const isOurs = (header: unknown, ours: Readonly<Record<string, string>>): boolean => {
  if (typeof header !== 'object' || header === null) return false;
  const given: Readonly<Record<string, unknown>> = { ...header };
  const names = Object.keys(ours);
  return (
    Object.keys(given).length === names.length && names.every((name) => given[name] === ours[name])
  );
};

function keysOf({ algorithm, secret, privateKey }: Config['jwt']): {
  signingKey: KeyObject;
  verifyingKey: KeyObject;
  kid: string;
} {
  if (algorithm === 'HS256') {
    const key = createSecretKey(Buffer.from(secret));
    return { signingKey: key, verifyingKey: key, kid: keyId(`HS256:${secret}`) };
  }
  if (!privateKey) throw new Error('RS256 needs JWT_PRIVATE_KEY');
  // In one line of an environment file the line breaks are written as \n.
  const signingKey = createPrivateKey(privateKey.replaceAll('\\n', '\n'));
  const verifyingKey = createPublicKey(signingKey);
  const kid = keyId(verifyingKey.export({ type: 'spki', format: 'der' }));
  return { signingKey, verifyingKey, kid };
}

const keyId = (material: string | Buffer): string =>
  createHash('sha256').update(material).digest('base64url').slice(0, 16);

import { createHmac, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  SignJWT,
  calculateJwkThumbprint,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  jwtVerify,
} from 'jose';
import { authentication } from '../../../src/api/middleware/authentication.ts';
import { createTokens, type Tokens } from '../../../src/commands/tokens.ts';
import { testConfig } from './build.ts';
import Koa from 'koa';
import request from 'supertest';

const privateKey = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
}).privateKey;
const secret = 'a-secret-of-this-test-0123456789-abcdef';
const configs = {
  HS256: testConfig({ JWT_SECRET_KEY: secret }),
  RS256: testConfig({ JWT_ALGORITHM: 'RS256', JWT_PRIVATE_KEY: privateKey }),
};
const subject = {
  userId: '01998e3a-5b7c-7d1e-8f20-3a4b5c6d7e8f',
  companyId: '01998e3a-0000-7000-8000-000000000001',
  roles: ['policyholder'],
  sessionId: '01998e3a-0000-7000-8000-000000000002',
} as const;

/** 'accepted', or the code of the refusal, of the real middleware. */
async function verdict(tokens: Tokens, token: string): Promise<unknown> {
  const authenticate = authentication(
    tokens,
    { actorOf: async () => ({ type: 'user', ...subject }) },
    { actorOf: () => Promise.reject(new Error('No key was sent')) },
  );
  const app = new Koa();
  app.use(async (ctx) => {
    ctx.body = await authenticate(ctx).then(
      () => 'accepted',
      (error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'a bug'),
    );
  });
  const { text } = await request(app.callback()).get('/').set('Authorization', `Bearer ${token}`);
  return text;
}

const parts = (token: string): string[] => token.split('.');
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function resign(token: string, header: object, key: string = secret, changes: object = {}): string {
  const signed = `${encode({ ...decodeProtectedHeader(token), ...header })}.${encode({ ...decodeJwt(token), ...changes })}`;
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
}

describe.each(['HS256', 'RS256'] as const)('access tokens of %s', (algorithm) => {
  const tokens = createTokens(configs[algorithm]);

  it('carry who, where, as what and until when, and are accepted', async () => {
    const { token, expiresInSeconds } = await tokens.sign(subject);

    const { iat = 0, ...payload } = decodeJwt(token);
    expect(decodeProtectedHeader(token)).toEqual({
      alg: algorithm,
      typ: 'at+jwt',
      kid: expect.stringMatching(algorithm === 'HS256' ? /^[\w-]{16}$/ : /^[\w-]{43}$/),
    });
    expect(payload).toEqual({
      sub: subject.userId,
      company_id: subject.companyId,
      sid: subject.sessionId,
      roles: ['policyholder'],
      scope: 'tenant',
      iss: 'http://127.0.0.1:3000',
      aud: 'surety-api',
      jti: expect.any(String),
      nbf: iat,
      exp: iat + 1800,
    });
    expect(expiresInSeconds).toBe(1800);
    expect(await verdict(tokens, token)).toBe('accepted');
  });

  it('are refused unsigned, changed, or signed by another deployment', async () => {
    const { token } = await tokens.sign(subject);
    const [header = '', payload = '', signature = ''] = parts(token);
    const other = createTokens(
      algorithm === 'HS256'
        ? testConfig({ JWT_SECRET_KEY: randomBytes(32).toString('hex') })
        : configs.HS256,
    );
    const changed = encode({ ...decodeJwt(token), roles: ['global_admin'] });

    const forged = [
      `${encode({ ...decodeProtectedHeader(token), alg: 'none' })}.${payload}.`,
      `${header}.${payload}.`,
      `${header}.${changed}.${signature}`,
      (await other.sign(subject)).token,
    ];

    for (const each of forged) expect(await verdict(tokens, each)).toBe('UNAUTHENTICATED');
  });
});

describe('a token signed with our secret', () => {
  const tokens = createTokens(configs.HS256);

  it.each([
    ['names another key', { kid: 'another-key-0000' }],
    ['names no key', { kid: undefined }],
    ['is no access token', { typ: 'JWT' }],
    ['brings its own key set', { jku: 'https://keys.example/set.json' }],
    ['brings its own key', { jwk: { kty: 'oct', k: 'AAAA' } }],
    ['brings a certificate address', { x5u: 'https://keys.example/chain.pem' }],
    ['brings a certificate', { x5c: ['AAAA'] }],
    ['asks for what we do not do', { crit: ['b64'], b64: true }],
  ])('is refused when it %s', async (_what, header) => {
    const { token } = await tokens.sign(subject);

    expect(await verdict(tokens, resign(token, {}))).toBe('accepted');
    expect(await verdict(tokens, resign(token, header))).toBe('UNAUTHENTICATED');
  });

  it.each([
    ['for somebody else', { aud: 'other-api' }, 'UNAUTHENTICATED'],
    ['by somebody else', { iss: 'https://elsewhere.example' }, 'UNAUTHENTICATED'],
    ['for later', { nbf: Math.floor(Date.now() / 1000) + 1500 }, 'UNAUTHENTICATED'],
    ['too long ago', { exp: Math.floor(Date.now() / 1000) - 31 }, 'TOKEN_EXPIRED'],
  ])('is refused when it was made %s', async (_what, changes, code) => {
    const { token } = await tokens.sign(subject);

    expect(await verdict(tokens, resign(token, {}, secret, changes))).toBe(code);
  });
});

it('a token signed with the public key as if it were a secret is refused', async () => {
  const tokens = createTokens(configs.RS256);
  const { token } = await tokens.sign(subject);
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }).toString();

  expect(await verdict(tokens, resign(token, { alg: 'HS256' }, publicKey))).toBe('UNAUTHENTICATED');
  const header = { ...decodeProtectedHeader(token), alg: 'HS256' };
  const forged = await new SignJWT(decodeJwt(token))
    .setProtectedHeader(header)
    .sign(Buffer.from(publicKey));
  expect(await verdict(tokens, forged)).toBe('UNAUTHENTICATED');
});

it('a private key may stand in one line, as environment files have it', async () => {
  const oneLine = testConfig({
    JWT_ALGORITHM: 'RS256',
    JWT_PRIVATE_KEY: privateKey.trim().replaceAll('\n', '\\n'),
  });

  const { token } = await createTokens(oneLine).sign(subject);

  expect(await verdict(createTokens(configs.RS256), token)).toBe('accepted');
});

describe('keys of RS256', () => {
  const pair = (modulusLength = 2048) =>
    generateKeyPairSync('rsa', {
      modulusLength,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
  const [past, now, next] = [pair(), pair(), pair()];
  const tokensOf = (settings: NodeJS.ProcessEnv) =>
    createTokens(testConfig({ JWT_ALGORITHM: 'RS256', ...settings }));
  const rotating = tokensOf({
    JWT_PRIVATE_KEY: now.privateKey,
    JWT_NEXT_PUBLIC_KEYS: next.publicKey,
    JWT_PREVIOUS_PUBLIC_KEYS: `${past.publicKey}${pair().publicKey}`.replaceAll('\n', '\\n'),
  });
  const signedBy = async ({ privateKey: key }: { privateKey: string }) =>
    (await tokensOf({ JWT_PRIVATE_KEY: key }).sign(subject)).token;

  it('are accepted before they sign, while they sign and after that; others are not', async () => {
    for (const key of [past, now, next]) {
      expect(await verdict(rotating, await signedBy(key))).toBe('accepted');
    }
    expect(await verdict(rotating, await signedBy(pair()))).toBe('UNAUTHENTICATED');
  });

  it('are not mistaken for each other', async () => {
    const token = await signedBy(next);
    const { kid } = decodeProtectedHeader(await signedBy(past));
    const header = encode({ ...decodeProtectedHeader(token), kid });

    const mislabelled = [header, ...parts(token).slice(1)].join('.');

    expect(await verdict(rotating, mislabelled)).toBe('UNAUTHENTICATED');
  });

  it('are published under their thumbprints, without anything private', async () => {
    const { keys } = rotating.keySet;

    expect(keys).toHaveLength(4);
    for (const key of keys) {
      expect(Object.keys(key).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
      expect(key.kid).toBe(await calculateJwkThumbprint(key));
    }
    const options = { issuer: 'http://127.0.0.1:3000', audience: 'surety-api', typ: 'at+jwt' };
    const known = createLocalJWKSet({ keys: keys.map((key) => ({ ...key })) });
    for (const key of [past, now, next]) {
      const { payload } = await jwtVerify(await signedBy(key), known, options);
      expect(payload.sub).toBe(subject.userId);
    }
  });

  it('are none under HS256', () => {
    const settings = { JWT_SECRET_KEY: secret, JWT_NEXT_PUBLIC_KEYS: next.publicKey };

    expect(createTokens(testConfig(settings)).keySet).toEqual({ keys: [] });
  });

  const ec = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  it.each([
    ['no key', { JWT_PRIVATE_KEY: 'nonsense' }, 'JWT_PRIVATE_KEY holds no key in PEM'],
    [
      'half a key',
      { JWT_PREVIOUS_PUBLIC_KEYS: now.publicKey.replace(/MIIB/, '') },
      'JWT_PREVIOUS_PUBLIC_KEYS holds no key in PEM',
    ],
    ['no list', { JWT_NEXT_PUBLIC_KEYS: 'nonsense' }, 'JWT_NEXT_PUBLIC_KEYS holds no key in PEM'],
    ['a short key', { JWT_NEXT_PUBLIC_KEYS: pair(1024).publicKey }, 'of at least 2048 bits'],
    ['another kind of key', { JWT_PRIVATE_KEY: ec.privateKey }, 'JWT_PRIVATE_KEY holds no RSA key'],
  ])('stop the start where there is %s', (_what, settings, message) => {
    expect(() => tokensOf({ JWT_PRIVATE_KEY: now.privateKey, ...settings })).toThrow(message);
  });
});

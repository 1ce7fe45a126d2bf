import { existsSync } from 'node:fs';
import Joi from 'joi';
import { CannotStart } from './errors.ts';

/** Everything that can be set from outside; frozen, read once, at start. */
export interface Config {
  readonly appName: string;
  readonly environment: 'development' | 'test' | 'production';
  /** Whether an answer to what failed carries its stack trace: where a developer looks. */
  readonly showStack: boolean;
  readonly logLevel: string;
  readonly logLevels: Readonly<Record<string, string>>;
  readonly logDir: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly workerPort: number;
  readonly publicUrl: string;
  readonly apiPrefix: string;
  /** When the older paths go away; undefined while nobody plans that. */
  readonly olderPathsEnd: Date | undefined;
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly trustProxy: boolean;
  readonly defaultCompany: string | undefined;
  readonly platformDomain: string | undefined;
  readonly database: {
    readonly url: string;
    readonly workerUrl: string;
    readonly migrateUrl: string;
    readonly echo: boolean;
    readonly poolMax: number;
    readonly acquireTimeoutMs: number;
  };
  readonly secretKey: string;
  /** Whoever sends it sees figures of all companies; in production the API does not start without it. */
  readonly metricsToken: string | undefined;
  readonly jwt: {
    readonly algorithm: 'HS256' | 'RS256';
    readonly secret: string;
    readonly privateKey: string | undefined;
    /** PEM, one after the other: keys that will sign and keys that have signed. */
    readonly nextPublicKeys: string;
    readonly previousPublicKeys: string;
    readonly accessMinutes: number;
    readonly refreshDays: number;
  };
  readonly passwordHash: 'argon2id' | 'bcrypt';
  readonly rateLimits: {
    readonly isOn: boolean;
    readonly perMinute: number;
    readonly perHour: number;
    readonly store: 'memory' | 'postgres';
  };
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly taskQueue: string;
    readonly uiUrl: string;
    readonly tls: boolean;
    readonly apiKey: string | undefined;
  };
  readonly smtp: {
    readonly url: string;
    readonly from: string;
    readonly perSecond: number;
  };
  readonly webhooks: {
    /** What can sign for a company's endpoints is kept under a key that is made of this one. */
    readonly secretKey: string;
    /** Origins that webhooks may go to though they are no public ones; none in production. */
    readonly allowedOrigins: readonly string[];
  };
  readonly payments: {
    /** Undefined where no money is taken or paid. */
    readonly gateway: 'http' | 'stripe' | undefined;
    /** Stripe's own where it is undefined. */
    readonly gatewayUrl: string | undefined;
    readonly gatewayKey: string;
    /** What the gateway signs its webhooks with; undefined where none are taken. */
    readonly webhookSecret: string | undefined;
    readonly timeoutMs: number;
  };
  readonly audit: {
    /** Where signed checkpoints of the audit are kept, outside the database. */
    readonly checkpointDir: string | undefined;
    /** Ed25519, PKCS#8: PEM, or its base64 alone. */
    readonly signingKey: string | undefined;
  };
  readonly documents: {
    /** Where files are, unless a bucket is named, and where uploads pass through. */
    readonly folder: string;
    readonly s3:
      | {
          /** Undefined for Amazon's own. */
          readonly endpoint: string | undefined;
          readonly region: string;
          readonly bucket: string;
          readonly accessKeyId: string | undefined;
          readonly secretAccessKey: string | undefined;
        }
      | undefined;
    /** `host:port`; without one nothing is scanned. */
    readonly clamdAddress: string | undefined;
  };
  /** Where the development mail catcher keeps what was sent; turns `/dev/mail` on. */
  readonly devMailDir: string | undefined;
  /** Where a test process dies; see `failpoints.ts`. Undefined outside of tests. */
  readonly failpoint: string | undefined;
}

/** A setting that is missing or wrong; its message is for the person at the terminal. */
export class ConfigError extends CannotStart {}

const developmentSecret = 'development-only-secret-do-not-deploy-0000';

const list = Joi.string().allow('').max(4000);
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** `relay=warn,temporal=error`. */
const levelOfModule = `\\s*\\w+=(?:${levels.join('|')})\\s*`;
const secret = Joi.string().max(4096);
const keys = Joi.string().allow('').max(16_384);
const urlOf = (...scheme: string[]): Joi.StringSchema => Joi.string().uri({ scheme }).max(2000);

const settings = Joi.object({
  APP_NAME: Joi.string().max(100).default('Surety'),
  ENVIRONMENT: Joi.valid('development', 'test', 'production').default('development'),
  DEBUG: Joi.boolean().default(
    Joi.ref('ENVIRONMENT', { adjust: (name) => name === 'development' }),
  ),
  LOG_LEVEL: Joi.string()
    .lowercase()
    .valid(...levels)
    .default(
      Joi.ref('ENVIRONMENT', { adjust: (name) => (name === 'production' ? 'info' : 'debug') }),
    ),
  LOG_LEVELS: list
    .pattern(new RegExp(`^${levelOfModule}(?:,${levelOfModule})*$`), 'module=level,module=level')
    .default(''),
  LOG_DIR: Joi.string().max(1000),
  HOST: Joi.string().max(255).default('127.0.0.1'),
  PORT: Joi.number().port().default(3000),
  WORKER_PORT: Joi.number().port().default(9464),
  PUBLIC_URL: urlOf('http', 'https'),
  API_V1_PREFIX: Joi.string()
    .pattern(/^\/[a-z0-9/]{1,50}$/)
    .default('/api/v1'),
  OLDER_PATHS_END: Joi.date().iso(),
  ALLOWED_HOSTS: list.lowercase().default('localhost,127.0.0.1,0.0.0.0'),
  CORS_ORIGINS: list.default('http://localhost:3000,http://localhost:8080,http://localhost:8081'),
  TRUST_PROXY: Joi.boolean().default(false),
  DEFAULT_COMPANY: Joi.string().allow('').max(20),
  PLATFORM_DOMAIN: Joi.string().lowercase().hostname().allow(''),
  DATABASE_URL: urlOf('postgres', 'postgresql').required(),
  DATABASE_WORKER_URL: urlOf('postgres', 'postgresql').default(Joi.ref('DATABASE_URL')),
  DATABASE_MIGRATE_URL: urlOf('postgres', 'postgresql').default(Joi.ref('DATABASE_URL')),
  DATABASE_ECHO: Joi.boolean().default(
    Joi.ref('ENVIRONMENT', { adjust: (name) => name === 'development' }),
  ),
  DATABASE_POOL_SIZE: Joi.number().integer().min(1).max(200).default(10),
  DATABASE_MAX_OVERFLOW: Joi.number().integer().min(0).max(200).default(20),
  DATABASE_POOL_TIMEOUT: Joi.number()
    .integer()
    .min(1)
    .max(300)
    .default(Joi.ref('ENVIRONMENT', { adjust: (name) => (name === 'production' ? 5 : 30) })),
  SECRET_KEY: secret.default(developmentSecret),
  JWT_SECRET_KEY: secret.default(developmentSecret),
  METRICS_TOKEN: secret.allow(''),
  JWT_ALGORITHM: Joi.valid('HS256', 'RS256').default('HS256'),
  JWT_PRIVATE_KEY: secret,
  JWT_NEXT_PUBLIC_KEYS: keys.default(''),
  JWT_PREVIOUS_PUBLIC_KEYS: keys.default(''),
  ACCESS_TOKEN_EXPIRE_MINUTES: Joi.number().integer().min(1).max(1440).default(30),
  REFRESH_TOKEN_EXPIRE_DAYS: Joi.number().integer().min(1).max(90).default(7),
  PASSWORD_HASH: Joi.valid('argon2id', 'bcrypt').default('argon2id'),
  RATE_LIMIT_ENABLED: Joi.boolean().default(
    Joi.ref('ENVIRONMENT', { adjust: (name) => name !== 'test' }),
  ),
  RATE_LIMIT_REQUESTS_PER_MINUTE: Joi.number()
    .integer()
    .min(1)
    .max(1_000_000)
    .default(Joi.ref('ENVIRONMENT', { adjust: (name) => (name === 'production' ? 1000 : 100) })),
  RATE_LIMIT_REQUESTS_PER_HOUR: Joi.number()
    .integer()
    .min(1)
    .max(10_000_000)
    .default(Joi.ref('RATE_LIMIT_REQUESTS_PER_MINUTE', { adjust: (count) => count * 10 })),
  RATE_LIMIT_STORE: Joi.valid('memory', 'postgres').default('memory'),
  TEMPORAL_ADDRESS: Joi.string().max(255).default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: Joi.string().max(255).default('default'),
  TEMPORAL_TASK_QUEUE: Joi.string()
    .pattern(/^[a-z0-9-]{1,50}$/)
    .default('surety'),
  TEMPORAL_UI_URL: urlOf('http', 'https').default('http://127.0.0.1:8233'),
  TEMPORAL_TLS: Joi.boolean().default(false),
  TEMPORAL_API_KEY: secret,
  SMTP_URL: urlOf('smtp', 'smtps'),
  SMTP_HOST: Joi.string().hostname().default('127.0.0.1'),
  SMTP_PORT: Joi.number().port().default(1025),
  SMTP_USER: Joi.string().max(255),
  SMTP_PASSWORD: secret,
  SMTP_FROM: Joi.string().max(320).default('Surety <no-reply@surety.example>'),
  SMTP_MESSAGES_PER_SECOND: Joi.number().min(0.1).max(10_000).default(50),
  WEBHOOK_ALLOWED_ORIGINS: list.default(''),
  PAYMENT_GATEWAY: Joi.string().valid('http', 'stripe').default('http'),
  PAYMENT_GATEWAY_URL: urlOf('http', 'https'),
  PAYMENT_GATEWAY_KEY: secret,
  PAYMENT_GATEWAY_TIMEOUT: Joi.number().min(0.1).max(20).default(20),
  PAYMENT_WEBHOOK_SECRET: secret,
  AUDIT_CHECKPOINT_DIR: Joi.string()
    .max(1000)
    .default(
      Joi.ref('ENVIRONMENT', {
        adjust: (name) => (name === 'production' ? undefined : '.data/checkpoints'),
      }),
    ),
  AUDIT_SIGNING_KEY: secret,
  DOCUMENT_STORAGE_DIR: Joi.string().max(1000).default('.data/documents'),
  S3_BUCKET: Joi.string().max(255),
  S3_ENDPOINT: urlOf('http', 'https'),
  S3_REGION: Joi.string().max(100).default('us-east-1'),
  S3_ACCESS_KEY_ID: secret,
  S3_SECRET_ACCESS_KEY: secret,
  CLAMD_ADDRESS: Joi.string()
    .pattern(/^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/)
    .max(300),
  DEV_MAIL_DIR: Joi.string().max(1000),
  FAILPOINT: Joi.string().pattern(/^[a-zA-Z.]+(:\w+)?#[1-9]\d{0,3}$/),
}).unknown();

/**
 * Reads `.env` (where there is one) and the environment.
 * @throws ConfigError one sentence per wrong setting. Production refuses development defaults.
 */
export function readConfig(environment: NodeJS.ProcessEnv = processEnvironment()): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const { value, error } = settings.validate(given, { abortEarly: false, convert: true });
  if (error) {
    throw new ConfigError(
      error.details.map(({ message }) => `Configuration: ${message}`).join('\n'),
    );
  }
  if (value.JWT_ALGORITHM === 'RS256' && !value.JWT_PRIVATE_KEY) {
    throw new ConfigError('Configuration: JWT_ALGORITHM=RS256 needs JWT_PRIVATE_KEY');
  }
  if (value.PAYMENT_GATEWAY === 'stripe') refuseHalfOfStripe(value);
  if (value.ENVIRONMENT === 'production') refuseDevelopmentDefaults(value);

  return deepFreeze({
    appName: value.APP_NAME,
    environment: value.ENVIRONMENT,
    showStack: value.ENVIRONMENT === 'development' && value.DEBUG,
    logLevel: value.LOG_LEVEL,
    logLevels: Object.fromEntries(split(value.LOG_LEVELS).map((pair) => pair.split('=', 2))),
    logDir: value.LOG_DIR,
    host: value.HOST,
    port: value.PORT,
    workerPort: value.WORKER_PORT,
    publicUrl: value.PUBLIC_URL ?? `http://${value.HOST}:${value.PORT}`,
    apiPrefix: value.API_V1_PREFIX,
    olderPathsEnd: value.OLDER_PATHS_END,
    allowedHosts: split(value.ALLOWED_HOSTS),
    corsOrigins: split(value.CORS_ORIGINS),
    trustProxy: value.TRUST_PROXY,
    defaultCompany: value.DEFAULT_COMPANY || undefined,
    platformDomain: value.PLATFORM_DOMAIN || undefined,
    database: {
      url: value.DATABASE_URL,
      workerUrl: value.DATABASE_WORKER_URL,
      migrateUrl: value.DATABASE_MIGRATE_URL,
      echo: value.DATABASE_ECHO,
      poolMax: value.DATABASE_POOL_SIZE + value.DATABASE_MAX_OVERFLOW,
      acquireTimeoutMs: value.DATABASE_POOL_TIMEOUT * 1000,
    },
    secretKey: value.SECRET_KEY,
    metricsToken: value.METRICS_TOKEN || undefined,
    jwt: {
      algorithm: value.JWT_ALGORITHM,
      secret: value.JWT_SECRET_KEY,
      privateKey: value.JWT_PRIVATE_KEY,
      nextPublicKeys: value.JWT_NEXT_PUBLIC_KEYS,
      previousPublicKeys: value.JWT_PREVIOUS_PUBLIC_KEYS,
      accessMinutes: value.ACCESS_TOKEN_EXPIRE_MINUTES,
      refreshDays: value.REFRESH_TOKEN_EXPIRE_DAYS,
    },
    passwordHash: value.PASSWORD_HASH,
    rateLimits: {
      isOn: value.RATE_LIMIT_ENABLED,
      perMinute: value.RATE_LIMIT_REQUESTS_PER_MINUTE,
      perHour: value.RATE_LIMIT_REQUESTS_PER_HOUR,
      store: value.RATE_LIMIT_STORE,
    },
    temporal: {
      address: value.TEMPORAL_ADDRESS,
      namespace: value.TEMPORAL_NAMESPACE,
      taskQueue: value.TEMPORAL_TASK_QUEUE,
      uiUrl: value.TEMPORAL_UI_URL,
      tls: value.TEMPORAL_TLS,
      apiKey: value.TEMPORAL_API_KEY,
    },
    smtp: {
      url:
        value.SMTP_URL ??
        smtpUrl(value.SMTP_HOST, value.SMTP_PORT, value.SMTP_USER, value.SMTP_PASSWORD),
      from: value.SMTP_FROM,
      perSecond: value.SMTP_MESSAGES_PER_SECOND,
    },
    webhooks: {
      secretKey: value.SECRET_KEY,
      allowedOrigins: split(value.WEBHOOK_ALLOWED_ORIGINS),
    },
    payments: {
      gateway: takesMoney(value) ? value.PAYMENT_GATEWAY : undefined,
      gatewayUrl: value.PAYMENT_GATEWAY_URL,
      gatewayKey: value.PAYMENT_GATEWAY_KEY ?? '',
      webhookSecret: value.PAYMENT_WEBHOOK_SECRET,
      timeoutMs: value.PAYMENT_GATEWAY_TIMEOUT * 1000,
    },
    audit: { checkpointDir: value.AUDIT_CHECKPOINT_DIR, signingKey: value.AUDIT_SIGNING_KEY },
    documents: {
      folder: value.DOCUMENT_STORAGE_DIR,
      s3: value.S3_BUCKET && {
        endpoint: value.S3_ENDPOINT,
        region: value.S3_REGION,
        bucket: value.S3_BUCKET,
        accessKeyId: value.S3_ACCESS_KEY_ID,
        secretAccessKey: value.S3_SECRET_ACCESS_KEY,
      },
      clamdAddress: value.CLAMD_ADDRESS,
    },
    devMailDir: value.ENVIRONMENT === 'production' ? undefined : value.DEV_MAIL_DIR,
    failpoint: value.ENVIRONMENT === 'test' ? value.FAILPOINT : undefined,
  });
}

function processEnvironment(): NodeJS.ProcessEnv {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return process.env;
}

function refuseDevelopmentDefaults(value: Record<string, unknown>): void {
  const weak = (['SECRET_KEY', 'JWT_SECRET_KEY'] as const).filter((name) => {
    const text = String(value[name]);
    return text === developmentSecret || Buffer.byteLength(text) < 32;
  });
  const needed =
    value['JWT_ALGORITHM'] === 'RS256' ? weak.filter((name) => name === 'SECRET_KEY') : weak;
  if (needed.length > 0) {
    throw new ConfigError(
      `Configuration: production needs a random ${needed.join(' and ')} of at least 32 bytes`,
    );
  }
  const webhookSecret = value['PAYMENT_WEBHOOK_SECRET'];
  if (
    takesMoney(value) &&
    !(typeof webhookSecret === 'string' && Buffer.byteLength(webhookSecret) >= 32)
  ) {
    throw new ConfigError(
      'Configuration: a payment gateway needs a PAYMENT_WEBHOOK_SECRET of at least 32 bytes in production',
    );
  }
  if (value['WEBHOOK_ALLOWED_ORIGINS'] !== '') {
    throw new ConfigError(
      'Configuration: production refuses WEBHOOK_ALLOWED_ORIGINS, which lets webhooks into our own network',
    );
  }
  if (value['DEBUG'] === true)
    throw new ConfigError('Configuration: production refuses DEBUG=true');
}

/**
 * For the API; the worker's figures are at a port of their own.
 * @throws ConfigError in production without a token of 32 bytes
 */
export function refuseOpenMetrics({
  environment,
  metricsToken = '',
}: Pick<Config, 'environment' | 'metricsToken'>): void {
  if (environment !== 'production' || Buffer.byteLength(metricsToken) >= 32) return;
  throw new ConfigError(
    'Configuration: in production the API needs a random METRICS_TOKEN of at least 32 bytes',
  );
}

const takesMoney = (value: Readonly<Record<string, unknown>>): boolean =>
  value['PAYMENT_GATEWAY'] === 'stripe' || value['PAYMENT_GATEWAY_URL'] !== undefined;

/** A key that is none, or webhooks that nobody could tell from forged ones, show only when money is due. */
function refuseHalfOfStripe(value: Readonly<Record<string, unknown>>): void {
  const parts = [
    { name: 'PAYMENT_GATEWAY_KEY', pattern: /^(sk|rk)_\w+$/, as: 'a secret key, sk_… or rk_…' },
    {
      name: 'PAYMENT_WEBHOOK_SECRET',
      pattern: /^whsec_\w+$/,
      as: "the endpoint's secret, whsec_…",
    },
  ] as const;
  const lacking = parts.filter(({ name, pattern }) => {
    const given = value[name];
    return !(typeof given === 'string' && pattern.test(given));
  });
  if (lacking.length === 0) return;
  throw new ConfigError(
    lacking
      .map(({ name, as }) => `Configuration: PAYMENT_GATEWAY=stripe needs ${name}: ${as}`)
      .join('\n'),
  );
}

function smtpUrl(host: string, port: number, user?: string, password = ''): string {
  const url = new URL(`smtp://${host}:${port}`);
  if (user) Object.assign(url, { username: user, password });
  return url.toString();
}

const split = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) deepFreeze(part);
  }
  return Object.freeze(value);
}

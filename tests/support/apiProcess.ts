import { startProcess, type Child } from '../../local/children.ts';
import { claimPort } from '../../local/ports.ts';
import { services } from './services.ts';
import type { TestDatabase } from './database.ts';

export interface ApiRequest {
  readonly method?: string;
  /** From the API prefix on, or from the root: `/auth/me`, `/.well-known/jwks.json`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** The API as a process of its own, on a port that it keeps. */
export interface ApiProcess {
  readonly url: string;
  isUp(): boolean;
  stop(): Promise<void>;
  /** Starts it, anew if it runs, with these environment variables beside the usual ones. */
  restart(settings?: NodeJS.ProcessEnv): Promise<void>;
  send(request: ApiRequest): Promise<ApiAnswer>;
  /** @returns the access token */
  login(email: string, password: string): Promise<string>;
}

export async function openApiProcess(
  name: string,
  { database, logs }: { readonly database: TestDatabase; readonly logs: string },
): Promise<ApiProcess> {
  const port = await claimPort(0, { name, variable: 'PORT' });
  const url = `http://127.0.0.1:${port}`;
  let child: Child | undefined;

  const stop = async (): Promise<void> => {
    const running = child;
    child = undefined;
    await running?.stop();
  };

  const send: ApiProcess['send'] = async ({ method = 'GET', path, headers = {}, body }) => {
    const prefix = path.startsWith('/.well-known') ? '' : '/api/v1';
    const response = await fetch(`${url}${prefix}${path}`, {
      method,
      headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
  };

  return {
    url,
    isUp: () => child !== undefined,
    stop,
    async restart(settings = {}) {
      await stop();
      child = await startProcess({
        name,
        script: 'dist/src/api/main.js',
        env: {
          ...process.env,
          ENVIRONMENT: 'test',
          LOG_LEVEL: 'warn',
          PUBLIC_URL: 'http://surety.test',
          PORT: String(port),
          DATABASE_URL: database.apiUrl,
          TEMPORAL_ADDRESS: services().temporalAddress,
          ...settings,
        },
        logs,
        readyUrl: `${url}/health/ready`,
        timeoutMs: 60_000,
      });
    },
    send,
    async login(email, password) {
      const answer = await send({ method: 'POST', path: '/auth/login', body: { email, password } });
      return dataOf(answer)['access_token'] ?? '';
    },
  };
}

/** An answer's `data`, whose fields are texts. */
export function dataOf({ body }: ApiAnswer): Readonly<Record<string, string>> {
  const { data }: { data: Record<string, string> } = JSON.parse(JSON.stringify(body));
  return data;
}

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { NotFound, errorCode } from '../../errors.ts';
import { rawRoute, type Route, type Served } from '../route.ts';
import { object, text } from '../schema.ts';

/** A page to try GraphQL out, for developers: nothing is loaded from elsewhere. */
export function explorerRoutes(title: string): Route[] {
  const kept = new Map<string, Kept>();
  const serve = async (
    name: string,
    setHeader: (name: string, value: string) => void,
    load: () => Promise<string | Buffer>,
  ): Promise<Served> => {
    const { content, tag } = kept.get(name) ?? keep(await load());
    kept.set(name, { content, tag });
    setHeader('Cache-Control', 'no-cache');
    setHeader('ETag', tag);
    setHeader('Content-Security-Policy', pagePolicy);
    return { content, mediaType: mediaTypes[path.extname(name)] ?? 'application/octet-stream' };
  };

  return [
    rawRoute({
      ...open,
      path: '/graphql',
      summary: 'A page to try GraphQL out',
      handle: ({ setHeader }) => serve('page.html', setHeader, () => page(title)),
    }),
    rawRoute({
      ...open,
      path: `${base}start.js`,
      summary: 'Begins the page',
      handle: ({ setHeader }) => serve('start.js', setHeader, async () => start),
    }),
    ...['', 'media/', 'assets/img/', 'assets/i18n/'].map((folder) =>
      rawRoute({
        ...open,
        path: `${base}${folder}:file`,
        summary: `A part of the page${folder && `, of ${folder}`}`,
        params: object({ file: text(100) }),
        handle: ({ params: { file }, setHeader }) => {
          if (!/^[\w-][\w.-]*$/.test(file)) throw new NotFound();
          return serve(`${folder}${file}`, setHeader, () => asset(`${folder}${file}`));
        },
      }),
    ),
  ];
}

const base = '/graphql/explorer/';

const mediaTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
};

const open = {
  root: true,
  method: 'GET',
  permission: 'public',
  company: false,
  tag: 'GraphQL',
  limit: 'none',
  mediaTypes: [...Object.values(mediaTypes), 'application/octet-stream'],
} as const;

interface Kept {
  readonly content: string | Buffer;
  readonly tag: string;
}

const keep = (content: string | Buffer): Kept => ({
  content,
  tag: `"${createHash('sha256').update(content).digest('base64url')}"`,
});

/** The page sets style attributes and draws pictures from data URLs; scripts are its own files only. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const asset = async (name: string): Promise<Buffer> => {
  const folder = path.dirname(createRequire(import.meta.url).resolve('altair-static'));
  try {
    return await readFile(path.join(folder, 'dist', name));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') throw new NotFound();
    throw error;
  }
};

/** Altair's own page, which finds its parts below the base and is begun by a script of ours. */
const page = async (title: string): Promise<string> =>
  (await asset('index.html'))
    .toString()
    .replace(/<title>.*<\/title>/, `<title>${title.replace(/[<>&]/g, '')}: GraphQL</title>`)
    .replace(/<base [^>]*>/, `<base href="${base}">`)
    .replace('</body>', `<script type="module" src="${base}start.js"></script></body>`);

const start = `AltairGraphQL.init({
  endpointURL: new URL('/graphql', location.href).href,
  disableAccount: true,
  initialSettings: { 'banners.disable': true },
  initialQuery: '{\\n  plans(size: 5) {\\n    items {\\n      name\\n      premium\\n    }\\n  }\\n}\\n',
});
`;

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { rawRoute, type Route } from '../route.ts';

/** The document and a page to try it out: nothing is loaded from elsewhere. */
export const docsRoutes = ({
  title,
  document,
}: {
  title: string;
  document: () => object;
}): Route[] => {
  const file = (name: string, mediaType: string, load: () => Promise<Buffer> | Buffer): Route => {
    let loaded: Promise<{ content: Buffer; tag: string }> | undefined;
    return rawRoute({
      ...open,
      path: name,
      summary: `Part of the documentation: ${path.basename(name)}`,
      mediaType,
      async handle({ setHeader }) {
        loaded ??= Promise.resolve(load()).then((content) => ({ content, tag: tagOf(content) }));
        const { content, tag } = await loaded;
        setHeader('Cache-Control', 'no-cache');
        setHeader('ETag', tag);
        setHeader('Content-Security-Policy', pagePolicy);
        return content;
      },
    });
  };

  return [
    file('/api/openapi.json', 'application/json', () => Buffer.from(JSON.stringify(document()))),
    // The documentation keeps its slash (tidyUrl), so both are declared.
    ...['/api/docs', '/api/docs/'].map((name) => file(name, html, () => Buffer.from(page(title)))),
    file('/api/docs/start.js', script, () => Buffer.from(start)),
    ...assets.map(([name, mediaType]) =>
      file(`/api/docs/${name}`, mediaType, () => readFile(path.join(assetFolder, name))),
    ),
  ];
};

const open = {
  root: true,
  method: 'GET',
  permission: 'public',
  company: false,
  tag: 'Documentation',
  limit: 'none',
} as const;

const html = 'text/html; charset=utf-8';
const script = 'text/javascript; charset=utf-8';
const assets = [
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', script],
  ['swagger-ui-standalone-preset.js', script],
  ['favicon-16x16.png', 'image/png'],
  ['favicon-32x32.png', 'image/png'],
] as const;

const assetFolder = path.dirname(
  createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'),
);

/** Swagger UI sets style attributes and draws its icons from data URLs; scripts are our own only. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const tagOf = (content: Buffer): string =>
  `"${createHash('sha256').update(content).digest('base64url')}"`;

const page = (title: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>${title.replace(/[<>&]/g, '')}</title>
    <link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png" sizes="32x32">
    <link rel="icon" type="image/png" href="/api/docs/favicon-16x16.png" sizes="16x16">
    <link rel="stylesheet" href="/api/docs/swagger-ui.css">
  </head>
  <body>
    <div id="swagger-ui"></div>
    <script src="/api/docs/swagger-ui-bundle.js"></script>
    <script src="/api/docs/swagger-ui-standalone-preset.js"></script>
    <script src="/api/docs/start.js"></script>
  </body>
</html>
`;

/** Folded up: the subjects on one screen, and operations below the one that is opened. */
const start = `window.ui = SwaggerUIBundle({
  url: '/api/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  docExpansion: 'none',
  persistAuthorization: true,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
});
`;

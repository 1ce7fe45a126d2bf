import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { printSchema } from 'graphql';
import { Registry } from 'prom-client';
import { errorCode } from '../errors.ts';
import { allRoutes } from './app.ts';
import { graphqlSchema } from './graphql/schema.ts';
import { openApiDocument } from './openapi.ts';
import { resourceRoutes, type ResourceDependencies } from './routes.ts';

// npm run openapi writes the documents of REST and GraphQL, npm run openapi -- --check fails where one
// is out of date.

const prefix = '/api/v1';

const { version }: { version: string } = JSON.parse(await readFile('package.json', 'utf8'));
// Routes are only declared here and never called: whatever they would call may be missing.
const uncalled: ResourceDependencies = JSON.parse(JSON.stringify({ prefix }));
const about = { name: 'Surety', version, features: async () => ({}) };
const routes = allRoutes({
  config: { apiPrefix: prefix, corsOrigins: [], trustProxy: false },
  about,
  metrics: new Registry(),
  probes: {},
  vital: [],
  watched: [],
  lifecycle: { isStopping: false },
  companies: { byHost: async () => undefined },
  routes: resourceRoutes(uncalled),
});
const document = openApiDocument(routes, { prefix, title: about.name, version });
const documents = {
  'docs/openapi.json': `${JSON.stringify(document, null, 2)}\n`,
  'docs/schema.graphql': `${printSchema(graphqlSchema(routes))}\n`,
};

await mkdir('docs', { recursive: true });
for (const [file, written] of Object.entries(documents)) {
  if (!process.argv.includes('--check')) {
    await writeFile(file, written);
    continue;
  }
  const known = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return '';
    throw error;
  });
  if (known !== written) {
    process.stderr.write(`${file} is out of date: npm run openapi\n`);
    process.exitCode = 1;
  }
}

import { spawnSync } from 'node:child_process';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { projectDir } from '../../local/dataDir.ts';
import { openApiDocument } from '../../src/api/openapi.ts';
import { isCalendarDate } from '../../src/rules/calendar.ts';
import { registry } from '../wall/registry.ts';

const routes = [...new Set(registry().map(({ route }) => route))];
const options = { prefix: '/api/v1', title: 'Surety', version: '0' };
const document = JSON.parse(JSON.stringify(openApiDocument(routes, options)));

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat('date', isCalendarDate);
ajv.addFormat('date-time', (text) => !Number.isNaN(Date.parse(text)));
ajv.addFormat('uuid', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i);
ajv.addFormat('email', /^[^@\s]+@[^@\s]+\.[^@\s]+$/);
ajv.addSchema(document, 'document');

interface Media {
  readonly content?: Readonly<Record<string, { readonly example?: unknown }>>;
}
interface Operation {
  readonly operationId: string;
  readonly requestBody?: Media;
  readonly responses: Readonly<Record<string, Media>>;
}

/** Each JSON text that an operation takes or gives, with the place of its schema. */
const texts = Object.entries<Readonly<Record<string, Operation>>>(document.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => {
      const at = `/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1')}/${method}`;
      const part = (name: string, media: Media | undefined) => {
        const json = media?.content?.['application/json'];
        const pointer = `${at}/${name}/content/application~1json/schema`;
        return json ? [{ what: `${operation.operationId} ${name}`, pointer, ...json }] : [];
      };
      return [
        ...part('requestBody', operation.requestBody),
        ...Object.entries(operation.responses).flatMap(([status, media]) =>
          part(`responses/${status}`, media),
        ),
      ];
    }),
);

describe('the OpenAPI document of all routes', () => {
  it('shows examples that it would itself accept', () => {
    const given = texts.filter(({ example }) => example !== undefined);
    const wrong = given.flatMap(({ what, pointer, example }) => {
      const validate = ajv.compile({ $ref: `document#${encodeURI(pointer)}` });
      return validate(example) ? [] : [[what, validate.errors]];
    });

    expect(wrong).toEqual([]);
    expect(given.length).toBeGreaterThan(60);
    console.info(`${given.length} examples`);
  });

  it('has an example for every body', () => {
    const missing = texts.filter(
      ({ what, example }) => what.endsWith('requestBody') && example === undefined,
    );

    expect(missing.map(({ what }) => what)).toEqual([]);
  });

  it('is the one in docs/', () => {
    const check = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'src/api/printOpenapi.ts', '--check'],
      { cwd: projectDir, encoding: 'utf8', env: { PATH: process.env['PATH'] } },
    );

    expect([check.status, check.stderr]).toEqual([0, '']);
  }, 180_000);
});

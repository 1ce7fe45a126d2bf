import { readFileSync } from 'node:fs';
import { readConfig } from '../../src/config.ts';

const example = readFileSync('.env.example', 'utf8').split('\n');
const assignment = /^#([A-Z][A-Z0-9_]*)=(.*)$/;
const given = example.flatMap((line) => {
  const [, name, value] = assignment.exec(line) ?? [];
  return name === undefined ? [] : [{ name, value: value ?? '' }];
});

describe('.env.example', () => {
  it('has every setting of config.ts and of npm start, once, and no other', () => {
    const namesIn = (file: string, table: RegExp): string[] =>
      [
        ...(table.exec(readFileSync(file, 'utf8'))?.[1] ?? '').matchAll(
          /^ {2}([A-Z][A-Z0-9_]*):/gm,
        ),
      ].map(([, name]) => String(name));
    const settings = namesIn('src/config.ts', /const settings = Joi\.object\(\{([^]*?)\n\}\)/);
    const ports = namesIn('local/stack.ts', /const usualPorts = \{([^]*?)\n\}/);

    const all = new Set([...settings, ...ports, 'SURETY_DATA']);
    expect(given.map(({ name }) => name).toSorted()).toEqual([...all].toSorted());
    expect(settings).toContain('DATABASE_URL');
    expect(ports).toContain('TEMPORAL_PORT');
  });

  it('shows the defaults: all of it set is nothing set', () => {
    const needed = { DATABASE_URL: 'postgres://app_api@127.0.0.1/surety' };
    const all = Object.fromEntries(given.map(({ name, value }) => [name, value]));

    const config = readConfig({ ...all, ...needed });

    expect(config).toEqual(readConfig(needed));
  });

  it('says in one line what each setting is for', () => {
    const undescribed = example.filter(
      (line, index) => assignment.test(line) && !/^# \S/.test(example[index - 1] ?? ''),
    );

    expect(undescribed).toEqual([]);
  });
});

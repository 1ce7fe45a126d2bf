import type { Say } from '../../local/progress.ts';
import { memoryDuring } from '../memory.ts';
import type { Row } from '../report.ts';
import { median, rounded } from '../statistics.ts';
import type { World } from '../world.ts';
import { allSealed } from './audit.ts';

/** A file of employees, each round with people of its own, and what it adds to the memory of the API. */
export async function importEmployees(
  world: World,
  { lines, rounds }: { readonly lines: number; readonly rounds: number },
  say: Say,
): Promise<Row[]> {
  const { stack, prefix, admin } = world;
  const send = async (group: string, count: number): Promise<void> => {
    const form = new FormData();
    form.append('files', new Blob([fileOf(group, count)], { type: 'text/csv' }), 'staff.csv');
    const answer = await fetch(`${stack.urls.api}${prefix}/employees/import`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${admin.token}` },
      body: form,
    });
    const { data }: { data?: { created: number } } = JSON.parse(await answer.text());
    if (data?.created !== count) throw new Error(`${answer.status}: ${JSON.stringify(data)}`);
  };
  say('a small file');
  await send('warm', lines / 10);

  const seconds: number[] = [];
  const addedMb: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const startedAt = performance.now();
    const { before, peak } = await memoryDuring(world, () => send(`round${round}`, lines));
    seconds.push(rounded((performance.now() - startedAt) / 1000));
    addedMb.push(rounded((peak - before) / 2 ** 20));
    say(`round ${round} of ${rounds}: ${seconds.at(-1)} s, ${addedMb.at(-1)} MB`);
  }
  await allSealed(world, say);
  return [
    {
      figure: `import of ${lines.toLocaleString('en')} employees`,
      measured: `${median(seconds)} s`,
      target: '<= 30 s',
      met: median(seconds) <= 30,
      detail: { lines, seconds },
    },
    {
      figure: "memory that this adds to the API's",
      measured: `${median(addedMb)} MB`,
      target: '< 60 MB',
      met: median(addedMb) < 60,
      detail: { lines, addedMb },
    },
  ];
}

/** Each below another one of the file, ten to a manager. */
const fileOf = (group: string, count: number): string =>
  [
    'email,name,role,department,manager_email,join_date',
    ...Array.from({ length: count }, (_, n) => {
      const manager = n === 0 ? '' : `${group}-${Math.floor((n - 1) / 10)}@staff.example`;
      return `${group}-${n}@staff.example,Person ${n},Role ${n % 50},Department ${n % 20},${manager},2026-01-31`;
    }),
  ].join('\r\n');

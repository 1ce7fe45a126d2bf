import type { Say } from '../../local/progress.ts';
import { liveHeapDuring, memoryDuring } from '../memory.ts';
import type { Row } from '../report.ts';
import { median, rounded } from '../statistics.ts';
import type { World } from '../world.ts';
import { allSealed } from './audit.ts';

/**
 * A file of employees, each round with people of its own, and what the API's heap holds during it. How far
 * its memory as a whole grows tells mostly when the collector has had time.
 */
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
  const residentMb: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const startedAt = performance.now();
    const { before, peak } = await memoryDuring(world, () => send(`round${round}`, lines));
    seconds.push(rounded((performance.now() - startedAt) / 1000));
    residentMb.push(rounded((peak - before) / 2 ** 20));
    say(`round ${round} of ${rounds}: ${seconds.at(-1)} s, ${residentMb.at(-1)} MB`);
  }
  await allSealed(world, say);

  const heldBy = async (count: number): Promise<{ added: number; kept: number }> => {
    const group = `held${count}`;
    const { before, most, after } = await liveHeapDuring(world, () => send(group, count));
    const added = rounded((most - before) / 2 ** 20);
    const kept = rounded((after - before) / 2 ** 20);
    say(`${count} lines add ${added} MB to what the heap holds, and leave ${kept} MB`);
    return { added, kept };
  };
  const few = await heldBy(lines / 5);
  const many = await heldBy(lines);
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
      figure: `heap that it holds, of ${lines.toLocaleString('en')} lines and of a fifth`,
      measured: `${many.added} MB, ${few.added} MB (afterwards ${many.kept} MB)`,
      target: 'constant: <= 4 MB apart, <= 4 MB afterwards',
      met: many.added - few.added <= 4 && many.kept <= 4,
      detail: { lines, many, few, residentMb },
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

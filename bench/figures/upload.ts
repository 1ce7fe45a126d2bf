import type { Say } from '../../local/progress.ts';
import { uploadLimits } from '../../src/rules/documents.ts';
import { memoryDuring } from '../memory.ts';
import type { Row } from '../report.ts';
import { rounded } from '../statistics.ts';
import type { World } from '../world.ts';

/** What one file of the largest size adds to the memory of an API that has taken small ones. */
export async function upload(world: World, say: Say): Promise<Row[]> {
  const { stack, prefix, admin, sql } = world;
  const [policy] = await sql<{ id: string }>(
    'SELECT id FROM shared.policies ORDER BY created_at LIMIT 1',
  );
  const send = async (bytes: number): Promise<void> => {
    const form = new FormData();
    const content = Buffer.alloc(bytes, 'Nothing but text. ');
    form.set('document_type', 'report');
    form.append('files', new Blob([content], { type: 'text/plain' }), 'report.txt');
    const answer = await fetch(
      `${stack.urls.api}${prefix}/policies/${policy?.id ?? ''}/documents`,
      { method: 'POST', headers: { Authorization: `Bearer ${admin.token}` }, body: form },
    );
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  };
  say('small files');
  for (let n = 0; n < 10; n += 1) await send(200_000);

  say('25 MB');
  const { before, peak } = await memoryDuring(world, () => send(uploadLimits.fileBytes));
  const added = (peak - before) / 2 ** 20;
  return [
    {
      figure: "memory that an upload of 25 MB adds to the API's",
      measured: `${rounded(added)} MB`,
      target: '< 30 MB',
      met: added < 30,
      detail: { before, peak },
    },
  ];
}

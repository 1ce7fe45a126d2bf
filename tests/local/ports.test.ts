import { execFile } from 'node:child_process';
import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { claimPort } from '../../local/ports.ts';
import { projectDir } from '../../local/dataDir.ts';

/** Prints what it claimed, and lives until the other has claimed too. */
const claimer = `
  import { claimPort } from './local/ports.ts';
  const ports = [];
  while (ports.length < 300) ports.push(await claimPort(0, { name: 'the test' }));
  console.log(JSON.stringify(ports));
  process.stdin.resume().once('end', () => process.exit());
`;

describe('claimPort', () => {
  it('gives any port once, to all processes that live', async () => {
    const processes = [1, 2].map(() => {
      const run = promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '--eval', claimer],
        { cwd: projectDir, env: { PATH: process.env['PATH'] } },
      );
      const claimed = new Promise<unknown>((resolve) => run.child.stdout?.once('data', resolve));
      return { run, claimed };
    });
    await Promise.all(processes.map(({ run, claimed }) => Promise.race([run, claimed])));
    for (const { run } of processes) run.child.stdin?.end();

    const ports: number[] = [];
    for (const { run } of processes) ports.push(...JSON.parse((await run).stdout));

    expect(ports).toHaveLength(600);
    expect(new Set(ports).size).toBe(600);
  });

  it('says which setting names a port that another program holds', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;

    await expect(claimPort(port, { name: 'the API', variable: 'PORT' })).rejects.toThrow(
      `Port ${port} for the API is taken by another program: stop that program or set PORT to another port.`,
    );

    server.close();
  });

  it('says which setting names a port that browsers refuse, and picks none', async () => {
    await expect(
      claimPort(10_080, { name: 'the API', variable: 'PORT', isHttp: true }),
    ).rejects.toThrow('Browsers refuse to go to port 10080: set PORT to another port.');
    await expect(claimPort(10_080, { name: 'Postgres' })).resolves.toBe(10_080);

    const pick = jest.spyOn(crypto, 'randomInt').mockImplementationOnce(() => 10_080);
    syncBuiltinESMExports();
    await expect(claimPort(0, { name: 'the API' })).resolves.not.toBe(10_080);
    expect(pick).toHaveBeenCalledTimes(2);
    pick.mockRestore();
    syncBuiltinESMExports();
  });
});

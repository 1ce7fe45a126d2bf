import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Say } from './progress.ts';
import { answers, downloadOfficial, firstThatWorks, runTool, toolCache } from './toolCache.ts';

const version = '1.38.0';

/**
 * Finds, or gets once, the time-skipping server of the tests: the program TEMPORAL_TEST_SERVER
 * names, else our cache, the official download, or the Java archives from Maven behind a script.
 * Give it to `TestWorkflowEnvironment.createTimeSkipping` as an `existing-path`.
 * @throws Error that says what to install
 */
export async function findTestServer({
  progress = () => {},
}: { progress?: Say } = {}): Promise<string> {
  const given = process.env['TEMPORAL_TEST_SERVER'];
  if (given) {
    if (existsSync(given)) return given;
    throw new Error(`TEMPORAL_TEST_SERVER names ${given}, which is not there.`);
  }
  const home = path.join(toolCache(), `temporal-test-server-${version}`);
  const cached = path.join(home, 'temporal-test-server');
  if (existsSync(cached)) return cached;

  await firstThatWorks({
    place: home,
    ways: [
      async (draft) => {
        const download = path.join(draft, 'download');
        mkdirSync(download);
        const program = await downloadOfficial({
          program: 'test-server',
          version: 'default',
          into: download,
          progress,
        });
        if (!program) return undefined;
        renameSync(program, path.join(draft, 'temporal-test-server'));
        rmSync(download, { recursive: true });
        return settle(draft, home);
      },
      async (draft) => {
        if (!answers('mvn', '--version') || !answers('java', '-version')) return undefined;
        await copyFromMaven(draft, progress);
        return settle(draft, home);
      },
    ],
    advice:
      'The time-skipping Temporal test server is missing and could not be downloaded: install ' +
      'Java 17 and Maven, or set TEMPORAL_TEST_SERVER to the path of temporal-test-server.',
  });
  return cached;
}

/** Two processes may get it at once; the first one's is kept. */
function settle(draft: string, home: string): string {
  if (!existsSync(home)) renameSync(draft, home);
  return home;
}

async function copyFromMaven(draft: string, progress: Say): Promise<void> {
  writeFileSync(path.join(draft, 'pom.xml'), pom);
  await runTool({
    command: 'mvn',
    args: [
      '-B',
      '-q',
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      '-DoutputDirectory=jars',
    ],
    cwd: draft,
    doing: `fetching temporal-test-server ${version} with Maven`,
    progress,
  });
  const script = path.join(draft, 'temporal-test-server');
  writeFileSync(script, launcher);
  chmodSync(script, 0o755);
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>surety</groupId>
  <artifactId>test-server</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>io.temporal</groupId>
      <artifactId>temporal-test-server</artifactId>
      <version>${version}</version>
    </dependency>
  </dependencies>
</project>
`;

const launcher = `#!/bin/sh
exec java -Xmx512m -cp "$(dirname "$0")/jars/*" io.temporal.testserver.TestServer "$@"
`;

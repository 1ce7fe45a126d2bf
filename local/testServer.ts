import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Say } from './progress.ts';
import { startTied } from './tiedProcess.ts';
import {
  answers,
  downloadOfficial,
  firstThatWorks,
  programOf,
  runTool,
  toolCache,
} from './toolCache.ts';

const version = '1.38.0';
/** Of what is kept beside it. */
const edition = 2;

/**
 * Finds, or gets once, the time-skipping server of the tests: the program TEMPORAL_TEST_SERVER
 * names, else our cache, the official download, or the Java archives from Maven behind a script.
 * Give it to `TestWorkflowEnvironment.createTimeSkipping` as an `existing-path`.
 * @throws Error that says what to install
 */
export async function findTestServer({
  progress = () => {},
}: { progress?: Say } = {}): Promise<string> {
  const given = programOf('TEMPORAL_TEST_SERVER');
  if (given) return given;
  const home = path.join(toolCache(), `temporal-test-server-${version}-${edition}`);
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
  const first = await startTied({
    command: 'sh',
    args: ['-c', `exec ${archiveClasses}`],
    cwd: draft,
    deathSignal: 'TERM',
  });
  await pause(5_000);
  await first.stop(['SIGTERM'], 20_000);
  if (existsSync(path.join(draft, 'classes.jsa'))) return;
  throw new Error(`Java could not run the server: ${first.lastLines().join(' ')}`);
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

/** It lives for seconds: the slower compiler that begins at once, and classes read beforehand. */
const java = 'java -Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC';
const server = "-cp 'jars/*' io.temporal.testserver.TestServer";

const launcher = `#!/bin/sh
cd "$(dirname "$0")"
exec ${java} -XX:SharedArchiveFile=classes.jsa ${server} "$@"
`;

/** A first start, whose end writes down which classes it read. */
const archiveClasses = `${java} -XX:ArchiveClassesAtExit=classes.jsa ${server} 0`;

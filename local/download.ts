import { TestWorkflowEnvironment } from '@temporalio/testing';

/**
 * Run as a program: `download.ts cli|test-server VERSION FOLDER`. A process of its own, because
 * the SDK's runtime hooks signals and cannot be told to give up.
 */
const [program, version = 'default', downloadDir = '.'] = process.argv.slice(2);
const executable = { type: 'cached-download', version, downloadDir } as const;

const environment =
  program === 'cli'
    ? await TestWorkflowEnvironment.createLocal({ server: { executable } })
    : await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
await environment.teardown();

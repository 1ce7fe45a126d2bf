import { TestWorkflowEnvironment } from '@temporalio/testing';

/** A start is given five seconds by the SDK, which a busy machine may not keep to. */
export async function startSkippingServer(
  program: string,
  tries = 5,
): Promise<TestWorkflowEnvironment> {
  try {
    return await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: program } },
    });
  } catch (error) {
    if (tries === 1) throw error;
    return startSkippingServer(program, tries - 1);
  }
}

import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowStart } from '../../src/models/OutboxEntry.ts';
import { searchAttributePairs } from '../../src/workflows/searchAttributes.ts';

/** Dispatches a promised start to a test server, as `temporal.ts` does to the real one. */
export const startWorkflow = (
  { client }: Pick<TestWorkflowEnvironment, 'client'>,
  { workflowType, workflowId, input, attributes, summary }: WorkflowStart,
) =>
  client.workflow.start(workflowType, {
    workflowId,
    taskQueue: 'test-lifecycle',
    args: [input],
    staticSummary: summary,
    typedSearchAttributes: searchAttributePairs(attributes),
  });

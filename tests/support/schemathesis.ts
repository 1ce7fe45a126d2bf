import type { Say } from '../../local/progress.ts';
import { findPythonTool } from './pythonTool.ts';

const schemathesis = {
  name: 'schemathesis',
  version: '4.32.5',
  requirement: 'schemathesis',
  program: 'schemathesis',
  variable: 'SCHEMATHESIS',
  neededBy: 'The contract tests',
} as const;

/** The program that tests an API against its OpenAPI document. */
export const findSchemathesis = (options: { progress?: Say } = {}): Promise<string> =>
  findPythonTool(schemathesis, options);

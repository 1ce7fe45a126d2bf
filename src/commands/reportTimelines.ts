import { Report } from '../models/Report.ts';
import { getRow } from '../models/rows.ts';
import { reportWorkflowId } from '../rules/workflowIds.ts';
import type { Temporal } from './temporal.ts';
import { createTimelines, type Story } from './timelines.ts';

const story: Story<Report> = {
  noun: 'report',
  workflowId: reportWorkflowId,
  find: (_actor, id) => getRow(Report, id),
  eventTitles: {
    ask: 'Asked for',
    generate: 'Asked for anew',
    begin: 'Generation began',
    complete: 'Ready',
    fail: 'Failed',
  },
  isNotice: () => false,
  titleOf: (name) => name,
  consequenceOf: () => '',
  movesOf: () => [],
  waitsForPerson: () => undefined,
  withoutDate: 'its tables are being read',
};

/** A report has no deadlines of its own. */
export const createReportTimelines = (temporal: Pick<Temporal, 'failingStep' | 'uiUrl'>) =>
  createTimelines(temporal, story);

export type ReportTimelines = ReturnType<typeof createReportTimelines>;

import {
  ApplicationFailure,
  ApplicationFailureCategory,
  defaultPayloadConverter,
} from '@temporalio/common';
import type { ActivityInboundCallsInterceptor } from '@temporalio/worker';
import type { Context, Info } from '@temporalio/activity';
import { runInContext } from '../src/context.ts';
import { Refusal } from '../src/errors.ts';
import { failpoint } from '../src/failpoints.ts';
import { platformCompanyId, withTenant } from '../src/models/database.ts';
import { noteRetriedStep } from '../src/models/retriedSteps.ts';
import { leastAttempts } from '../src/rules/alerts.ts';
import { companyIn, isDelivery } from '../src/rules/workflowIds.ts';
import { contextHeader, type CauseContext } from '../src/workflows/context.ts';
import { maxSilenceMs } from '../src/workflows/doing.ts';

/**
 * Around every activity: who caused it, that it stays within its company, that it is heard of while it
 * waits for something outside, and that a refusal is not tried again. Anything else that fails is
 * tried until it works.
 */
export const activityInterceptor = (context: Context): ActivityInboundCallsInterceptor => ({
  async execute(input, next) {
    const { info } = context;
    const header = input.headers[contextHeader];
    const cause = header
      ? defaultPayloadConverter.fromPayload<CauseContext>(header)
      : { requestId: '' };
    const workflowId = info.workflowExecution?.workflowId ?? '';
    refuseForeignCompany(workflowId, input.args[0], cause.companyId);
    return runInContext({ ...cause, workflowId, activity: info.activityType }, async () => {
      await noteRetry(info, workflowId);
      const beating = isSpokenFor(info) && setInterval(() => context.heartbeat(), beatEveryMs);
      try {
        failpoint('activity.before', info.activityType);
        const result = await next(input);
        failpoint('activity.after', info.activityType);
        return result;
      } catch (error) {
        throw error instanceof Refusal ? asFailure(error) : error;
      } finally {
        if (beating) clearInterval(beating);
      }
    });
  },
});

/**
 * A step that has failed before is noted for the alerts. Messages have a rule of their own. Where even
 * that cannot be written, the step is tried all the same.
 */
async function noteRetry(
  { attempt, activityType, scheduledTimestampMs }: Info,
  workflowId: string,
): Promise<void> {
  if (attempt <= leastAttempts || isDelivery(workflowId)) return;
  const companyId = companyIn(workflowId) ?? platformCompanyId;
  const since = new Date(scheduledTimestampMs);
  await withTenant(companyId, () =>
    noteRetriedStep(companyId, { workflowId, step: activityType, since }),
  ).catch(() => undefined);
}

const isSpokenFor = ({ heartbeatTimeoutMs }: Info): boolean => heartbeatTimeoutMs === maxSilenceMs;

const beatEveryMs = maxSilenceMs / 5;

const asFailure = (refusal: Refusal): ApplicationFailure =>
  ApplicationFailure.create({
    message: refusal.message,
    type: refusal.code,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
    details: [{ status: refusal.status, facts: refusal.facts, fields: refusal.details }],
  });

/** Workflows of the platform itself name no company in their id. */
const ofPlatform = /^(?:onboarding|schedule)\//;

/** A bug must not carry one company's work into another's rows. */
function refuseForeignCompany(
  workflowId: string,
  input: unknown,
  headerCompany: string | undefined,
): void {
  if (ofPlatform.test(workflowId)) return;
  const idCompany = workflowId.split('/')[1];
  const inputCompany =
    typeof input === 'object' && input !== null && 'companyId' in input
      ? input.companyId
      : undefined;
  if (inputCompany === idCompany && (headerCompany ?? idCompany) === idCompany) return;
  throw ApplicationFailure.nonRetryable(
    'The company of the input, the header and the workflow id differ',
    'COMPANY_MISMATCH',
  );
}

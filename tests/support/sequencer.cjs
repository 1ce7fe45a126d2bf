const TestSequencer = require('@jest/test-sequencer').default;

/** What takes minutes goes first, so that nothing long is left over at the end. */
const long = [
  /journeys\/(races|bulkKilled)/,
  /contract\/contract/,
  /badDays\//,
  /browser\//,
  /wall\/(matrix|ownership|canary|tokens|standing)/,
  /activities\/(subscription|onboarding|acknowledgement)Model/,
  /identity\/sessionModel/,
  /deploy\/companyCli/,
];

const rank = ({ path }) => {
  const index = long.findIndex((pattern) => pattern.test(path));
  return index === -1 ? long.length : index;
};

const inOrder = (tests) =>
  tests.toSorted((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));

module.exports = class LongFirst extends TestSequencer {
  /** Dealt out one by one, so that each part gets its share of what takes long. */
  shard(tests, { shardIndex, shardCount }) {
    return inOrder(tests).filter((_, place) => place % shardCount === shardIndex - 1);
  }

  sort(tests) {
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
};

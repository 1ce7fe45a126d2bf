const TestSequencer = require('@jest/test-sequencer').default;

/** What takes minutes goes first, so that nothing long is left over at the end. */
const long = [
  /journeys\/(races|bulkKilled)/,
  /contract\/contract/,
  /badDays\//,
  /wall\/(matrix|ownership|canary|tokens|standing)/,
  /activities\/(subscription|onboarding)Model/,
  /identity\/sessionModel/,
  /deploy\/companyCli/,
];

const rank = ({ path }) => {
  const index = long.findIndex((pattern) => pattern.test(path));
  return index === -1 ? long.length : index;
};

module.exports = class LongFirst extends TestSequencer {
  sort(tests) {
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
};

const { pathToFileURL } = require('node:url');
const { default: Runtime } = require('jest-runtime');

/** Under these jest's framework keeps what belongs to one file. */
const ofOneFile = ['JEST_STATE_SYMBOL', 'EVENT_HANDLERS', 'TEST_TIMEOUT_SYMBOL'];

let files = 0;

/** Files of tests are imported by Node itself, which tsx has taught TypeScript; see `environment.mjs`. */
module.exports = class NodeRuntime extends Runtime {
  /** The framework, anew for each file. */
  requireInternalModule(file) {
    for (const symbol of Object.getOwnPropertySymbols(globalThis)) {
      if (ofOneFile.includes(symbol.description)) delete globalThis[symbol];
    }
    delete require.cache[file];
    return require(file);
  }

  unstable_shouldLoadAsEsm() {
    return true;
  }

  unstable_importModule(file) {
    // Jest's own knows only what jest has compiled; Node reads the maps of tsx.
    Error.prepareStackTrace = undefined;
    globalThis.jest = this.jestGlobals.jestObjectFor(file);
    return import(`${pathToFileURL(file).href}?${(files += 1)}`);
  }
};

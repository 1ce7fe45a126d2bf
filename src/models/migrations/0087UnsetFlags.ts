/** A value that was set for a company can be taken back, so that the platform's holds again. */
const up = 'GRANT DELETE ON platform.feature_flags TO app_global;';
const down = 'REVOKE DELETE ON platform.feature_flags FROM app_global;';

export const unsetFlags = { name: '0087-unset-flags', up, down };

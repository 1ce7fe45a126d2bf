import { ConfigError, readConfig, refuseOpenMetrics } from '../src/config.ts';

const needed = { DATABASE_URL: 'postgres://app_api@127.0.0.1/surety' };

describe('the configuration', () => {
  it('gives each module its own level in the log', () => {
    const { logLevels } = readConfig({ ...needed, LOG_LEVELS: 'relay=warn, temporal=error' });

    expect(logLevels).toEqual({ relay: 'warn', temporal: 'error' });
  });

  it.each([
    ['PORT', '70000'],
    ['LOG_LEVEL', 'loud'],
    ['LOG_LEVELS', 'relay=loud'],
    ['LOG_LEVELS', 'relay'],
    ['DATABASE_URL', 'mysql://127.0.0.1/surety'],
    ['RATE_LIMIT_STORE', 'disk'],
  ])('refuses %s=%s in a sentence that names it', (name, value) => {
    const read = () => readConfig({ ...needed, [name]: value });

    expect(read).toThrow(ConfigError);
    expect(read).toThrow(new RegExp(`^Configuration: "${name}" [^\\n]+$`));
  });

  it('has host names in lower case, as requests are told apart by them', () => {
    const { allowedHosts, platformDomain } = readConfig({
      DATABASE_URL: 'postgres://nobody@127.0.0.1/none',
      ALLOWED_HOSTS: 'API.Surety.example, localhost',
      PLATFORM_DOMAIN: 'Surety.Example',
    });

    expect(allowedHosts).toEqual(['api.surety.example', 'localhost']);
    expect(platformDomain).toBe('surety.example');
  });

  it('refuses in production what development is content with', () => {
    const production = {
      ...needed,
      ENVIRONMENT: 'production',
      SECRET_KEY: 'x'.repeat(32),
      JWT_SECRET_KEY: 'y'.repeat(32),
    };

    expect(readConfig(production)).toMatchObject({ showStack: false, logLevel: 'info' });
    expect(readConfig(needed)).toMatchObject({ showStack: true, logLevel: 'debug' });
    expect(() => refuseOpenMetrics(readConfig(needed))).not.toThrow();
    for (const token of ['', 'm'.repeat(31)]) {
      const open = readConfig({ ...production, METRICS_TOKEN: token });
      expect(() => refuseOpenMetrics(open)).toThrow(ConfigError);
    }
    const closed = readConfig({ ...production, METRICS_TOKEN: 'm'.repeat(32) });
    expect(() => refuseOpenMetrics(closed)).not.toThrow();
    for (const weak of [
      { SECRET_KEY: '' },
      { JWT_SECRET_KEY: 'y'.repeat(31) },
      { DEBUG: 'true' },
      { WEBHOOK_ALLOWED_ORIGINS: 'http://127.0.0.1:4000' },
    ]) {
      expect(() => readConfig({ ...production, ...weak })).toThrow(ConfigError);
    }
  });
});

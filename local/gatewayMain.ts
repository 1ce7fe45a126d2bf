import { startGatewaySimulator } from './gatewaySimulator.ts';

/** Run as a program: the simulated payment gateway, until SIGTERM. */
const { GATEWAY_DIR: dir = '', GATEWAY_PORT: port, GATEWAY_KEY: key = '' } = process.env;
const { GATEWAY_HOST: host = '127.0.0.1' } = process.env;
const { GATEWAY_WEBHOOK_URL: url = '', GATEWAY_WEBHOOK_SECRET: secret = '' } = process.env;

const gateway = await startGatewaySimulator({
  dir,
  host,
  port: Number(port),
  key,
  webhook: { url, secret },
});
process.once('SIGTERM', () => void gateway.stop().then(() => process.exit(0)));

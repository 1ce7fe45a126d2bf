import { isSigned, signatureOf } from '../../src/gateways/webhookSignature.ts';

describe('the signature of a webhook', () => {
  /** Those that Standard Webhooks publishes for its libraries. */
  const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
  const message = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: '1614265330' };
  const body = '{"test": 2432232314}';
  const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';

  it('is the one of the published vector', () => {
    expect(signatureOf(secret, message, body)).toBe(signature);
  });

  it.each([
    ['another body', { body: '{"test": 2432232315}' }],
    ['another id', { id: 'msg_p5jXN8AQM9LWM0D4loKWxYek' }],
    ['another time', { timestamp: '1614265331' }],
  ])('is another one for %s', (_, change) => {
    const { body: text, ...signed } = { ...message, body, ...change };

    expect(signatureOf(secret, signed, text)).not.toBe(signature);
  });

  it('is found beside that of another secret', () => {
    const both = `${signatureOf('another', message, body)} ${signature}`;

    expect(isSigned(secret, { ...message, signature: both }, body, 1_614_265_330_000)).toBe(true);
  });
});

import { isHostName } from '../../src/rules/hostNames.ts';

describe('a host name', () => {
  it.each([
    'acme.example',
    'acme',
    'a.b.c.example.co.uk',
    'xn--mnchen-3ya.de',
    '1and1.example',
    `${'a'.repeat(63)}.example`,
  ])('may be %s', (name) => {
    expect(isHostName(name)).toBe(true);
  });

  it.each([
    '',
    '.',
    'acme..example',
    '.example',
    'example.',
    'Acme.example',
    'acme.example:8080',
    'acme_co.example',
    '-acme.example',
    'acme-.example',
    'münchen.de',
    'https://acme.example',
    'acme.example/x',
    'user@acme.example',
    '127.0.0.1',
    '[::1]',
    'acme example',
    `${'a'.repeat(64)}.example`,
    `${'a.'.repeat(126)}ab`,
  ])('is not %s', (name) => {
    expect(isHostName(name)).toBe(false);
  });
});

import {
  canonicalLine,
  createDigest,
  hashOfLine,
  noHash,
  type ChainLine,
} from '../../src/models/auditChain.ts';
import { canonicalJson } from '../../src/rules/canonicalJson.ts';
import { erasedAs } from '../../src/rules/personalFields.ts';

const digest = createDigest('0123456789abcdef'.repeat(8));
const place = { seq: 7, sealedAt: '1763750000.123456', prevHash: noHash };
const line: ChainLine = {
  companyId: '0199a7c2-0000-7000-8000-000000000001',
  id: '0199a7c2-0000-7000-8000-000000000002',
  timestamp: '1763749999.000001',
  actorId: null,
  actorType: 'user',
  action: 'UPDATE',
  entityType: 'policy',
  entityId: null,
  before: { premium: '1.00', contact: { email: 'a@b.example', tags: ['x'] } },
  after: { premium: '2.00', terms: 3, firstName: 'Ada' },
  requestId: 'req_1',
  workflowId: null,
  ip: '192.0.2.1',
  userAgent: 'Mozilla/5.0',
};

describe("a line's hash", () => {
  it('is over canonical JSON without a value in clear', () => {
    const text = canonicalLine(line, place, digest);

    expect(text).toBe(canonicalJson(JSON.parse(text)));
    for (const value of ['1.00', 'a@b.example', 'Ada', '192.0.2.1', 'Mozilla']) {
      expect(text).not.toContain(value);
    }
  });

  it('has names in order and values as they are, of every kind and at any depth', () => {
    const after = {
      z: [1.5, null, true, ['text', { b: 1, a: erasedAs('0'.repeat(64)) }]],
      a: 'text',
      email: [erasedAs('0'.repeat(64))],
      large: Infinity,
      'a "name"': {},
    };
    const hidden = `"${digest('text')}"`;

    expect(JSON.parse(canonicalLine({ ...line, after }, place, digest)).after).toBe(
      `{"a":${hidden},"a \\"name\\"":{},"email":["${'0'.repeat(64)}"],"large":"Infinity",` +
        `"z":[1.5,null,true,[${hidden},{"a":"${digest(erasedAs('0'.repeat(64)))}","b":1}]]}`,
    );
  });

  it('changes with every field, with the place and with the hash before', () => {
    const hash = hashOfLine(line, place, digest);
    const others = [
      ...Object.keys(line).map((name) => hashOfLine({ ...line, [name]: 'other' }, place, digest)),
      hashOfLine(line, { ...place, seq: 8 }, digest),
      hashOfLine(line, { ...place, sealedAt: '1763750000.123457' }, digest),
      hashOfLine(line, { ...place, prevHash: hash }, digest),
      hashOfLine(line, place, createDigest('f'.repeat(128))),
    ];

    expect(new Set([hash, ...others]).size).toBe(others.length + 1);
  });

  it('stays when a personal value is erased, at any depth, and at no other value', () => {
    const hash = hashOfLine(line, place, digest);
    const erased = (text: string): string => erasedAs(digest(text));
    const without = {
      ...line,
      before: { premium: '1.00', contact: { email: erased('a@b.example'), tags: ['x'] } },
      after: { ...Object(line.after), firstName: erased('Ada') },
      ip: erased('192.0.2.1'),
      userAgent: erased('Mozilla/5.0'),
    };
    const hidden = { ...line, after: { ...Object(line.after), premium: erased('2.00') } };

    expect(hashOfLine(without, place, digest)).toBe(hash);
    expect(hashOfLine(hidden, place, digest)).not.toBe(hash);
    expect(hashOfLine({ ...line, ip: erased('192.0.2.2') }, place, digest)).not.toBe(hash);
  });
});

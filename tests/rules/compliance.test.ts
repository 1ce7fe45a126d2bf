import { requirementsProblem } from '../../src/rules/compliance.ts';

describe('the requirements of a compliance', () => {
  const requirements = (...codes: string[]) => codes.map((code) => ({ code, text: 'Be careful' }));

  it('have codes of their own, whatever their case', () => {
    expect(requirementsProblem(requirements('A.1', 'A.2', 'a.1'))).toMatchObject({
      index: 2,
      code: 'REPEATED',
    });
    expect(requirementsProblem(requirements('A.1', 'A.2', 'A.11'))).toBeUndefined();
    expect(requirementsProblem([])).toBeUndefined();
  });
});

/**
 * One text for one JSON value, whatever order its names came in (RFC 8785): names sorted by code units,
 * no spaces, numbers as ECMAScript writes them. Members that are undefined are left out.
 * @throws TypeError for what JSON has no words for, such as NaN or a bigint
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map((each) => canonicalJson(each ?? null)).join(',')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`${value} is no JSON number`);
  }
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`A ${typeof value} is no JSON value`);
  return text;
}

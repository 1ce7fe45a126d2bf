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
    const members = new Map(Object.entries(value));
    let text = '';
    for (const name of [...members.keys()].toSorted()) {
      const member: unknown = members.get(name);
      if (member === undefined) continue;
      text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(member)}`;
    }
    return `{${text}}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new TypeError(`${value} is no JSON number`);
  }
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`A ${typeof value} is no JSON value`);
  return text;
}

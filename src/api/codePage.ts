import { createHash } from 'node:crypto';
import { rawRoute, type Route } from './route.ts';

interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: 'text' | 'password';
  readonly autocomplete: string;
  /** Left empty, it is not sent. */
  readonly isOptional?: true;
}

/** Two fields that must be equal; the second one is not sent. */
export const newPassword: readonly Field[] = [
  { name: 'password', label: 'Password', type: 'password', autocomplete: 'new-password' },
  { name: 'again', label: 'Once more', type: 'password', autocomplete: 'new-password' },
];

/**
 * Where a link of a mail leads: a form that posts its fields and the `code` after the # to a route. No
 * server sees the code before somebody presses the button, so that no scanner of mails uses it up.
 */
export function codePage({
  path,
  title,
  tag,
  button,
  fields = [],
  postTo,
}: {
  readonly path: string;
  readonly title: string;
  readonly tag: string;
  readonly button: string;
  readonly fields?: readonly Field[];
  /** Below the root, prefix included. */
  readonly postTo: string;
}): Route {
  const script = scriptFor(postTo);
  const page = pageWith({ title, button, fields, script });
  const digest = createHash('sha256').update(script).digest('base64');
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${digest}'`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

  return rawRoute({
    method: 'GET',
    path,
    root: true,
    permission: 'public',
    company: false,
    summary: `Page to which a one-time link leads: ${title}`,
    tag,
    mediaType: 'text/html; charset=utf-8',
    handle({ setHeader }) {
      setHeader('Content-Security-Policy', policy);
      return page;
    },
  });
}

const scriptFor = (path: string): string => `
const form = document.forms[0];
const says = document.querySelector('output');
form.onsubmit = async (event) => {
  event.preventDefault();
  const { again, ...body } = Object.fromEntries(
    [...new FormData(form)].filter(([, value]) => value !== ''),
  );
  if (again !== undefined && again !== body.password) return (says.value = 'The two passwords differ.');
  const response = await fetch(${JSON.stringify(path)}, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ code: location.hash.slice(1), ...body }),
  });
  const { message, details } = await response.json();
  says.value = details?.length ? details.map((detail) => detail.message + '.').join(' ') : message;
  if (response.ok) form.hidden = true;
};
`;

const pageWith = ({
  title,
  button,
  fields,
  script,
}: {
  readonly title: string;
  readonly button: string;
  readonly fields: readonly Field[];
  readonly script: string;
}): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>${title}</title>
  </head>
  <body>
    <h1>${title}</h1>
    <form>
      ${fields.map(inputFor).join('\n      ')}
      <p><button>${button}</button>
    </form>
    <output></output>
    <script>${script}</script>
  </body>
</html>
`;

const inputFor = ({ name, label, type, autocomplete, isOptional }: Field): string =>
  `<p><label>${label} <input name="${name}" type="${type}" autocomplete="${autocomplete}"${isOptional ? '' : ' required'}></label>`;

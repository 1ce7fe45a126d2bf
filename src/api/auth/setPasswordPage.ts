import { createHash } from 'node:crypto';
import { rawRoute, type Route } from '../route.ts';

/** Where a one-time link leads. The code stands after the #, so no server sees it before it is used. */
export function setPasswordPage(prefix: string): Route {
  const script = scriptFor(`${prefix}/auth/password-reset/confirm`);
  const page = pageWith(script);
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
    path: '/set-password',
    root: true,
    permission: 'public',
    company: false,
    summary: 'Page on which a one-time link sets a password',
    tag: 'Identity',
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
  const [password, again] = [form.password.value, form.again.value];
  if (password !== again) return (says.value = 'The two passwords differ.');
  const response = await fetch(${JSON.stringify(path)}, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ code: location.hash.slice(1), password }),
  });
  const { message, details } = await response.json();
  says.value = details?.length ? details.map((detail) => detail.message + '.').join(' ') : message;
  if (response.ok) form.hidden = true;
};
`;

const pageWith = (script: string): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Set your password</title>
  </head>
  <body>
    <h1>Set your password</h1>
    <form>
      <p><label>Password <input name="password" type="password" autocomplete="new-password" required></label>
      <p><label>Once more <input name="again" type="password" autocomplete="new-password" required></label>
      <p><button>Set password</button>
    </form>
    <output></output>
    <script>${script}</script>
  </body>
</html>
`;

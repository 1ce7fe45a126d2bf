import { randomBytes } from 'node:crypto';
import { v7 as uuid } from 'uuid';
import type { Passwords } from '../src/commands/passwords.ts';
import { AuditLog } from '../src/models/AuditLog.ts';
import { Credential } from '../src/models/Credential.ts';
import { Customer } from '../src/models/Customer.ts';
import { asIdentity, execute, withTenant } from '../src/models/database.ts';
import { Employee } from '../src/models/Employee.ts';
import type { Role } from '../src/rules/permissions.ts';

/** How the staff sign in: all with one password. */
export interface StaffLogins {
  readonly password: string;
  readonly emails: readonly string[];
}

interface Department {
  readonly name: string;
  readonly size: number;
  readonly work: string;
  /** Who of the demo accounts works there, from the head on; null is a seat of somebody else. */
  readonly accounts: readonly (Role | null)[];
}

/** Whom the document is for that nobody has confirmed. */
export const lateDepartment = 'Legal';

const departments: readonly Department[] = [
  {
    name: 'Finance',
    size: 30,
    work: 'Accountant',
    accounts: ['executive', 'hr', 'compliance_manager', 'auditor'],
  },
  {
    name: 'Claims',
    size: 170,
    work: 'Claims handler',
    accounts: ['claims_manager', 'senior_adjuster', 'adjuster'],
  },
  { name: 'Customer service', size: 140, work: 'Service agent', accounts: ['call_center'] },
  { name: 'Sales', size: 93, work: 'Sales advisor', accounts: [null, 'employee'] },
  { name: 'Engineering', size: 60, work: 'Engineer', accounts: ['tenant_admin', 'operator'] },
  { name: lateDepartment, size: 7, work: 'Lawyer', accounts: [] },
];

const firstNames = (
  'Anna Ben Clara David Elif Felix Greta Hugo Ida Jonas Karla Liam Mara ' +
  'Noah Olga Paul Rosa Sami Tilda Uwe Vera Willi Yara Zoe Amir'
).split(' ');
const lastNames = (
  'Adler Becker Conrad Dietz Ernst Fuchs Graf Haas Imhof Jung Kaya ' +
  'Lang Moser Nowak Otto Peters Roth Sauer Thiel Vogt'
).split(' ');

interface Seat {
  readonly department: Department;
  /** Counted within the department; 0 is its head. */
  readonly at: number;
  /** The demo account whose seat it is. */
  readonly account: Role | null;
  /** Of somebody else. */
  readonly name: string;
}

const seats: readonly Seat[] = departments
  .flatMap((department) =>
    Array.from({ length: department.size }, (_, at) => ({
      department,
      at,
      account: department.accounts[at] ?? null,
    })),
  )
  .map((seat, place) => ({ ...seat, name: nameAt(place) }));

/** Everybody has another one. */
function nameAt(place: number): string {
  const first = place % firstNames.length;
  const last = (first + Math.floor(place / firstNames.length)) % lastNames.length;
  return `${firstNames[first]} ${lastNames[last]}`;
}

const emailOf = ({ name }: Seat, code: string): string =>
  `${name.toLowerCase().replace(' ', '.')}@${code.toLowerCase()}.example`;

export const chooseStaffLogins = (code: string): StaffLogins => ({
  password: `${randomBytes(12).toString('base64url')}-Aa1`,
  emails: seats.filter(({ account }) => account === null).map((seat) => emailOf(seat, code)),
});

/** Somebody of the staff as they are stored. */
interface Person {
  readonly id: string;
  readonly audit: string;
  readonly user: string;
  readonly name: string;
  readonly email: string;
  readonly role: string;
  readonly department: string;
  readonly manager: string | null;
  readonly joined: string;
}

/**
 * Five hundred people who work for the company itself, those of the demo accounts among them, each with an
 * account: all of it or nothing, in a handful of statements.
 */
export async function seedStaff({
  company: { id: companyId, code },
  accounts,
  logins,
  passwords,
}: {
  readonly company: { readonly id: string; readonly code: string };
  readonly accounts: readonly { readonly role: Role; readonly email: string }[];
  readonly logins: StaffLogins;
  readonly passwords: Passwords;
}): Promise<void> {
  await withTenant(companyId, async () => {
    if ((await Employee.count()) > 0) return;
    const own = await Customer.findOne({ where: { isSelf: true }, rejectOnEmpty: true });
    const emails = new Map<Role | null, string>(accounts.map(({ role, email }) => [role, email]));
    const passwordHash = await passwords.hash(logins.password);
    const people = await asIdentity(async () => {
      const known = await Credential.findAll({ where: { email: [...emails.values()] } });
      const users = new Map(known.map(({ id, email }) => [email, id]));
      const staff = peopleOf(code, emails, users);
      await addAccounts(
        staff.filter(({ email }) => !users.has(email)),
        passwordHash,
      );
      return staff;
    });
    await addEmployees(own.id, people);
  });
}

function peopleOf(
  code: string,
  emails: ReadonlyMap<Role | null, string>,
  users: ReadonlyMap<string, string>,
): readonly Person[] {
  const ids = seats.map(() => uuid());
  const headOf = (name: string): string | undefined =>
    ids[seats.findIndex(({ department, at }) => department.name === name && at === 0)];
  const top = ids[seats.findIndex(({ account }) => account === 'executive')];
  return seats.map((seat, place) => {
    const { department, at, account, name } = seat;
    const email = emails.get(account) ?? emailOf(seat, code);
    const id = ids[place] ?? '';
    const above = at === 0 ? top : headOf(department.name);
    return {
      id,
      audit: uuid(),
      user: users.get(email) ?? uuid(),
      name: account === null ? name : `Demo ${account.replaceAll('_', '-')}`,
      email,
      role: at === 0 ? `Head of ${department.name}` : department.work,
      department: department.name,
      manager: above === id ? null : (above ?? null),
      joined: `${2016 + (place % 9)}-03-01`,
    };
  });
}

/** Each may sign in, and answer for themself. */
async function addAccounts(people: readonly Person[], passwordHash: string): Promise<void> {
  const json = JSON.stringify(
    people.map(({ user, name, email }) => {
      const [first, last] = name.split(' ');
      const ids = { membership: uuid(), ofUser: uuid(), ofMembership: uuid() };
      return { user, email, username: email.split('@')[0], first, last, ...ids };
    }),
  );
  const from = `jsonb_to_recordset($1) AS s ("user" uuid, email text, username text, first text,
    last text, membership uuid, "ofUser" uuid, "ofMembership" uuid)`;
  await execute(
    `INSERT INTO platform.users (id, username, email, password_hash, first_name, last_name,
       email_confirmed_at)
     SELECT s."user", s.username, s.email, $2, s.first, s.last, now() FROM ${from}`,
    [json, passwordHash],
  );
  await AuditLog.recordEach(
    'CREATE',
    'user',
    `SELECT s."ofUser" AS audit_id, s."user" AS entity_id, NULL::jsonb AS before, NULL::jsonb AS after
     FROM ${from}`,
    [json],
  );
  await execute(
    `INSERT INTO platform.memberships (company_id, id, user_id, role)
     SELECT (SELECT app.company_id()), s.membership, s."user", 'employee' FROM ${from}`,
    [json],
  );
  await AuditLog.recordEach(
    'CREATE',
    'membership',
    `SELECT s."ofMembership" AS audit_id, s.membership AS entity_id, NULL::jsonb AS before,
       jsonb_build_object('userId', s."user", 'role', 'employee') AS after FROM ${from}`,
    [json],
  );
}

async function addEmployees(customerId: string, people: readonly Person[]): Promise<void> {
  const json = JSON.stringify(people);
  const from = `jsonb_to_recordset($1) AS s (id uuid, audit uuid, "user" uuid, name text, email text,
    role text, department text, manager uuid, joined date)`;
  await execute(
    `INSERT INTO employees (company_id, id, customer_id, user_id, name, email, role, department,
       manager_id, join_date)
     SELECT (SELECT app.company_id()), s.id, $2, s."user", s.name, s.email, s.role, s.department,
       s.manager, s.joined FROM ${from}`,
    [json, customerId],
  );
  await AuditLog.recordEach(
    'CREATE',
    Employee.entityType,
    `SELECT s.audit AS audit_id, s.id AS entity_id, NULL::jsonb AS before,
       jsonb_build_object('fullName', s.name, 'email', s.email, 'role', s.role,
         'department', s.department, 'managerId', s.manager, 'joinDate', s.joined,
         'customerId', $2::uuid, 'userId', s."user") AS after FROM ${from}`,
    [json, customerId],
  );
}

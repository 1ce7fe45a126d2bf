import { v7 as uuid } from 'uuid';

export interface Attempt {
  readonly what: string;
  readonly sql: string | readonly string[];
  /** SQLSTATE, or how many rows the last statement gives. */
  readonly outcome: string | number;
  /** What is set before; ours unless told. */
  readonly company?: string | undefined;
}

/** Who tries, and what there is to get at. */
export interface Scene {
  readonly ours: string;
  readonly theirs: {
    readonly companyId: string;
    readonly planId: string;
    readonly categoryId: string;
    readonly userId: string;
  };
  readonly superuser: string;
}

/** In what belongs to the other company, and nowhere else. */
export const marker = 'Zyzzyva';

export const denied = '42501';

type Statements = Readonly<Record<string, string>>;

const allWith =
  (outcome: string | number) =>
  (statements: Statements): Attempt[] =>
    Object.entries(statements).map(([what, sql]) => ({ what, sql, outcome }));

export const refused = allWith(denied);

/** They run, and lead to no row. */
export const empty = allWith(0);

/** What follows INSERT INTO shared.property_categories. */
export const category = (companyId: string, name = marker): string =>
  `(company_id, id, name, segment) VALUES ('${companyId}', '${uuid()}', '${name}', 'residential')`;

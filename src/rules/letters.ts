import type { CalendarDate } from './calendar.ts';

/** One letter, the same whether it is drawn as a page or as a PDF. */
export interface Letter {
  readonly fileName: string;
  /** The company's lines at the head. */
  readonly sender: readonly string[];
  readonly recipient: string;
  /** In the company's time zone. */
  readonly date: CalendarDate;
  readonly references: readonly (readonly [label: string, value: string])[];
  readonly subject: string;
  readonly paragraphs: readonly string[];
}

import { createHash } from 'node:crypto';
import type { ReportFile } from '../../commands/reports.ts';
import type { ReportChart, ReportTable } from '../../models/reportData.ts';
import { chartOf, escaped } from './chart.ts';

/** One page to look at or to print; it loads nothing and runs nothing. */
export const pageOf = ({ report, data, generatedAt }: ReportFile): string => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>${escaped(report.name)}</title>
    <style>${style}</style>
  </head>
  <body>
    <h1>${escaped(report.name)}</h1>
    <p>${escaped(headline(data.reportType, data.period))}<br>
      Generated ${escaped(timeIn(generatedAt, data.timeZone))}</p>
    ${data.tables.map(sectionOf).join('\n    ')}
  </body>
</html>
`;

const headline = (type: string, { from, to }: ReportFile['data']['period']): string => {
  const what = type.replaceAll('_', ' ');
  const since = from === null ? '' : ` from ${from}`;
  return `${what[0]?.toUpperCase()}${what.slice(1)}${since}${to === null ? '' : ` until before ${to}`}`;
};

const timeIn = (instant: Date, timeZone: string): string =>
  `${new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' }).format(instant)}, ${timeZone}`;

const sectionOf = (table: ReportTable): string => `<section>
      <h2>${escaped(table.title)}</h2>
      ${table.rows.length === 0 ? '<p>Nothing in this period.</p>' : filled(table)}
    </section>`;

const filled = (table: ReportTable): string => `${table.charts
  .map((chart: ReportChart) => chartOf(chart, table))
  .join('\n      ')}
      <div class="wide"><table>
        <thead><tr>${table.columns.map(({ label, kind }) => `<th class="${kind}" scope="col">${escaped(label)}</th>`).join('')}</tr></thead>
        <tbody>
          ${table.rows.map((row) => rowOf(row, table)).join('\n          ')}
        </tbody>
      </table></div>${table.isTruncated ? '\n      <p>There were more rows; narrow the filters to see them.</p>' : ''}`;

const rowOf = (row: ReportTable['rows'][number], { columns }: ReportTable): string =>
  `<tr>${columns
    .map(({ name, kind }) => `<td class="${kind}">${escaped(row[name] ?? '')}</td>`)
    .join('')}</tr>`;

const style = `
body { font: 15px/1.45 system-ui, sans-serif; color: #1c2430; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
h2 { font-size: 1.15rem; margin-top: 2.5rem; }
figure { margin: 1rem 0 1.5rem; }
figcaption { font-weight: 600; }
svg { width: 100%; height: auto; }
svg text { font: 12px system-ui, sans-serif; fill: #1c2430; }
.series0 { fill: #1f6fb2; }
.series1 { fill: #e08e2b; }
.series2 { fill: #7a8794; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { padding: 0.3rem 0.6rem; border-bottom: 1px solid #d9dee5; text-align: left; vertical-align: bottom; }
.count, .money { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media print { body { margin: 0; } figure, tr { break-inside: avoid; } }
`;

/** Nothing but this style; whoever gets a script into a name gets it shown. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

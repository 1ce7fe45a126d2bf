import type { ReportChart, ReportTable } from '../../models/reportData.ts';

/** Text as it may stand in HTML and in its attributes. */
export const escaped = (value: string | number): string =>
  String(value).replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** More groups of bars nobody reads; the table below has them all. */
const mostGroups = 24;
const [width, labelWidth, valueWidth] = [800, 150, 130];
const [barHeight, groupGap, legendHeight] = [14, 8, 26];

/** Horizontal bars as SVG, drawn by attributes and classes alone, as a strict page allows. */
export function chartOf({ title, labels, series }: ReportChart, table: ReportTable): string {
  const rows = table.rows.slice(0, mostGroups);
  const shown = series.flatMap(
    (name) => table.columns.find((column) => column.name === name) ?? [],
  );
  const numberIn = (row: ReportTable['rows'][number], name: string): number =>
    Math.max(0, Number(row[name] ?? 0));
  const most = Math.max(1e-9, ...rows.flatMap((row) => series.map((name) => numberIn(row, name))));
  const scale = (width - labelWidth - valueWidth) / most;
  const groupHeight = shown.length * barHeight + groupGap;
  const height = legendHeight + rows.length * groupHeight;
  const names = distinct(labels, table);

  const legend = shown.map(({ label }, index) => {
    const x = labelWidth + index * 190;
    return `<rect class="series${index}" x="${x}" y="4" width="11" height="11"/><text x="${x + 16}" y="14">${escaped(label)}</text>`;
  });
  const groups = rows.map((row, place) => {
    const top = legendHeight + place * groupHeight;
    const name = names.map((column) => String(row[column] ?? '').replaceAll('_', ' ')).join(' ');
    const middle = top + (shown.length * barHeight) / 2 + 4;
    const bars = shown.map((column, index) => {
      const length = Math.max(1, numberIn(row, column.name) * scale).toFixed(1);
      const y = top + index * barHeight;
      const end = labelWidth + Number(length) + 5;
      return `<rect class="series${index}" x="${labelWidth}" y="${y}" width="${length}" height="${barHeight - 2}"/><text x="${end.toFixed(1)}" y="${y + barHeight - 4}">${escaped(row[column.name] ?? 0)}</text>`;
    });
    return `<text x="${labelWidth - 8}" y="${middle}" text-anchor="end">${escaped(name)}</text>${bars.join('')}`;
  });
  const rest = table.rows.length - rows.length;
  return `<figure>
        <figcaption>${escaped(title)}${rest > 0 ? `, the first ${mostGroups} rows` : ''}</figcaption>
        <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">${[...legend, ...groups].join('')}</svg>
      </figure>`;
}

/** Only labels that differ from row to row: one currency alone need not be said at every bar. */
function distinct(labels: readonly string[], { rows }: ReportTable): readonly string[] {
  const [main, ...others] = labels;
  const telling = others.filter((name) => new Set(rows.map((row) => row[name])).size > 1);
  return main === undefined ? telling : [main, ...telling];
}

/** The value below which that share (0 to 1) of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low = Number.NaN, high = low] = [
    sorted[Math.ceil(middle) - 1],
    sorted[Math.floor(middle)],
  ];
  return (low + high) / 2;
};

export const rounded = (value: number, digits = 1): number => Number(value.toFixed(digits));

/** How far the rounds lie apart, as part of their median: what the machine's other work does. */
export const spread = (values: readonly number[]): string =>
  `±${Math.round(((Math.max(...values) - Math.min(...values)) / 2 / median(values)) * 100)} %`;

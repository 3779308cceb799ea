/** Between columns, and the least width of one: those of kubectl's tables. */
const GAP = 3
const LEAST_WIDTH = 6

/**
 * Rows as kubectl prints them: each column as wide as its widest cell and three spaces, the last one as it is.
 * With `widths` (remembered from rows before, updated here) the rows of a watch stay in line.
 */
export function table(rows: readonly (readonly string[])[], widths: number[] = []): string {
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? LEAST_WIDTH, cell.length + GAP)
    })
  }
  return rows
    .map(
      (row) =>
        `${row
          .slice(0, -1)
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('')}${row.at(-1) ?? ''}\n`,
    )
    .join('')
}

/**
 * Reads CSV as RFC 4180 has it: fields in double quotes may hold commas, line breaks and doubled quotes.
 * Gives a record per line, by the names of the first line.
 * @throws Error naming the line, where a line has another number of fields than the first.
 */
export function readCsv(text: string): readonly Readonly<Record<string, string>>[] {
  const [header = [], ...rows] = fieldsOf(text)
  return rows.map((row, index) => {
    if (row.length !== header.length) {
      throw new Error(`CSV record ${index + 1} has ${row.length} fields; the header has ${header.length}`)
    }
    return Object.fromEntries(header.map((name, column) => [name, row[column] ?? '']))
  })
}

function fieldsOf(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  // Either a quoted field or a bare one, with what ends it.
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy
  // After a comma there is one more field, even at the very end.
  while (field.lastIndex < text.length || row.length > 0) {
    const at = field.lastIndex
    const match = field.exec(text)
    if (match === null) throw new Error(`CSV is broken at character ${at}`)
    row.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '')
    if (match[3] === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}

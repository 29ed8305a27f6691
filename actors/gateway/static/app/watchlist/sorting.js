/**
 * In which order the rows stand. Pure.
 */

/** @typedef {{id: string, label: string, title: string, numeric: boolean, value: (row: any) => string|number}} Column */

/** @type {Column[]} */
export const COLUMNS = [
  { id: "symbol", label: "Symbol", title: "Instrument and venue", numeric: false, value: (row) => row.key },
  { id: "price", label: "Mid", title: "Half-way between bid and ask", numeric: true, value: (row) => row.mid },
  { id: "change", label: "Chg", title: "Against the open of the UTC day", numeric: true, value: (row) => row.change ?? NaN },
  { id: "spread", label: "Spread", title: "Pips where the market counts in pips, else basis points", numeric: true, value: (row) => (row.ask - row.bid) / row.mid },
  { id: "spark", label: "1 h", title: "The last hour", numeric: true, value: (row) => row.change ?? NaN },
  { id: "age", label: "Age", title: "Since the quote left the venue's feed", numeric: true, value: (row) => -row.ts_recv_ns },
];

/**
 * `price` or `-price` of the address.
 * @param {string} text
 * @returns {{column: Column, isDescending: boolean}}
 */
export function parseSort(text = "") {
  const isDescending = text.startsWith("-");
  const id = text.replace(/^-/, "");
  return { column: COLUMNS.find((column) => column.id === id) ?? COLUMNS[0], isDescending };
}

/**
 * Rows in order; what has no value stands last either way.
 * @param {any[]} rows
 * @param {{column: Column, isDescending: boolean}} sort
 * @returns {any[]}
 */
export function sorted(rows, { column, isDescending }) {
  const sign = isDescending ? -1 : 1;
  return rows
    .map((row) => [column.value(row), row])
    .sort(([a, rowA], [b, rowB]) => {
      if (a === b) return rowA.key < rowB.key ? -1 : 1;
      if (Number.isNaN(a)) return 1;
      if (Number.isNaN(b)) return -1;
      return a < b ? -sign : sign;
    })
    .map(([, row]) => row);
}

/**
 * Rows as CSV (RFC 4180). Pure.
 */

/** One value as text: lists and maps as JSON, nothing as nothing. @param {any} value */
export function textOf(value) {
  if (value === null || value === undefined) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/* What a spreadsheet would run as a formula is text for it; numbers stay numbers. */
const FORMULA = /^[=+@\t\r]|^-(?![\d.])/;

function cell(value) {
  const raw = textOf(value);
  const text = typeof value === "string" && FORMULA.test(raw) ? `'${raw}` : raw;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {string[]} names @param {any[][]} rows */
export function csvOf(names, rows) {
  return [names, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
}

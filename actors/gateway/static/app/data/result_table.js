/**
 * A result of any length: only the rows in sight are in the page, in a table with the count of all for screen readers.
 */

import { h, replace, setAttribute, styleOf } from "../core/dom.js";
import { textOf } from "./csv.js";

const MARGIN = 12; // rows above and below what is seen
const WIDEST = 60;

const isNumeric = (type) => /int|float|double|decimal|hugeint|^numeric/i.test(type);

/**
 * @param {import("../main.js").Context} context
 * @returns {{element: HTMLElement, show: (result: import("./sql_ask.js").Result|null) => void}}
 */
export function resultTable({ frame }) {
  const head = h("tr", {});
  const above = h("tr", { class: "spacer", "aria-hidden": "true" }, h("td"));
  const below = h("tr", { class: "spacer", "aria-hidden": "true" }, h("td"));
  const body = h("tbody");
  const table = h("table", { class: "table result", "aria-label": "Result", "data-testid": "sql-result" }, h("thead", {}, head), body);
  const element = h("div", { class: "scroll result-place", tabindex: "0", role: "group", "aria-label": "Result, scrolls" }, table);
  let rows = [];
  let columns = [];
  let drawn = "";

  const rowHeight = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) || 24;

  function draw() {
    const height = rowHeight();
    const first = Math.max(0, Math.floor(element.scrollTop / height) - MARGIN);
    const last = Math.min(rows.length, Math.ceil((element.scrollTop + element.clientHeight) / height) + MARGIN);
    const key = `${first}|${last}`;
    if (key === drawn) return;
    drawn = key;
    styleOf(above.firstElementChild, "height", `${first * height}px`);
    styleOf(below.firstElementChild, "height", `${(rows.length - last) * height}px`);
    above.hidden = first === 0;
    below.hidden = last === rows.length;
    const cells = rows.slice(first, last).map((row, at) => h(
      "tr",
      { "aria-rowindex": String(first + at + 2), "data-testid": "sql-row" },
      row.map((value, column) => cellOf(value, columns[column])),
    ));
    replace(body, above, cells, below);
  }

  function cellOf(value, column) {
    if (value === null) return h("td", { class: `muted ${column.kind}` }, "null");
    const text = textOf(value);
    return h("td", { class: column.kind, title: text.length > WIDEST ? text : null }, text);
  }

  element.addEventListener("scroll", () => frame.request(element, draw), { passive: true });
  new ResizeObserver(() => frame.request(element, draw)).observe(element);

  return {
    element,
    show(result) {
      rows = result?.rows ?? [];
      columns = (result?.columns ?? []).map((one) => ({ ...one, kind: isNumeric(one.type) ? "num" : "" }));
      /* As wide as the longest of the first rows, so that nothing jumps while scrolling. */
      replace(head, columns.map((column, at) => {
        const cell = h("th", { scope: "col", class: column.kind, title: column.type }, column.name, h("span", { class: "result-type" }, ` ${column.type}`));
        const longest = Math.max(column.name.length + column.type.length * 0.9, ...rows.slice(0, 100).map((row) => textOf(row[at]).length));
        styleOf(cell, "width", `${Math.min(WIDEST, longest + 3)}ch`);
        return cell;
      }));
      setAttribute(table, "aria-rowcount", String(rows.length + 1));
      element.scrollTop = 0;
      drawn = "";
      draw();
    },
  };
}

/**
 * The ladder: asks above, bids below, the spread between; bars show the size, lines beside them the sum up to there.
 */

import { h, setText, styleOf } from "../core/dom.js";

const LEAST_ROWS = 4;
const ROW_PX = 20;
const HEAD_PX = 22;
const SPREAD_PX = 26;

/**
 * Sizes summed from the best price outwards. Pure.
 * @param {number[][]} levels
 * @returns {number[]}
 */
export function sums(levels) {
  let total = 0;
  return levels.map(([, size]) => (total += size));
}

/**
 * @param {HTMLElement} place
 * @param {import("../main.js").Context} context
 * @param {number} depth
 */
export function createLadder(place, { format }, depth) {
  const rowOf = (side) => {
    const price = h("td", { class: `num ${side === "ask" ? "down" : "up"}` });
    const size = h("td", { class: "num" });
    const sum = h("td", { class: "num muted" });
    const letter = h("th", { scope: "row", class: "ladder-side" }, side === "ask" ? "A" : "B");
    return { element: h("tr", { class: `ladder-${side}`, "data-testid": `ladder-${side}` }, letter, price, size, sum), price, size, sum };
  };
  const asks = Array.from({ length: depth }, () => rowOf("ask"));
  const bids = Array.from({ length: depth }, () => rowOf("bid"));
  const middle = h("td", { colspan: 2, class: "num ladder-mid", "data-testid": "ladder-mid" });
  const spread = h("td", { class: "num muted" });
  const table = h(
    "table",
    { class: "table ladder", "aria-label": "Order book, asks above, bids below", "data-testid": "ladder" },
    h("thead", {}, h("tr", {},
      h("th", { scope: "col", class: "ladder-side" }, h("span", { class: "sr-only" }, "Side")),
      h("th", { scope: "col", class: "num" }, "Price"), h("th", { scope: "col", class: "num" }, "Size"), h("th", { scope: "col", class: "num" }, "Sum"))),
    h("tbody", {}, [...asks].reverse().map(({ element }) => element)),
    h("tbody", {}, h("tr", { class: "ladder-spread" }, h("th", { scope: "row", class: "ladder-side" }, h("span", { class: "sr-only" }, "Mid")), middle, spread)),
    h("tbody", {}, bids.map(({ element }) => element)),
  );
  const box = h("div", { class: "ladder-box" }, table);
  place.append(box);
  let room = depth;
  const sized = new ResizeObserver(() => {
    const rows = Math.floor((box.clientHeight - HEAD_PX - SPREAD_PX) / (2 * ROW_PX));
    room = Math.max(LEAST_ROWS, Math.min(depth, rows));
  });
  sized.observe(box);

  function fill(rows, levels, totals, most, largest, decimals) {
    rows.forEach((row, at) => {
      const level = levels[at];
      const isShown = at < room;
      if (row.element.hidden === isShown) row.element.hidden = !isShown;
      if (!isShown) return;
      setText(row.price, level ? format.price(level[0], decimals) : "");
      setText(row.size, level ? format.size(level[1]) : "");
      setText(row.sum, level ? format.size(totals[at]) : "");
      styleOf(row.element, "--size", level ? (level[1] / largest).toFixed(3) : "0");
      styleOf(row.element, "--sum", level ? (totals[at] / most).toFixed(3) : "0");
    });
  }

  return {
    take() {},
    draw(book, decimals) {
      const [askSums, bidSums] = [sums(book.asks.slice(0, room)), sums(book.bids.slice(0, room))];
      const most = Math.max(askSums.at(-1) ?? 0, bidSums.at(-1) ?? 0) || 1;
      const largest = Math.max(...book.asks.slice(0, room).map(([, size]) => size), ...book.bids.slice(0, room).map(([, size]) => size)) || 1;
      fill(asks, book.asks, askSums, most, largest, decimals);
      fill(bids, book.bids, bidSums, most, largest, decimals);
      const [ask, bid] = [book.asks[0]?.[0], book.bids[0]?.[0]];
      const isWhole = format.isNumber(ask) && format.isNumber(bid);
      setText(middle, isWhole ? format.price((ask + bid) / 2, Math.min(decimals + 1, 8)) : format.NONE);
      setText(spread, isWhole ? format.price(ask - bid, decimals) : "");
    },
    clear() {
      fill(asks, [], [], 1, 1, 2);
      fill(bids, [], [], 1, 1, 2);
      setText(middle, "");
      setText(spread, "");
    },
    remove() {
      sized.disconnect();
      box.remove();
    },
  };
}

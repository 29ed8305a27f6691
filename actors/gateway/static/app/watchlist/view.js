/**
 * All instruments that have quotes. Only the rows in sight exist: five hundred cost what thirty cost.
 */

import { emptyState, h, setAttribute, setText, styleOf } from "../core/dom.js";
import { createHistory } from "./history.js";
import { createRow } from "./row.js";
import { COLUMNS, parseSort, sorted } from "./sorting.js";

const ROW_PX = 26;
const SPARE_ROWS = 4;
const SORT_MS = 1000;
const TICK_MS = 500;
const DRAW_MS = 100;

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context & {market: ReturnType<import("../trade/market.js").createMarket>}} context
 */
export function mount(root, context) {
  const { frame, keyboard, market, theme, url } = context;
  const count = h("span", { class: "panel-note", "data-testid": "wl-count" });
  const heads = COLUMNS.map((column) =>
    h(
      "th",
      { scope: "col", class: `${column.numeric ? "num" : ""} wl-${column.id}`, title: column.title },
      h("button", { type: "button", "data-testid": `wl-sort-${column.id}`, on: { click: () => sortBy(column) } }, column.label),
    ));
  const above = h("tr", { class: "wl-spacer", "aria-hidden": "true" }, h("td"));
  const below = h("tr", { class: "wl-spacer", "aria-hidden": "true" }, h("td"));
  const body = h("tbody", {}, above, below);
  const table = h(
    "table",
    { class: "table watchlist", role: "grid", "aria-label": "Watchlist", "data-testid": "watchlist" },
    h("thead", {}, h("tr", {}, heads)),
    body,
  );
  const scroller = h("div", { class: "panel-body scroll", tabindex: "0", role: "group", "aria-label": "Watchlist, arrows choose" }, table);
  const nothing = h("div", { class: "wl-nothing", hidden: true });
  root.append(h("div", { class: "panel-head" }, h("h2", {}, "Watchlist"), count), scroller, nothing);

  const history = createHistory(context, () => ask());
  const pool = [];
  let order = [];
  let sort = parseSort();
  let sorted_ms = -Infinity;
  let chosen = { symbol: "", venue: "" };

  /* Measured when it changes: asking while drawing would make the browser lay out the page twice a frame. */
  const seen = { top: 0, height: 0 };
  const ask = () => frame.request(root, draw, DRAW_MS);

  function sortBy(column) {
    const isSame = sort.column === column;
    const text = isSame && !sort.isDescending ? `-${column.id}` : column.id;
    url.set({ query: { sort: text === COLUMNS[0].id ? null : text } }, { replace: true });
  }

  function choose(quote) {
    const query = { venue: quote.venue, show: url.get().query.show === "markets" ? "chart" : url.get().query.show };
    url.set({ path: [quote.symbol, url.get().path[1] ?? "1m"], query }, { replace: true });
  }

  const isChosen = (quote) => quote.symbol === chosen.symbol && (!chosen.venue || quote.venue === chosen.venue);

  function step(by) {
    if (!order.length) return;
    const at = order.findIndex(isChosen);
    const next = Math.max(0, Math.min(order.length - 1, at + by));
    choose(order[next]);
    reveal(next);
  }

  function reveal(at) {
    const top = at * ROW_PX;
    const room = scroller.clientHeight - 24;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top + ROW_PX > scroller.scrollTop + room) scroller.scrollTop = top + ROW_PX - room;
  }

  function draw(now_ms) {
    const isDue = now_ms - sorted_ms > SORT_MS || order.length !== market.quotes.size;
    if (isDue) {
      sorted_ms = now_ms;
      order = sorted([...market.quotes.values()], sort);
      setAttribute(table, "aria-rowcount", String(order.length + 1));
    }
    drawNothing();
    const first = Math.max(0, Math.floor(seen.top / ROW_PX) - SPARE_ROWS);
    const last = Math.min(order.length, first + Math.ceil((seen.height || 400) / ROW_PX) + 2 * SPARE_ROWS);
    while (pool.length < last - first) {
      const row = createRow(context, choose);
      pool.push(row);
      below.before(row.element);
    }
    styleOf(above.firstChild, "height", `${first * ROW_PX}px`);
    styleOf(below.firstChild, "height", `${(order.length - last) * ROW_PX}px`);
    pool.forEach((row, slot) => {
      const quote = order[first + slot];
      const isUsed = first + slot < last;
      row.element.hidden = !isUsed;
      if (!isUsed) return;
      row.show(quote, { history, index: first + slot, isChosen: isChosen(quote), age_s: market.age_s(quote), now_ms });
    });
  }

  function drawNothing() {
    setText(count, order.length ? `${order.length}` : "");
    const isNothing = !order.length && market.isAsked();
    nothing.hidden = !isNothing;
    scroller.hidden = isNothing;
    if (!isNothing) return;
    const fault = market.fault();
    const title = fault ? "Quotes cannot be had" : "No quotes yet";
    const detail = fault ? fault.message : "No collector has sent a quote since the hub began.";
    if (nothing.dataset.said === title + detail) return;
    nothing.dataset.said = title + detail;
    nothing.replaceChildren(emptyState(title, detail, fault ? "tapehub status" : "tapehub doctor"));
  }

  const timer = setInterval(ask, TICK_MS);
  const ends = [
    market.on(ask),
    theme.on(() => { for (const row of pool) row.redraw(); ask(); }),
    keyboard.bind({ keys: ["ArrowDown"], label: "Next instrument", group: "Watchlist", run: () => step(1) }),
    keyboard.bind({ keys: ["ArrowUp"], label: "Previous instrument", group: "Watchlist", run: () => step(-1) }),
    keyboard.bind({ keys: ["PageDown"], label: "", run: () => step(12) }),
    keyboard.bind({ keys: ["PageUp"], label: "", run: () => step(-12) }),
    () => clearInterval(timer),
    () => frame.cancel(root),
  ];
  const measure = () => {
    seen.top = scroller.scrollTop;
    seen.height = scroller.clientHeight;
    ask();
  };
  scroller.addEventListener("scroll", measure, { passive: true });
  const sized = new ResizeObserver(measure);
  sized.observe(scroller);

  return {
    update(next) {
      chosen = next;
      const wanted = parseSort(next.query.sort);
      if (wanted.column !== sort.column || wanted.isDescending !== sort.isDescending) sorted_ms = -Infinity;
      sort = wanted;
      heads.forEach((head, at) => {
        const isSorted = COLUMNS[at] === sort.column;
        setAttribute(head, "aria-sort", isSorted ? (sort.isDescending ? "descending" : "ascending") : null);
      });
      ask();
    },
    unmount() {
      sized.disconnect();
      for (const end of ends) end();
    },
  };
}

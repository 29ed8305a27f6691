/**
 * Time and sales: every trade with its aggressor, newest first; smaller ones can be left out.
 */

import { emptyState, h, setAttribute, setText, styleOf } from "../core/dom.js";

const KEPT = 1000;
const ROW_PX = 20;
const MOST_ROWS = 120;
const WAIT_MS = 4000;
const DRAW_MS = 66;
const SIDES = {
  buy: { mark: "▲ B", word: "buy", kind: "up" },
  sell: { mark: "▼ S", word: "sell", kind: "down" },
  unknown: { mark: "·", word: "not said", kind: "muted" },
};

/**
 * Newest trades first, those of at least a size. Pure.
 * @param {any[]} trades Oldest first.
 * @param {number} least
 * @param {number} most
 */
export function latest(trades, least, most) {
  const found = [];
  for (let at = trades.length - 1; at >= 0 && found.length < most; at -= 1) {
    if (trades[at].size >= least) found.push(trades[at]);
  }
  return found;
}

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context & {market: any}} context
 */
export function mount(root, context) {
  const { format, frame, market, socket, store, url } = context;
  const least = h("input", {
    class: "field tape-least", type: "number", min: "0", step: "any", inputmode: "decimal", placeholder: "min size",
    "aria-label": "Least size", "data-testid": "tape-least",
  });
  const note = h("span", { class: "panel-note", "data-testid": "tape-note" });
  const body = h("tbody", {});
  const table = h(
    "table",
    { class: "table tape", "aria-label": "Time and sales, newest first", "data-testid": "tape" },
    h("thead", {}, h("tr", {}, ["Time", "Side", "Price", "Size"].map((label, at) =>
      h("th", { scope: "col", class: at > 1 ? "num" : "" }, label)))),
    body,
  );
  const place = h("div", { class: "panel-body scroll", tabindex: "0", role: "group", "aria-label": "Time and sales" }, table);
  const nothing = h("div", { class: "tape-nothing", hidden: true });
  root.append(
    h("div", { class: "panel-head" }, h("h2", {}, "Time & sales"), note, h("div", { class: "panel-tools" }, least)),
    place, nothing,
  );

  let chosen = null;
  let key = "";
  let trades = [];
  let dropped = 0;
  let asked_ms = 0;
  let height = 0;
  let end = () => {};
  const pool = [];

  least.addEventListener("change", () => {
    const value = Number(least.value);
    url.set({ query: { min: value > 0 ? String(value) : null } }, { replace: true });
  });
  least.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || event.key === "Enter") least.blur();
  });

  function follow() {
    end();
    trades = [];
    dropped = 0;
    asked_ms = performance.now();
    if (!chosen.symbol) return;
    const venue = chosen.venue || market.quoteOf(chosen.symbol)?.venue || "";
    const wish = { name: "trades", symbols: [chosen.symbol], ...(venue ? { venue } : {}) };
    end = socket.subscribe(wish, (message) => {
      if (message.t === "lagging") dropped += message.dropped ?? 0;
      if (message.t === "snapshot") trades = merged(trades, message.data);
      else trades.push(...message.data);
      if (trades.length > 2 * KEPT) trades = trades.slice(-KEPT);
      frame.request(root, draw, DRAW_MS);
    });
  }

  function rowAt(at) {
    while (pool.length <= at) {
      const cells = ["", "", "num", "num"].map((kind) => h("td", { class: kind }));
      const element = h("tr", { "data-testid": "tape-row" }, cells);
      body.append(element);
      pool.push({ element, cells, trade: null });
    }
    return pool[at];
  }

  function draw() {
    const smallest = Number(chosen?.query.min ?? 0) || 0;
    const shown = latest(trades, smallest, Math.min(MOST_ROWS, Math.ceil((height || 400) / ROW_PX) + 40));
    const decimals = format.decimalsOf(store.get("instruments")?.get(chosen?.symbol)?.tick_size ?? 0, shown[0]?.price);
    const largest = Math.max(...shown.map(({ size }) => size), 1e-12);
    shown.forEach((trade, at) => fill(rowAt(at), trade, decimals, largest));
    for (let at = shown.length; at < pool.length; at += 1) pool[at].element.hidden = true;
    setText(note, dropped ? `${dropped} dropped: this page was too slow` : smallest ? `≥ ${format.size(smallest)}` : "");
    const isNothing = !shown.length && Boolean(chosen?.symbol) && performance.now() - asked_ms > WAIT_MS;
    nothing.hidden = !isNothing;
    place.hidden = isNothing;
    if (isNothing && !nothing.firstChild) {
      nothing.replaceChildren(emptyState("No trades yet", "Quote-only markets have none.", `tapehub why ${chosen.symbol}`));
    }
  }

  function fill(row, trade, decimals, largest) {
    if (row.element.hidden) row.element.hidden = false;
    if (row.trade === trade && row.decimals === decimals && row.largest === largest) return;
    Object.assign(row, { trade, decimals, largest });
    const side = SIDES[trade.side] ?? SIDES.unknown;
    const [time, mark, price, size] = row.cells;
    setText(time, format.time(trade.ts_event_ns, 3));
    setText(mark, side.mark);
    setText(price, format.price(trade.price, decimals));
    setText(size, format.size(trade.size));
    setAttribute(row.element, "class", `tape-${side.word.split(" ")[0]}`);
    setAttribute(row.element, "data-side", trade.side);
    setAttribute(mark, "class", side.kind);
    setAttribute(price, "class", `num ${side.kind}`);
    setAttribute(mark, "title", `Aggressor: ${side.word}`);
    styleOf(row.element, "--size", Math.sqrt(trade.size / largest).toFixed(2));
  }

  const sized = new ResizeObserver(([entry]) => {
    height = entry.contentRect.height; // kept: asking while drawing costs a layout
  });
  sized.observe(place);
  const timer = setInterval(() => frame.request(root, draw), 1000);
  return {
    update(next) {
      chosen = next;
      if (document.activeElement !== least) least.value = next.query.min ?? "";
      const nextKey = `${next.symbol}|${next.venue}`;
      if (nextKey !== key) {
        key = nextKey;
        nothing.replaceChildren();
        follow();
      }
      frame.request(root, draw);
    },
    unmount() {
      end();
      clearInterval(timer);
      sized.disconnect();
      frame.cancel(root);
    },
  };
}

/** A snapshot and what is known already, in order of time, without doubles. Pure. @param {any[]} known @param {any[]} fresh */
export function merged(known, fresh) {
  const byId = new Map();
  for (const trade of [...known, ...fresh]) byId.set(`${trade.venue}|${trade.trade_id}|${trade.ts_event_ns}`, trade);
  return [...byId.values()].sort((a, b) => a.ts_event_ns - b.ts_event_ns);
}

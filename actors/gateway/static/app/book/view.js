/**
 * Depth: the order book as a ladder of prices, or as a heat map of what it was; or the session's volume profile.
 */

import { emptyState, h, setAttribute, setText } from "../core/dom.js";
import { createHeatmap } from "./heatmap.js";
import { createLadder } from "./ladder.js";
import { createProfile } from "./profile.js";
import { followProfile } from "./profile_feed.js";

const DEPTH = 20;
const HEAT_DEPTH = 50;
const CONFLATE_MS = 100;
const STALE_S = 3;
const CHECK_MS = 500;
const WAIT_MS = 4000;
const PRICE_MS = 1000;
const PROFILE_STALE_S = 60; // as the hub's flow_ttl_s, where the gateway does not say
/* The first is what an address without `depth` shows; the key goes through them in this order. */
const KINDS = [
  { id: "ladder", label: "Ladder", draw_ms: 100, make: (place, context) => createLadder(place, context, DEPTH) },
  { id: "map", label: "Heat map", draw_ms: 200, make: createHeatmap },
  { id: "profile", label: "Profile", draw_ms: 250, make: createProfile },
];
const IMBALANCE = "Imbalance: share of the bids in the size of both sides, −1 to 1";

/** What the address wants to see. Pure. @param {Record<string, string>} query */
export const kindOf = (query) => KINDS.find(({ id }) => id === query.depth) ?? KINDS[0];

/** `depth` of the address for the one behind a kind. Pure. @param {string} id */
export function nextDepth(id) {
  const at = (KINDS.findIndex((kind) => kind.id === id) + 1) % KINDS.length;
  return at === 0 ? null : KINDS[at].id;
}

/** Share of the bids in the size of both sides, -1 to 1. Pure. @param {{bids: number[][], asks: number[][]}} book */
export function imbalanceOf({ bids, asks }) {
  const sum = (side) => side.reduce((total, [, size]) => total + size, 0);
  const [bid, ask] = [sum(bids), sum(asks)];
  return bid + ask > 0 ? (bid - ask) / (bid + ask) : null;
}

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context & {market: any}} context
 */
export function mount(root, context) {
  const { api, clock, format, frame, keyboard, market, socket, store, theme, url } = context;
  const note = h("span", { class: "panel-note", title: IMBALANCE, "data-testid": "book-note" });
  const choose = (depth) => url.set({ query: { depth } }, { replace: true });
  const buttons = KINDS.map(({ id, label }, at) =>
    h("button", {
      class: "button", type: "button", dataset: { id }, "data-testid": `book-${id}`,
      on: { click: () => choose(at === 0 ? null : id) },
    }, label));
  const age = h("span", { class: "badge idle", "data-testid": "book-age" }, "waiting");
  const place = h("div", { class: "panel-body book-body" });
  const nothing = h("div", { class: "book-nothing", hidden: true });
  place.append(nothing);
  root.append(
    h("div", { class: "panel-head" }, h("h2", {}, "Depth"), age, note,
      h("div", { class: "panel-tools" }, h("div", { class: "segmented", role: "group", "aria-label": "Depth as" }, buttons))),
    place,
  );

  let chosen = null;
  let key = "";
  let shown = null;
  let part = null;
  /** Newest book, or profile. */
  let newest = null;
  let end = () => {};
  let asked_ms = 0;

  const isProfile = () => shown?.id === "profile";

  function follow() {
    end();
    end = () => {};
    newest = null;
    part.clear();
    asked_ms = performance.now();
    nothing.hidden = true;
    setText(note, "");
    drawAge();
    if (!chosen.symbol) return;
    const { symbol } = chosen;
    const venue = chosen.venue || market.quoteOf(symbol)?.venue || "";
    end = isProfile()
      ? followProfile(context, { symbol, venue }, { onProfile: take, onNothing: sayNoProfile })
      : followBook(symbol, venue);
  }

  function followBook(symbol, venue) {
    const depth = shown.id === "map" ? HEAT_DEPTH : DEPTH;
    const wish = { name: "book", symbols: [symbol], depth, conflate_ms: CONFLATE_MS, ...(venue ? { venue } : {}) };
    return socket.subscribe(wish, ({ data }) => {
      const row = data.at(-1);
      if (row?.bids && (!newest || row.venue === newest.venue)) take(row);
    });
  }

  function take(row) {
    newest = row;
    part?.take(row);
    frame.request(root, draw, shown.draw_ms);
  }

  function decimals() {
    const price = isProfile() ? newest?.poc : newest?.bids[0]?.[0];
    return format.decimalsOf(store.get("instruments")?.get(chosen.symbol)?.tick_size ?? 0, price);
  }

  function draw() {
    if (!part || !newest) return;
    nothing.hidden = true;
    part.draw(newest, decimals());
    setText(note, isProfile() ? "" : `imb ${shareText(imbalanceOf(newest))}`);
    drawAge();
  }

  function shareText(share) {
    return share === null ? format.NONE : `${share >= 0 ? "+" : "−"}${Math.abs(share).toFixed(2)}`;
  }

  function drawAge() {
    if (!newest) {
      setText(age, nothing.hidden ? "waiting" : "no data");
      setAttribute(age, "class", "badge idle");
      if (!isProfile() && chosen?.symbol && performance.now() - asked_ms > WAIT_MS && nothing.hidden) sayWhy();
      return;
    }
    const old_s = clock.age_s(newest.ts_recv_ns ?? newest.ts_event_ns);
    const isStale = old_s > staleAfter_s() || store.get("connection")?.state !== "live";
    const isHoled = isProfile() && newest.coverage < 0.9995;
    setText(age, isStale ? `stale · ${format.age(old_s)}` : isHoled ? `partial · ${format.age(old_s)}` : format.age(old_s));
    setAttribute(age, "class", `badge ${isStale ? "warn" : isHoled ? "gap" : "ok"}`);
    setAttribute(age, "title", isProfile() ? `Newest trade in it; ${format.percent(newest.coverage)} of the session was seen` : "Age of the book");
    setAttribute(place, "data-stale", isStale ? "" : null);
  }

  function staleAfter_s() {
    return isProfile() ? store.get("hello")?.ttl_s?.flow ?? PROFILE_STALE_S : STALE_S;
  }

  function sayNothing(title, detail) {
    nothing.hidden = false;
    nothing.replaceChildren(emptyState(title, detail, `tapehub why ${chosen.symbol}`));
    setAttribute(place, "data-stale", null);
    frame.request(age, drawAge);
  }

  function sayNoProfile(fault) {
    sayNothing("No volume profile", fault ? fault.message : `Nothing was traded in ${chosen.symbol}, or its order flow is not computed; quote-only markets have none.`);
  }

  async function sayWhy() {
    const { symbol, venue } = chosen;
    const mine = key;
    sayNothing("No book yet", "");
    try {
      await api.get(`book/${encodeURIComponent(symbol)}`, { depth: 1, venue, allow_stale: true });
    } catch (fault) {
      if (mine === key && !newest) sayNothing("No book", fault.message);
    }
  }

  const timer = setInterval(() => {
    frame.request(age, drawAge);
    if (isProfile() && newest) frame.request(root, draw, PRICE_MS); // it comes every ten seconds; the price in it moves
  }, CHECK_MS);
  const ends = [
    theme.on(() => part?.restyle?.()),
    keyboard.bind({
      keys: ["Alt+d"], label: "Ladder, heat map or volume profile", group: "Depth",
      run: () => choose(nextDepth(kindOf(url.get().query).id)),
    }),
  ];

  return {
    update(next) {
      chosen = next;
      const wanted = kindOf(next.query);
      if (wanted !== shown) {
        part?.remove();
        part = wanted.make(place, context);
      }
      shown = wanted;
      for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.id === wanted.id));
      const nextKey = `${next.symbol}|${next.venue}|${wanted.id}`;
      if (nextKey === key) return;
      key = nextKey;
      follow();
    },
    unmount() {
      end();
      for (const one of ends) one();
      clearInterval(timer);
      frame.cancel(root);
      frame.cancel(age);
      part?.remove();
    },
  };
}

/**
 * One row of the watchlist. Rows are reused while scrolling: `show` fills one, and touches only what differs.
 */

import { h, setAttribute, setText } from "../core/dom.js";
import { STATES } from "../trade/market.js";

const SPARK_MS = 1000;
const FLASH_MS = 250;

/**
 * @param {import("../main.js").Context} context
 * @param {(quote: any) => void} choose
 */
export function createRow({ format, store, theme }, choose) {
  const symbol = h("span", { class: "wl-symbol" });
  const venue = h("span", { class: "wl-venue" });
  const price = h("td", { class: "num wl-price", "data-testid": "wl-price" });
  const change = h("td", { class: "num" });
  const spread = h("td", { class: "num wl-spread" });
  const canvas = h("canvas", { class: "spark", width: 88, height: 36, "aria-hidden": "true" });
  const age = h("td", { class: "num wl-age", "data-testid": "wl-age" });
  const element = h(
    "tr",
    { role: "row", "data-testid": "wl-row", on: { click: () => quote && choose(quote) } },
    h("th", { class: "wl-name", scope: "row" }, symbol, venue),
    price, change, spread,
    h("td", { class: "wl-spark" }, canvas),
    age,
  );
  let quote = null;
  let drawn_ms = -Infinity;
  let drawnKey = "";
  let heard = 0;
  let mid = 0;
  let flash = 0;

  function show(next, { history, index, isChosen, age_s, now_ms }) {
    const isOther = next !== quote;
    quote = next;
    const info = store.get("instruments")?.get(next.symbol);
    const decimals = format.decimalsOf(info?.tick_size ?? 0, next.mid);
    const past = history.of(next);
    const state = STATES[next.state] ?? STATES.none;
    const isFresh = next.state === "fresh";
    setText(symbol, next.symbol);
    setText(venue, next.venue);
    setText(price, format.price(next.mid, decimals));
    setText(change, format.change(next.change));
    setAttribute(change, "class", `num ${next.change > 0 ? "up" : next.change < 0 ? "down" : "muted"}`);
    setText(spread, spreadText(next, info?.pip_size ?? 0));
    setText(age, isFresh ? format.age(age_s) : next.state === "stale" ? `${format.age(age_s)} stale` : state.word);
    setAttribute(age, "class", `num wl-age ${state.kind}`);
    setAttribute(element, "data-symbol", next.symbol);
    setAttribute(element, "data-venue", next.venue);
    setAttribute(element, "data-state", next.state);
    setAttribute(element, "aria-rowindex", String(index + 2));
    setAttribute(element, "aria-selected", String(isChosen));
    setAttribute(element, "title", `bid ${format.price(next.bid, decimals)}  ask ${format.price(next.ask, decimals)}  ${state.word}, ${format.duration(age_s)} old`);
    blink(next, isOther);
    if (now_ms - drawn_ms > SPARK_MS || drawnKey !== next.key) {
      drawn_ms = now_ms;
      drawnKey = next.key;
      drawSpark(canvas, past.points, theme.color(next.change < 0 ? "--down" : "--up"));
    }
  }

  /* The price that just moved is lit for a moment. */
  function blink(next, isOther) {
    if (!isOther && next.heard !== heard && next.mid !== mid) {
      setAttribute(price, "data-moved", next.mid > mid ? "up" : "down");
      clearTimeout(flash);
      flash = setTimeout(() => setAttribute(price, "data-moved", null), FLASH_MS);
    }
    heard = next.heard;
    mid = next.mid;
  }

  return { element, show, redraw: () => { drawnKey = ""; } };
}

function spreadText({ bid, ask, mid }, pip_size) {
  const spread = ask - bid;
  if (!(mid > 0)) return "–";
  if (pip_size > 0) return `${(spread / pip_size).toFixed(1)}p`;
  const points = (spread / mid) * 10_000;
  if (points > 0 && points < 0.05) return "<0.1bp";
  return `${points.toFixed(points < 10 ? 1 : 0)}bp`;
}

function drawSpark(canvas, points, color) {
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  pen.clearRect(0, 0, width, height);
  if (points.length < 2) return;
  const low = Math.min(...points);
  const span = Math.max(...points) - low || 1;
  const y = (value) => height - 4 - ((value - low) / span) * (height - 8);
  pen.strokeStyle = color;
  pen.lineWidth = 2;
  pen.lineJoin = "round";
  pen.beginPath();
  points.forEach((value, at) => {
    const x = 2 + (at / (points.length - 1)) * (width - 4);
    if (at) pen.lineTo(x, y(value));
    else pen.moveTo(x, y(value));
  });
  pen.stroke();
}

/**
 * One line of each feed.
 */

import { h } from "../core/dom.js";

const SEVERITY = { critical: "bad", warning: "warn", warn: "warn", info: "idle" };

/** @param {string} url @returns {string} Empty where it is no address of the web: `javascript:` is none. Pure. */
export function safeUrl(url) {
  try {
    const { protocol, href } = new URL(url);
    return protocol === "https:" || protocol === "http:" ? href : "";
  } catch {
    return "";
  }
}

const symbolButton = (symbol, choose) =>
  h("button", { class: "feed-symbol", type: "button", title: `Show ${symbol}`, on: { click: () => choose(symbol) } }, symbol);

const timeOf = (row, format, clock) =>
  h("time", { class: "feed-time", title: `${format.dateTime(row.ts_event_ns)} UTC` },
    clock.age_s(row.ts_event_ns) < 86_400 ? format.time(row.ts_event_ns) : format.dateTime(row.ts_event_ns).slice(5, 16));

/**
 * @param {any} row
 * @param {import("../main.js").Context} context
 * @param {(symbol: string) => void} choose
 * @param {{isAcked: boolean, identity: string, set: (identity: string, isAcked: boolean) => void}} ack
 */
export function alertRow(row, { format, clock }, choose, { isAcked, identity, set }) {
  return [
    timeOf(row, format, clock),
    h("span", { class: `badge ${SEVERITY[row.severity] ?? "idle"}` }, row.severity),
    symbolButton(row.symbol, choose),
    h("span", { class: "feed-text", title: Object.entries(row.values ?? {}).map(([name, value]) => `${name} ${value}`).join("\n") },
      h("b", {}, row.rule), " ", row.text),
    h("button", {
      class: "button feed-ack", type: "button", dataset: { identity }, "data-testid": "alert-ack",
      "aria-label": isAcked ? `Take back the acknowledgement of ${row.rule} ${row.symbol}` : `Acknowledge ${row.rule} ${row.symbol}`,
      title: isAcked ? "Take the acknowledgement back, in this browser only" : "Acknowledge: hidden in this browser only, nobody else is told",
      on: { click: () => set(identity, !isAcked) },
    }, isAcked ? "Undo" : "Ack"),
  ];
}

/** @param {any} row @param {import("../main.js").Context} context @param {(symbol: string) => void} choose */
export function newsRow(row, { format, clock }, choose) {
  const address = safeUrl(row.url);
  const title = address
    ? h("a", { class: "feed-text", href: address, target: "_blank", rel: "noopener noreferrer nofollow", "data-testid": "news-title" }, row.title)
    : h("span", { class: "feed-text", "data-testid": "news-title" }, row.title);
  return [
    timeOf(row, format, clock),
    h("span", { class: "feed-source" }, row.source),
    (row.symbols ?? []).slice(0, 2).map((symbol) => symbolButton(symbol, choose)),
    title,
  ];
}

const SIGNAL_STATE = { open: "ok", target: "ok", stopped: "bad", expired: "idle", cancelled: "idle", vetoed: "warn" };

/** @param {any} row @param {import("../main.js").Context} context @param {(symbol: string) => void} choose */
export function signalRow(row, { format, clock, store }, choose) {
  const decimals = format.decimalsOf(store.get("instruments")?.get(row.symbol)?.tick_size ?? 0, row.entry);
  const isBuy = row.side === "buy";
  const price = (value) => format.price(value, decimals);
  const inputs = Object.entries(row.inputs ?? {}).map(([name, value]) => `${name} ${value}`);
  return [
    timeOf(row, format, clock),
    h("span", { class: `badge ${SIGNAL_STATE[row.state] ?? "idle"}`, "data-testid": "signal-state" }, row.state ?? "open"),
    h("span", { class: `feed-side ${isBuy ? "up" : "down"}` }, isBuy ? "▲ buy" : row.side === "sell" ? "▼ sell" : row.side),
    symbolButton(row.symbol, choose),
    h("span", { class: "feed-text", title: [row.text, ...(row.reasons ?? []), ...inputs].filter(Boolean).join("\n") },
      h("b", {}, row.strategy), ` ${price(row.entry)} stop ${price(row.stop)} target ${price(row.target)}${row.exit_price ? `, left at ${price(row.exit_price)}` : ""} (${format.percent(row.confidence, 0)})`),
  ];
}

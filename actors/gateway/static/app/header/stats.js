/**
 * Feeds, lag, open gaps and the server's clock.
 */

import { h, setText } from "../core/dom.js";

const SLOW_S = 1;

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 */
export function mountStats(root, { clock, format, store, url }) {
  const feeds = stat("feeds", "feeds", "Venues that are connected, of all");
  const lag = stat("lag", "lag p99", "Slowest actor: from the venue's clock to ours, 99th percentile");
  const gaps = stat("gaps", "gaps", "Holes in feeds that are still open");
  const time = h("time", { class: "stat-value clock", "data-testid": "clock", title: "The server's clock, UTC" }, "––:––:––");
  for (const { element } of [feeds, lag, gaps]) root.append(element);
  root.append(h("span", { class: "stat" }, time, h("span", { class: "stat-label" }, "UTC")));
  for (const { element } of [feeds, lag, gaps]) element.href = url.link({ tab: "operations", query: { symbol: null } });

  store.on("venues", (venues) => {
    const byVenue = new Map();
    for (const row of venues ?? []) byVenue.set(row.venue, (byVenue.get(row.venue) ?? false) || row.is_connected);
    const up = [...byVenue.values()].filter(Boolean).length;
    const isAll = up === byVenue.size;
    show(feeds, byVenue.size ? `${up}/${byVenue.size}` : format.NONE, isAll ? "" : "bad");
    const down = [...byVenue].filter(([, isUp]) => !isUp).map(([venue]) => venue);
    feeds.element.title = down.length ? `Not connected: ${down.join(", ")}` : "Venues that are connected, of all";
  });
  store.on("lag", (worst) => {
    show(lag, worst ? format.lag(worst.p99_s) : format.NONE, worst && worst.p99_s > SLOW_S ? "warn" : "");
    if (worst) lag.element.title = `${worst.actor}: from the venue's clock to ours, 99th percentile`;
  });
  store.on("gapsOpen", (open) => {
    show(gaps, open ? `${open.count}${open.isMore ? "+" : ""}` : format.NONE, open?.count ? "warn" : "");
  });
  const tick = () => {
    const now_ms = clock.now_ms();
    setText(time, format.clock(now_ms));
    const offset_ms = clock.offset_ms();
    time.title = `The server's clock, UTC; this device is ${Math.abs(Math.round(offset_ms))} ms ${offset_ms > 0 ? "behind" : "ahead"}`;
    setTimeout(tick, 1000 - (now_ms % 1000) + 5);
  };
  tick();
}

function stat(id, label, title) {
  const value = h("span", { class: "stat-value", "data-testid": `stat-${id}` }, "–");
  const element = h("a", { class: "stat", title }, h("span", { class: "stat-label" }, label), value);
  return { element, value };
}

function show({ value }, text, kind) {
  setText(value, text);
  value.className = `stat-value ${kind}`;
}

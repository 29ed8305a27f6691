/**
 * Alerts, news and signals beside each other. What is in them came from strangers: it is only ever text.
 */

import { emptyState, h, replace, setText } from "../core/dom.js";
import { createAcked } from "./acked.js";
import { createEvents, identityOf } from "./events.js";
import { alertRow, newsRow, signalRow } from "./rows.js";

const LISTS = [
  { id: "alerts", label: "Alerts", row: alertRow, none: "No alerts", why: "Nothing unusual since the hub began.", command: "tapehub tap alert." },
  { id: "news", label: "News", row: newsRow, none: "No news", why: "A news collector brings headlines.", command: "tapehub config template" },
  { id: "signals", label: "Signals", row: signalRow, none: "No signals", why: "Nothing that makes signals runs here.", command: "tapehub tap signal." },
];
const MOST_SHOWN = 100;

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 */
export function mount(root, context) {
  const { frame, store, url } = context;
  const events = createEvents(context);
  const acked = createAcked(() => frame.request(root, draw));
  const more = h("button", {
    class: "button feed-more", type: "button", hidden: true, "data-testid": "alerts-acked",
    title: "Acknowledged in this browser only: nobody else is told, and nothing is deleted",
    on: { click: () => url.set({ query: { acked: isShown() ? null : "1" } }, { replace: true }) },
  });
  const tabs = [];
  const lists = LISTS.map(({ id, label }) => {
    const count = h("span", { class: "panel-note", "data-testid": `${id}-count` });
    const list = h("ol", { class: "feed-list", "aria-label": label, "data-testid": `${id}-list` });
    const scroller = h("div", { class: "panel-body scroll", tabindex: "0", role: "group", "aria-label": `${label}, newest first` }, list);
    const element = h("div", { class: `panel feed feed-${id}`, "data-testid": `feed-${id}` }, h("div", { class: "panel-head" }, h("h2", {}, label), count), id === "alerts" ? more : null, scroller);
    tabs.push(h("button", {
      class: "button", type: "button", dataset: { id }, "data-testid": `feed-tab-${id}`,
      on: { click: () => url.set({ query: { feed: id } }, { replace: true }) },
    }, label));
    return { element, list, count, shown: "" };
  });
  const choice = h("div", { class: "segmented feed-tabs", role: "group", "aria-label": "Feed" }, tabs);
  const only = h("input", { type: "checkbox", "data-testid": "feed-only", on: {
    change: () => url.set({ query: { only: only.checked ? "1" : null } }, { replace: true }),
  } });
  const bar = h("div", { class: "feed-bar" }, choice, h("label", { class: "check" }, only, "This instrument only"));
  root.append(bar, h("div", { class: "feeds" }, lists.map(({ element }) => element)));

  let chosen = null;

  const isShown = () => chosen?.query.acked === "1";

  function draw() {
    const isOnly = chosen?.query.only === "1";
    LISTS.forEach((kind, at) => {
      const all = events.rows(kind.id).filter((row) => !isOnly || row.symbol === chosen.symbol || row.symbols?.includes(chosen.symbol));
      const isAlerts = kind.id === "alerts";
      const rows = isAlerts ? all.filter((row) => !isAcked(row)) : all;
      const hidden = all.length - rows.length;
      const { list, count } = lists[at];
      const shown = (hidden && isShown() ? all : rows).slice(-MOST_SHOWN).reverse();
      const key = `${shown.length}|${shown[0]?.ts_event_ns}|${shown.at(-1)?.ts_event_ns}|${isOnly && chosen.symbol}|${events.fault(kind.id) ?? ""}|${events.isAsked(kind.id)}|${isAlerts && `${hidden} ${isShown()} ${acked.version()}`}`;
      if (lists[at].shown === key) return;
      lists[at].shown = key;
      setText(count, rows.length ? String(rows.length) : "");
      if (isAlerts) drawMore(hidden);
      const focused = isAlerts ? focusIn(list) : null;
      if (shown.length) replace(list, shown.map((row) => lineOf(kind, row)));
      else if (events.fault(kind.id)) replace(list, h("li", {}, emptyState(`${kind.label} cannot be had`, events.fault(kind.id), "tapehub status")));
      else if (hidden) replace(list, h("li", {}, emptyState("Every alert is acknowledged", "In this browser; the line above shows them.", kind.command)));
      else if (events.isAsked(kind.id)) replace(list, h("li", {}, emptyState(kind.none, kind.why, kind.command)));
      if (focused) focusAgain(list, focused);
    });
  }

  const isAcked = (row) => acked.has(identityOf("alerts", row));

  function lineOf(kind, row) {
    if (kind.id !== "alerts") return h("li", { "data-testid": `${kind.id}-row` }, kind.row(row, context, choose));
    const ack = { identity: identityOf("alerts", row), isAcked: isAcked(row), set: acked.set };
    return h("li", { "data-testid": "alerts-row", class: ack.isAcked ? "is-acked" : "" }, kind.row(row, context, choose, ack));
  }

  function drawMore(hidden) {
    more.hidden = !hidden;
    setText(more, `${hidden} acknowledged, ${isShown() ? "hide" : "show"}`);
  }

  /* Rows are made anew: whoever works by keyboard stays at the button, or comes to the one behind it. */
  function focusIn(list) {
    const buttons = [...list.querySelectorAll(".feed-ack")];
    const at = buttons.indexOf(document.activeElement);
    return at < 0 ? null : { identity: buttons[at].dataset.identity, at };
  }

  function focusAgain(list, { identity, at }) {
    const buttons = [...list.querySelectorAll(".feed-ack")];
    const same = buttons.find((button) => button.dataset.identity === identity);
    (same ?? buttons[Math.min(at, buttons.length - 1)] ?? more).focus();
  }

  function choose(symbol) {
    url.set({ tab: "trade", path: [symbol, url.get().path[1] ?? "1m"], query: { venue: null } });
  }

  const end = store.on("events", () => frame.request(root, draw));
  return {
    update(next) {
      chosen = next;
      only.checked = next.query.only === "1";
      root.dataset.feed = next.query.feed ?? "alerts";
      for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset.id === root.dataset.feed));
      frame.request(root, draw);
    },
    unmount() {
      end();
      acked.close();
      events.close();
      frame.cancel(root);
    },
  };
}

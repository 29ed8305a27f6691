/**
 * The list of keys, what the marks mean, and whose libraries are used.
 */

import { h } from "../core/dom.js";

const LEGEND = [
  ["Candle, filled", "closed"],
  ["Candle, hollow", "still open"],
  ["Grey dash", "quiet: nothing was traded, the previous close repeated"],
  ["Hatched band", "a gap: part of the interval was not seen"],
  ["Faint candle", "stale"],
  ["Dot under a candle", "revised: a late or repaired event changed it"],
  ["▲ B, ▼ S", "buyer or seller was the aggressor; · nobody says"],
];

/** @param {import("../main.js").Context} context */
export function mountHelp({ keyboard, store }) {
  const body = h("div", { class: "dialog-body help-body" });
  const close = h("button", { class: "button quiet", type: "button", "data-testid": "help-close" }, "Close (Esc)");
  const dialog = h(
    "dialog",
    { class: "help", "aria-labelledby": "help-title", "data-testid": "help" },
    h("div", { class: "dialog-head" }, h("h2", { id: "help-title" }, "Keys"), close),
    body,
  );
  document.body.append(dialog);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  const open = () => {
    if (dialog.open) return;
    body.replaceChildren(keysOf(keyboard.list()), legend(), about());
    dialog.showModal();
  };
  keyboard.bind({ keys: ["?"], label: "This list", group: "Everywhere", run: open });
  store.on("help", open);
}

function keysOf(bindings) {
  const groups = new Map();
  for (const { keys, label, group = "Everywhere" } of bindings) {
    if (!groups.has(group)) groups.set(group, []);
    groups.get(group).push([keys, label]);
  }
  const lists = [...groups].map(([group, rows]) =>
    h(
      "section",
      {},
      h("h3", {}, group),
      h("dl", {}, rows.map(([keys, label]) =>
        h("div", {}, h("dt", {}, keys.map((key) => h("kbd", {}, nameOf(key)))), h("dd", {}, label)))),
    ));
  return h("div", { class: "help-keys" }, lists);
}

const NAMES = { " ": "Space", "*": "A–Z", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→" };
const nameOf = (key) => NAMES[key] ?? (key.startsWith("Alt+") ? `Alt+${key.slice(4).toUpperCase()}` : key);

function legend() {
  const rows = LEGEND.map(([mark, means]) => h("div", {}, h("dt", {}, mark), h("dd", {}, means)));
  return h("section", {}, h("h3", {}, "Marks"), h("dl", { class: "help-marks" }, rows));
}

function about() {
  return h(
    "section",
    { class: "about", "data-testid": "about" },
    h("h3", {}, "About"),
    h("p", {}, "Charts: TradingView Lightweight Charts™. Copyright (c) 2026 TradingView, Inc. ",
      h("a", { href: "https://www.tradingview.com/", rel: "noopener noreferrer", target: "_blank" }, "https://www.tradingview.com/")),
    h("p", {}, "uPlot. Copyright (c) 2022 Leon Sorokin. All notices: THIRD_PARTY_NOTICES."),
    h("p", {}, "REST: ", h("a", { href: "/docs" }, "/docs"), "  ·  metrics: ", h("a", { href: "/metrics" }, "/metrics")),
  );
}

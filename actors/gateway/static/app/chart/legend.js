/**
 * What the candle under the crosshair says: a line above the chart, a label in each pane, a box with every field.
 */

import { h, setAttribute, setText, styleOf } from "../core/dom.js";

const STATUS = {
  open: { kind: "ok", word: "open" },
  closed: { kind: "idle", word: "closed" },
  quiet: { kind: "idle", word: "quiet" },
  gap: { kind: "gap", word: "gap" },
  stale: { kind: "warn", word: "stale" },
};
const TIP_PX = { width: 216, away: 18 };

/**
 * @param {HTMLElement} box Over the chart.
 * @param {import("../main.js").Context} context
 */
export function createLegend(box, { format }) {
  const values = new Map();
  const line = h("div", { class: "legend-line", "data-testid": "chart-legend" });
  for (const [key, label] of [["open", "O"], ["high", "H"], ["low", "L"], ["close", "C"], ["change", ""]]) {
    const value = h("span", { class: "legend-value" });
    values.set(key, value);
    line.append(h("span", { class: "legend-pair" }, label ? h("span", { class: "legend-label" }, label) : null, value));
  }
  const badge = h("span", { class: "badge idle", "data-testid": "bar-status" });
  const more = h("span", { class: "legend-more" });
  line.append(badge, more);
  const labels = h("div", { class: "pane-labels" });
  const tip = h("dl", { class: "chart-tip", hidden: true, "data-testid": "chart-tip" });
  box.append(line, labels, tip);
  let rows = [];

  /** Makes a label for each layer. */
  function setLayers(layers) {
    rows = layers.map((layer) => {
      const value = h("span", { class: "pane-values" });
      const dot = layer.color ? h("span", { class: "pane-dot", "aria-hidden": "true" }) : null;
      if (dot) styleOf(dot, "background-color", layer.color);
      const element = h("div", { class: "pane-label" }, dot, h("span", { class: "pane-name" }, layer.label), value);
      return { layer, element, value, shown: "" };
    });
    labels.replaceChildren(...rows.map(({ element }) => element));
  }

  /** Puts the labels to their panes. @param {{top: number, height: number}[]} places */
  function place(places) {
    const used = new Map();
    for (const { layer, element } of rows) {
      const order = used.get(layer.pane) ?? 0;
      used.set(layer.pane, order + 1);
      const base = layer.pane === 0 ? line.offsetHeight + 10 : 3;
      styleOf(element, "transform", `translate(8px, ${Math.round((places[layer.pane]?.top ?? 0) + base + order * 15)}px)`);
    }
  }

  /** @param {any} model @param {number} at Index of the candle, -1: none. @param {number} decimals */
  function show(model, at, decimals) {
    const bar = model?.bars.rows[at];
    line.hidden = !bar;
    if (!bar) return;
    const before = model.bars.rows[at - 1];
    const base = before ? before.close : bar.open;
    const share = base ? bar.close / base - 1 : null;
    const side = bar.close >= bar.open ? "up" : "down";
    for (const key of ["open", "high", "low", "close"]) {
      setText(values.get(key), format.price(bar[key], decimals));
      setAttribute(values.get(key), "class", `legend-value ${side}`);
    }
    setText(values.get("change"), format.change(share));
    setAttribute(values.get("change"), "class", `legend-value ${share >= 0 ? "up" : "down"}`);
    const status = STATUS[bar.status] ?? { kind: "idle", word: bar.status };
    setText(badge, status.word);
    setAttribute(badge, "class", `badge ${status.kind}`);
    const parts = [];
    if (bar.revision > 1) parts.push(`revision ${bar.revision}`);
    if (bar.coverage < 0.9995) parts.push(`coverage ${format.percent(bar.coverage)}`);
    if (bar.source && bar.source !== "trade") parts.push(`from ${bar.source}`);
    setText(more, parts.join(" · "));
    for (const row of rows) showValues(row, model, at);
  }

  function showValues(row, model, at) {
    const found = row.layer.values(model, at);
    const text = found.map((one) => one.text).join("|");
    if (row.shown === text) return;
    row.shown = text;
    row.value.replaceChildren(...found.map(({ text: words, color }) => h("span", { class: color ?? "" }, words)));
  }

  /** @param {any} bar null: hide. @param {{x: number, y: number}|null} point */
  function tipAt(bar, point, decimals) {
    tip.hidden = !bar || !point;
    if (tip.hidden) return;
    if (tip.bar !== bar) {
      tip.bar = bar;
      tip.replaceChildren(...fieldsOf(bar, decimals, format).map(([name, value]) =>
        h("div", {}, h("dt", {}, name), h("dd", {}, value))));
    }
    const width = box.clientWidth;
    const isLeft = point.x + TIP_PX.width + TIP_PX.away > width - 70;
    const x = isLeft ? point.x - TIP_PX.width - TIP_PX.away : point.x + TIP_PX.away;
    const y = Math.max(4, Math.min(point.y + 12, box.clientHeight - tip.offsetHeight - 30));
    styleOf(tip, "transform", `translate(${Math.round(Math.max(4, x))}px, ${Math.round(y)}px)`);
  }

  return { setLayers, place, show, tipAt };
}

/**
 * Every field of a candle with its name. Pure.
 * @param {Record<string, any>} bar
 * @param {number} decimals
 * @param {typeof import("../core/format.js")} format
 * @returns {[string, string][]}
 */
export function fieldsOf(bar, decimals, format) {
  const { price, size } = format;
  /** @type {[string, string][]} */
  const fields = [
    ["time", `${format.dateTime(bar.ts_open_ns)} UTC`],
    ["open", price(bar.open, decimals)],
    ["high", price(bar.high, decimals)],
    ["low", price(bar.low, decimals)],
    ["close", price(bar.close, decimals)],
    ["vwap", price(bar.vwap, decimals)],
    ["volume", size(bar.volume)],
    ["bought ▲", size(bar.buy_volume)],
    ["sold ▼", size(bar.sell_volume)],
    ["count", String(bar.count ?? format.NONE)],
    ["status", bar.status],
    ["revision", String(bar.revision)],
    ["coverage", format.percent(bar.coverage, 2)],
    ["source", bar.source || format.NONE],
    ["venue", bar.venue],
    ["newest event", format.time(bar.ts_event_ns, 3)],
  ];
  if (bar.is_adjusted) fields.push(["adjusted", "for splits"]);
  if (bar.reason) fields.push(["reason", bar.reason]);
  return fields;
}

/**
 * The volume profile: what was traded at each price since the session began, bought left, sold right of it; where most
 * of it was (POC) and the value area around that (VAH, VAL), as lines and as text.
 */

import { h, setAttribute, setText } from "../core/dom.js";
import { placeOf, rowsOf, spread } from "./profile_rows.js";

const AXIS_PX = 68;
const ROW_PX = 4;
const MOST_ROW_PX = 24; // few prices stand in the middle, not as large as the panel
const LABEL_PX = 15;
const PAD_PX = 8;
const TICKS = 7;
const LEVELS = [
  { id: "vah", label: "VAH", field: "value_area_high", title: "Value area high: upper edge of the prices around the POC that hold 70 % of the volume" },
  { id: "poc", label: "POC", field: "poc", title: "Point of control: the price with the most volume" },
  { id: "val", label: "VAL", field: "value_area_low", title: "Value area low: lower edge of the prices around the POC that hold 70 % of the volume" },
];

/**
 * @param {HTMLElement} place
 * @param {import("../main.js").Context & {market: any}} context
 */
export function createProfile(place, { format, theme, market }) {
  const canvas = h("canvas", { class: "profile-canvas", role: "img", "aria-label": "Volume by price", "data-testid": "profile" });
  const room = h("div", { class: "profile-room" }, canvas);
  const shown = LEVELS.map(({ id, label, title }) => {
    const value = h("dd", { "data-testid": `profile-${id}` }, format.NONE);
    return { value, element: h("div", { class: `profile-${id}`, title }, h("dt", {}, label), value) };
  });
  const told = h("p", { class: "profile-told", "data-testid": "profile-told" });
  const box = h("div", { class: "profile", hidden: true }, h("dl", { class: "profile-levels" }, shown.map(({ element }) => element)), room, told);
  place.append(box);
  const pen = canvas.getContext("2d");
  let ratio = 1;
  let size = { wide: 0, high: 0 };
  let newest = null;
  let digits = 2;

  const sized = new ResizeObserver(([{ contentRect }]) => {
    ratio = devicePixelRatio || 1;
    size = { wide: contentRect.width, high: contentRect.height };
    canvas.width = Math.round(size.wide * ratio);
    canvas.height = Math.round(size.high * ratio);
    paint();
  });
  sized.observe(room);

  /** Price as text: the edges of buckets are as fine as their step, not as the tick. */
  const price = (value) => (value > 0 ? format.price(value, digits) : format.NONE);

  function paint() {
    if (!canvas.width) return;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, size.wide, size.high);
    const rows = newest ? rowsOf(newest, Math.max(1, Math.floor((size.high - 2 * PAD_PX) / ROW_PX))) : [];
    if (!rows.length) return;
    const tall = size.high - 2 * PAD_PX;
    const spare = (Math.max(0, tall / MOST_ROW_PX - rows.length) / 2) * (rows[0].high - rows[0].low);
    const [low, high] = [rows[0].low - spare, rows.at(-1).high + spare];
    const y = (value) => PAD_PX + ((high - value) / (high - low)) * tall;
    bars(rows, y);
    axis(low, high, y);
  }

  function bars(rows, y) {
    const wide = size.wide - AXIS_PX;
    const most = Math.max(...rows.map(({ total }) => total)) || 1;
    const { value_area_low: from, value_area_high: to } = newest;
    const color = Object.fromEntries(["up-fill", "up-dim", "down-fill", "down-dim", "line-strong"].map((name) => [name, theme.color(`--${name}`)]));
    for (const row of rows) {
      const isValue = (row.low + row.high) / 2 > from && (row.low + row.high) / 2 < to;
      const [top, bottom] = [Math.round(y(row.high)), Math.round(y(row.low))];
      const tall = Math.max(1, bottom - top - 1);
      let x = 0;
      for (const [volume, name] of [[row.bought, isValue ? "up-fill" : "up-dim"], [row.sold, isValue ? "down-fill" : "down-dim"], [row.unknown, "line-strong"]]) {
        const length = (volume / most) * (wide - 8);
        pen.fillStyle = color[name];
        if (length > 0) pen.fillRect(x, top, length, tall);
        x += length;
      }
    }
  }

  function axis(low, high, y) {
    const wide = size.wide - AXIS_PX;
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "middle";
    /* The POC is named by the lower edge of its bucket, and drawn through its middle. */
    const lines = LEVELS.map(({ label, field }) => ({ label, value: newest[field], at: newest[field] + (field === "poc" ? newest.price_step / 2 : 0) }))
      .filter(({ at }) => newest.poc > 0 && at >= low && at <= high);
    const places = spread(lines.map(({ at }) => y(at)), LABEL_PX, size.high - LABEL_PX / 2);
    pen.fillStyle = theme.color("--text-3");
    pen.textAlign = "right";
    for (let part = 0; part <= TICKS; part += 1) {
      const value = low + ((high - low) * part) / TICKS;
      const at = Math.min(size.high - 6, Math.max(6, y(value)));
      if (places.every((taken) => Math.abs(taken - at) > LABEL_PX)) pen.fillText(price(value), size.wide - 6, at);
    }
    for (const [at, line] of lines.entries()) level(line, Math.round(y(line.at)), places[at], wide);
    last(low, high, y, wide);
  }

  function level({ label, value }, at, text, wide) {
    const isPoc = label === "POC";
    pen.strokeStyle = theme.color(isPoc ? "--text" : "--text-2");
    pen.lineWidth = isPoc ? 1.5 : 1;
    pen.setLineDash(isPoc ? [] : [4, 3]);
    pen.beginPath();
    pen.moveTo(0, at + 0.5);
    pen.lineTo(wide, at + 0.5);
    pen.lineTo(wide + 4, text);
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = theme.color("--surface-3");
    pen.fillRect(wide + 4, text - 7, AXIS_PX - 4, 14);
    pen.fillStyle = theme.color("--surface");
    const name = pen.measureText(label).width + 6;
    pen.fillRect(wide - name, text - 7, name, 14);
    pen.fillStyle = theme.color("--text");
    pen.fillText(label, wide - 3, text);
    pen.fillText(price(value), size.wide - 6, text);
  }

  /* Where the price is now: a triangle at the axis. */
  function last(low, high, y, wide) {
    const mid = market.quoteOf(newest.symbol, newest.venue)?.mid;
    if (!(mid >= low && mid <= high)) return;
    pen.fillStyle = theme.color("--warn");
    pen.beginPath();
    pen.moveTo(wide - 7, y(mid));
    pen.lineTo(wide + 1, y(mid) - 4.5);
    pen.lineTo(wide + 1, y(mid) + 4.5);
    pen.fill();
  }

  function tell() {
    LEVELS.forEach(({ field }, at) => setText(shown[at].value, price(newest[field])));
    const sum = (column) => column.reduce((total, volume) => total + volume, 0);
    const parts = [`▲ bought ${format.size(sum(newest.buy_volumes))}`, `▼ sold ${format.size(sum(newest.sell_volumes))}`, `Δ ${format.signed(newest.delta)}`];
    const unknown = sum(newest.unknown_volumes);
    if (unknown > 0) parts.push(`nobody says ${format.size(unknown)}`);
    const where = placeOf(newest, market.quoteOf(newest.symbol, newest.venue)?.mid);
    if (where) parts.push(`price ${where} value area`);
    parts.push(`since ${format.dateTime(newest.ts_open_ns).slice(5, 16)} UTC`);
    if (newest.coverage < 0.9995) parts.push(`coverage ${format.percent(newest.coverage)}`);
    setText(told, parts.join(" · "));
    const levels = LEVELS.map(({ label, field }) => `${label} ${price(newest[field])}`).join(", ");
    setAttribute(canvas, "aria-label", `Volume by price of ${newest.symbol} since the session began; ${levels}`);
    setAttribute(canvas, "data-prices", String(newest.prices.length));
  }

  return {
    take() {},
    draw(profile, decimals) {
      newest = profile;
      digits = Math.min(decimals, format.decimalsOf(profile.price_step));
      box.hidden = false;
      tell();
      paint();
    },
    clear() {
      newest = null;
      box.hidden = true;
    },
    restyle: paint,
    remove() {
      sized.disconnect();
      box.remove();
    },
  };
}

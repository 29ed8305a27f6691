/**
 * The heat map: time from left to right, price upwards, the brighter the more was on offer; the best prices as lines.
 */

import { h } from "../core/dom.js";

const COLUMN_MS = 250;
const MOST_COLUMNS = 480;
const COLUMN_PX = 2;
const AXIS_PX = 64;
const ROWS = 120;
const STEPS = 24;

/** Mixes two colours `#rrggbb`. Pure. @param {string} from @param {string} to @param {number} share 0 to 1. */
export function mix(from, to, share) {
  const at = (text, place) => parseInt(text.slice(1 + 2 * place, 3 + 2 * place), 16);
  const part = (place) => Math.round(at(from, place) + (at(to, place) - at(from, place)) * share);
  return `rgb(${part(0)} ${part(1)} ${part(2)})`;
}

/**
 * @param {HTMLElement} place
 * @param {import("../main.js").Context} context
 */
export function createHeatmap(place, { format, theme, clock }) {
  const canvas = h("canvas", { class: "heatmap", role: "img", "data-testid": "heatmap", "aria-label": "Order book over time" });
  place.append(canvas);
  const pen = canvas.getContext("2d");
  /** @type {{ms: number, bids: number[][], asks: number[][]}[]} */
  let columns = [];
  let ratio = 1;
  let scales = null;
  let center = 0;
  let height = 0;
  let loudest = 1;

  const sized = new ResizeObserver(() => {
    ratio = devicePixelRatio || 1;
    canvas.width = Math.round(place.clientWidth * ratio);
    canvas.height = Math.round(place.clientHeight * ratio);
    paint(2);
  });
  sized.observe(place);

  function restyle() {
    const ground = theme.color("--heat-0");
    const scale = (color) => Array.from({ length: STEPS + 1 }, (_, at) => mix(ground, color, (at / STEPS) ** 0.8));
    scales = { bid: scale(theme.color("--up")), ask: scale(theme.color("--down")), ground };
    paint(2);
  }

  function take(book) {
    const ms = clock.now_ms();
    const column = { ms, bids: book.bids, asks: book.asks };
    const last = columns.at(-1);
    if (last && ms - last.ms < COLUMN_MS) columns[columns.length - 1] = { ...column, ms: last.ms };
    else columns.push(column);
    if (columns.length > MOST_COLUMNS) columns = columns.slice(-MOST_COLUMNS);
  }

  /* Prices in sight: where the best prices were, and half the depth of the book on either side; it moves only when it
     must, so that the picture stands still. */
  function frameOn(shown) {
    const { bids, asks } = shown.at(-1);
    let [low, high] = [Infinity, -Infinity];
    for (const one of shown) {
      if (one.bids.length) low = Math.min(low, one.bids[0][0]);
      if (one.asks.length) high = Math.max(high, one.asks[0][0]);
    }
    const deep = Math.max(bids[0][0] - bids.at(-1)[0], asks.at(-1)[0] - asks[0][0]) / 2;
    const half = (high - low) / 2 + deep || high * 0.001;
    const middle = (high + low) / 2;
    const isOut = low - deep / 2 < center - height || high + deep / 2 > center + height;
    if (isOut || half < height * 0.5) {
      center = middle;
      height = half * 1.2;
    }
  }

  function paint(decimals) {
    const book = columns.at(-1);
    if (!scales || !canvas.width) return;
    const wide = canvas.width - AXIS_PX * ratio;
    pen.fillStyle = scales.ground;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    if (!book?.bids.length || !book.asks.length) return;
    const column = COLUMN_PX * ratio;
    const shown = columns.slice(-Math.ceil(wide / column));
    frameOn(shown);
    const step = (2 * height) / ROWS;
    const cell = canvas.height / ROWS;
    const y = (price) => ((center + height - price) / (2 * height)) * canvas.height;
    let next = 0;
    shown.forEach((one, at) => {
      const x = wide - (shown.length - at) * column;
      for (const side of ["bids", "asks"]) {
        const scale = side === "bids" ? scales.bid : scales.ask;
        const rows = new Map();
        for (const [price, size] of one[side]) {
          const row = Math.floor((center + height - price) / step);
          if (row >= 0 && row < ROWS) rows.set(row, (rows.get(row) ?? 0) + size);
        }
        for (const [row, size] of rows) {
          next = Math.max(next, size);
          pen.fillStyle = scale[Math.min(STEPS, Math.max(2, Math.round((Math.log1p(size) / Math.log1p(loudest)) * STEPS)))];
          pen.fillRect(x, row * cell, column, Math.ceil(cell));
        }
      }
    });
    loudest = Math.max(next, loudest * 0.98) || 1;
    bestLines(shown, wide, column, y);
    axis(wide, y, decimals, book);
  }

  function bestLines(shown, wide, column, y) {
    for (const [side, color] of [["bids", "--up"], ["asks", "--down"]]) {
      pen.strokeStyle = theme.color(color);
      pen.lineWidth = 1.5 * ratio;
      pen.setLineDash(side === "asks" ? [3 * ratio, 2 * ratio] : []);
      pen.beginPath();
      shown.forEach((one, at) => {
        if (one[side].length) pen.lineTo(wide - (shown.length - at) * column, y(one[side][0][0]));
      });
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  function axis(wide, y, decimals, book) {
    pen.fillStyle = theme.color("--surface");
    pen.fillRect(wide, 0, AXIS_PX * ratio, canvas.height);
    pen.font = `${11 * ratio}px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    pen.fillStyle = theme.color("--text-3");
    for (let part = 1; part < 8; part += 1) {
      const price = center + height - (2 * height * part) / 8;
      pen.fillText(format.price(price, decimals), canvas.width - 6 * ratio, y(price));
    }
    const middle = (book.bids[0][0] + book.asks[0][0]) / 2;
    pen.fillStyle = theme.color("--surface-3");
    pen.fillRect(wide, y(middle) - 9 * ratio, AXIS_PX * ratio, 18 * ratio);
    pen.fillStyle = theme.color("--text");
    pen.fillText(format.price(middle, decimals), canvas.width - 6 * ratio, y(middle));
    canvas.setAttribute("aria-label", `Order book over time; best bid ${format.price(book.bids[0][0], decimals)}, best ask ${format.price(book.asks[0][0], decimals)}`);
  }

  restyle();
  return {
    take,
    draw: (_book, decimals) => paint(decimals),
    clear() {
      columns = [];
      height = 0;
      paint(2);
    },
    restyle,
    remove() {
      sized.disconnect();
      canvas.remove();
    },
  };
}

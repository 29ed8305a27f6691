/**
 * Small drawings in table cells: rates of the last minute, states of the last hour.
 */

import { setAttribute } from "../core/dom.js";
import { HOUR_MS, UNSEEN, kindOf } from "./state_log.js";

const SVG = "http://www.w3.org/2000/svg";
const SPARK = { width: 56, height: 16 };
const LINE = { width: 240, height: 14 };
/* Height says the state as the colour does: the worse, the taller. */
const HEIGHTS = { ok: 4, idle: 2, warn: 9, bad: 14 };

/**
 * An element of SVG.
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...Node} children
 */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** Points of a line through values, 0 at the bottom; pieces where there was nothing are left out. Pure. */
export function pathOf(values, width, height, most) {
  const top = Math.max(most, 1e-9);
  const step = width / 59;
  let isDown = false;
  return values.map((value, at) => {
    if (value === null) {
      isDown = false;
      return "";
    }
    const x = (width - (values.length - 1 - at) * step).toFixed(1);
    const y = (height - 1 - (value / top) * (height - 2)).toFixed(1);
    const word = isDown ? "L" : "M";
    isDown = true;
    return `${word}${x} ${y}`;
  }).join("");
}

/** Rates of the last minute. @returns {{element: SVGElement, draw: (values: (number|null)[]) => void}} */
export function sparkline() {
  const line = s("path", { class: "spark-line" });
  const element = s("svg", { class: "spark", viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, "aria-hidden": "true" }, line);
  return {
    element,
    draw(values) {
      const most = Math.max(0, ...values.map((value) => value ?? 0));
      setAttribute(line, "d", pathOf(values, SPARK.width, SPARK.height, most));
    },
  };
}

/**
 * States of the last hour, now at the right.
 * @returns {{element: SVGElement, draw: (spans: {from_ms: number, to_ms: number, state: string}[], restarts: number[], now_ms: number, said: string) => void}}
 */
export function stateLine() {
  const element = s("svg", { class: "state-line", viewBox: `0 0 ${LINE.width} ${LINE.height}`, preserveAspectRatio: "none", role: "img" });
  let shown = "";
  return {
    element,
    draw(spans, restarts, now_ms, said) {
      const x = (at_ms) => Math.max(0, LINE.width * (1 - (now_ms - at_ms) / HOUR_MS));
      const pieces = spans.filter(({ state }) => state !== UNSEEN).map(({ from_ms, to_ms, state }) => {
        const kind = kindOf(state);
        /* What lasted a second must be seen, too. */
        const width = Math.max(kind === "ok" ? 0.5 : 1.6, x(to_ms) - x(from_ms));
        return { kind, x: Math.min(x(from_ms), LINE.width - width).toFixed(1), width: width.toFixed(1) };
      });
      const key = JSON.stringify([pieces, restarts.map((at_ms) => Math.round(x(at_ms)))]);
      setAttribute(element, "aria-label", said);
      if (key === shown) return;
      shown = key;
      element.replaceChildren(
        s("rect", { class: "state-base", x: 0, y: LINE.height - 1, width: LINE.width, height: 1 }),
        ...pieces.map(({ kind, x: left, width }) => s("rect", { class: `state-${kind}`, x: left, y: LINE.height - HEIGHTS[kind], width, height: HEIGHTS[kind] })),
        ...restarts.map((at_ms) => s("rect", { class: "state-restart", x: Math.max(0, x(at_ms) - 1).toFixed(1), y: 0, width: 1.6, height: LINE.height })),
      );
    },
  };
}

/**
 * The last hour in words. Pure.
 * @param {{from_ms: number, to_ms: number, state: string}[]} spans @param {number} restarts
 * @param {(seconds: number) => string} duration
 */
export function said(spans, restarts, duration) {
  const sums = new Map();
  for (const { from_ms, to_ms, state } of spans) sums.set(state, (sums.get(state) ?? 0) + (to_ms - from_ms) / 1000);
  const parts = [...sums].filter(([state]) => state !== UNSEEN).map(([state, seconds]) => `${state} for ${duration(seconds)}`);
  if (restarts) parts.push(`${restarts} restart${restarts > 1 ? "s" : ""}`);
  return `Last hour: ${parts.join(", ") || "nothing seen"}`;
}

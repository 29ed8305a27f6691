/**
 * Numbers and times as text. Pure. What does not exist is a dash, never 0.
 */

export const NONE = "–";
const number = new Map();

function formatter(decimals) {
  if (!number.has(decimals)) {
    number.set(
      decimals,
      new Intl.NumberFormat("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }),
    );
  }
  return number.get(decimals);
}

/** @param {any} value */
export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/**
 * Decimals that a tick size needs: 0.01 is 2.
 * @param {number} tick 0: unknown.
 * @param {number} [price] From which they are guessed where the tick is unknown.
 * @returns {number}
 */
export function decimalsOf(tick, price = 0) {
  if (tick > 0) {
    let decimals = 0;
    while (decimals < 10 && Math.abs(Math.round(tick * 10 ** decimals) - tick * 10 ** decimals) > 1e-7) decimals += 1;
    return decimals;
  }
  const size = Math.abs(price);
  if (size >= 1000) return 2;
  if (size >= 1) return 4;
  return size > 0 ? 6 : 2;
}

/**
 * @param {number|null|undefined} value
 * @param {number} [decimals]
 * @returns {string}
 */
export function price(value, decimals = 2) {
  return isNumber(value) ? formatter(decimals).format(value) : NONE;
}

/**
 * A size in four significant digits or so: 0.000021, 0.01234, 12.35, 1,234, 1.24M.
 * @param {number|null|undefined} value
 * @returns {string}
 */
export function size(value) {
  if (!isNumber(value)) return NONE;
  const absolute = Math.abs(value);
  if (absolute >= 1e9) return `${formatter(2).format(value / 1e9)}B`;
  if (absolute >= 1e6) return `${formatter(2).format(value / 1e6)}M`;
  if (absolute >= 1e5) return `${formatter(1).format(value / 1e3)}k`;
  if (absolute >= 1000) return formatter(0).format(value);
  if (absolute >= 100) return formatter(1).format(value);
  if (absolute >= 1) return formatter(3).format(value);
  if (absolute === 0) return "0";
  return formatter(absolute >= 0.01 ? 4 : absolute >= 0.0001 ? 6 : 8).format(value);
}

/**
 * A share as a percentage with its sign: +0.42%.
 * @param {number|null|undefined} share
 * @returns {string}
 */
export function change(share) {
  if (!isNumber(share)) return NONE;
  const text = formatter(2).format(Math.abs(share * 100));
  if (text === "0.00") return "0.00%";
  return `${share > 0 ? "+" : "−"}${text}%`;
}

/**
 * @param {number|null|undefined} share 0 to 1.
 * @param {number} [decimals]
 * @returns {string}
 */
export function percent(share, decimals = 1) {
  return isNumber(share) ? `${formatter(decimals).format(share * 100)}%` : NONE;
}

/**
 * A number with its sign.
 * @param {number|null|undefined} value
 * @returns {string}
 */
export function signed(value) {
  if (!isNumber(value)) return NONE;
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${size(Math.abs(value))}`;
}

/**
 * How long: 0.4s, 12s, 3m 20s, 2h 05m, 3d 4h.
 * @param {number|null|undefined} seconds
 * @returns {string}
 */
export function duration(seconds) {
  if (!isNumber(seconds)) return NONE;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${String(Math.floor(seconds % 60)).padStart(2, "0")}s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")}m`;
  return `${Math.floor(seconds / 86400)}d ${Math.floor((seconds % 86400) / 3600)}h`;
}

/** The same in five characters at most, for tables: 0.4s, 12s, 3m, 2h, 3d. @param {number|null|undefined} seconds */
export function age(seconds) {
  if (!isNumber(seconds) || seconds < 0) return NONE;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 60) return `${Math.floor(seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86400)}d`;
}

/** Milliseconds or seconds of a lag: 0.8ms, 11ms, 1.2s. @param {number|null|undefined} seconds */
export function lag(seconds) {
  if (!isNumber(seconds)) return NONE;
  const ms = seconds * 1000;
  if (Math.abs(ms) < 10) return `${ms.toFixed(1)}ms`;
  return Math.abs(ms) < 1000 ? `${Math.round(ms)}ms` : `${seconds.toFixed(1)}s`;
}

/** Bytes in binary units: 812 B, 1.4 MiB. @param {number|null|undefined} value */
export function bytes(value) {
  if (!isNumber(value)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let at = 0;
  let rest = value;
  while (rest >= 1024 && at < units.length - 1) {
    rest /= 1024;
    at += 1;
  }
  return `${at === 0 ? rest : rest.toFixed(1)} ${units[at]}`;
}

/** 12:00:01 of a time in ms. @param {number} ms */
export const clock = (ms) => (isNumber(ms) ? new Date(ms).toISOString().slice(11, 19) : NONE);

/** 12:00:01 or, with 3 decimals, 12:00:01.123, of a time in ns. @param {number} ts_ns @param {number} [decimals] */
export function time(ts_ns, decimals = 0) {
  if (!(ts_ns > 0)) return NONE;
  const text = new Date(ts_ns / 1e6).toISOString();
  return decimals ? text.slice(11, 23) : text.slice(11, 19);
}

/** 2026-11-21 12:00:01 of a time in ns, UTC. @param {number} ts_ns */
export const dateTime = (ts_ns) => (ts_ns > 0 ? new Date(ts_ns / 1e6).toISOString().slice(0, 19).replace("T", " ") : NONE);

/** Seconds in a timeframe: 1m is 60; 0 for `session` and what is none. @param {string} timeframe */
export function timeframeSeconds(timeframe) {
  const found = /^(\d+)([smhdw])$/.exec(timeframe ?? "");
  return found ? Number(found[1]) * { s: 1, m: 60, h: 3600, d: 86400, w: 604800 }[found[2]] : 0;
}

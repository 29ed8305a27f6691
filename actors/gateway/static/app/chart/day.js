/**
 * A day of the past, as `day=2026-11-20` of the address names it. Pure.
 */

const DAY_S = 86_400;
const MOST_ROWS = 5000; // of a page of the gateway
const LEAST_ROWS = 120; // so that a day of few candles does not stand alone
const SHOWN = 60;

/**
 * @typedef {object} Day
 * @property {string} text 2026-11-20
 * @property {string} next The day behind it.
 * @property {number} from_s Its beginning, seconds since 1970 UTC.
 * @property {number} to_ns Its end, ns since 1970 UTC; whole days are exact as a number.
 */

/** @param {Record<string, string>} query Of the address. @returns {Day|null} null: there is none, or it is no day. */
export function dayOf(query) {
  const text = query.day ?? "";
  const from_ms = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : NaN;
  if (!(from_ms >= 0) || dateText(from_ms) !== text) return null;
  const to_ms = from_ms + DAY_S * 1000;
  return { text, next: dateText(to_ms), from_s: from_ms / 1000, to_ns: to_ms * 1e6 };
}

const dateText = (ms) => new Date(ms).toISOString().slice(0, 10);

/** How many candles to ask for, so that a whole day is among them where a page can hold it. @param {number} timeframe_s */
export function rowsOfDay(timeframe_s) {
  return Math.min(MOST_ROWS, Math.max(LEAST_ROWS, Math.ceil(DAY_S / timeframe_s)));
}

/**
 * What is in sight of a day at first: all of it, and some of what was before where it has few candles.
 * @param {number} first Index of its first candle. @param {number} count Candles that are loaded.
 */
export function rangeOfDay(first, count) {
  return { from: Math.min(first, count - SHOWN) - 0.5, to: count + 1.5 };
}

/**
 * The server's clock as this browser knows it: every age and the clock in the header count by it.
 */

/**
 * @typedef {object} Clock
 * @property {(ts_ns: number) => void} learn A time that the server just said.
 * @property {() => number} now_ms Server's time, ms since 1970 UTC.
 * @property {() => number} offset_ms Server minus browser, ms.
 * @property {(ts_ns: number) => number} age_s Seconds since a time of the server; never below 0.
 */

const SAMPLES = 8;

/** @returns {Clock} */
export function createClock() {
  /* A message is late by its way, never early: the largest of the newest offsets is the nearest to the truth. */
  const offsets = [];
  let offset = 0;
  const now_ms = () => Date.now() + offset;
  return {
    learn(ts_ns) {
      if (!(ts_ns > 0)) return;
      offsets.push(ts_ns / 1e6 - Date.now());
      if (offsets.length > SAMPLES) offsets.shift();
      offset = Math.max(...offsets);
    },
    now_ms,
    offset_ms: () => offset,
    age_s: (ts_ns) => Math.max(0, (now_ms() - ts_ns / 1e6) / 1000),
  };
}

/**
 * Candles of one instrument in order of time, newer revisions over older ones. Pure.
 */

/** @typedef {Record<string, any>} Bar A row of the contract; `time` is added: its open, seconds since 1970. */

export class Bars {
  /** @param {number} timeframe_s */
  constructor(timeframe_s) {
    this.timeframe_s = timeframe_s;
    /** @type {Bar[]} */
    this.rows = [];
    /** Cumulated delta of the session (UTC day; of a longer candle: since the first that is loaded). @type {number[]} */
    this.cvd = [];
  }

  /**
   * Takes rows, in any order.
   * @param {Bar[]} rows
   * @returns {number} Index of the first row that is another one now; `rows.length` if none is. 0 if one came between those
   *   that were there, or before them: nothing that was drawn has its index any more.
   */
  merge(rows) {
    let first = this.rows.length;
    const older = [];
    const before = this.rows[0]?.time ?? -Infinity;
    for (const row of rows) {
      row.time = Math.floor(row.ts_open_ns / 1e9);
      if (row.time < before) older.push(row);
      else first = Math.min(first, this.#place(row));
    }
    if (older.length) {
      this.rows = [...older.sort((a, b) => a.time - b.time), ...this.rows];
      first = 0;
    }
    this.#accumulate(first);
    return first;
  }

  #place(row) {
    const { rows } = this;
    const last = rows.at(-1);
    if (!last || row.time > last.time) return rows.push(row) - 1;
    const at = this.indexOf(row.time);
    if (rows[at]?.time !== row.time) {
      rows.splice(at + 1, 0, row);
      return 0;
    }
    const known = rows[at];
    if (known.revision > row.revision || (known.revision === row.revision && known.ts_event_ns > row.ts_event_ns)) {
      return rows.length;
    }
    rows[at] = row;
    return at;
  }

  #accumulate(first) {
    const { rows, cvd, timeframe_s: length } = this;
    cvd.length = Math.min(cvd.length, first);
    for (let at = first; at < rows.length; at += 1) {
      const before = rows[at - 1];
      const isNewDay = before && length < 86_400 && dayOf(before.time) !== dayOf(rows[at].time);
      cvd[at] = (before && !isNewDay ? cvd[at - 1] : 0) + deltaOf(rows[at]);
    }
  }

  /** Index of the last row that begins at or before a time, -1: none. @param {number} time Seconds. */
  indexOf(time) {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].time <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Where a time lies on the axis, in rows and parts of one; rows are centred on whole numbers. @param {number} time */
  positionOf(time) {
    const at = this.indexOf(time);
    if (at < 0) return -0.5;
    return at - 0.5 + Math.min(1, (time - this.rows[at].time) / this.timeframe_s);
  }
}

const dayOf = (time) => Math.floor(time / 86_400);

/** Bought minus sold by the aggressor. @param {Bar} bar */
export const deltaOf = (bar) => (bar.buy_volume ?? 0) - (bar.sell_volume ?? 0);

/**
 * Stretches of time that were not seen: gaps that were announced, and candles with status gap, joined.
 * @param {{from_ts_ns: number, to_ts_ns: number, state: string, cause: string}[]} gaps
 * @param {Bars} bars
 * @param {number} now_s
 * @returns {{from: number, to: number, state: string}[]} Seconds.
 */
export function unseen(gaps, bars, now_s) {
  const found = gaps.map((gap) => ({
    from: gap.from_ts_ns / 1e9,
    to: gap.to_ts_ns > 0 ? gap.to_ts_ns / 1e9 : now_s,
    state: gap.state,
  }));
  for (const bar of bars.rows) {
    if (bar.status === "gap") found.push({ from: bar.time, to: bar.time + bars.timeframe_s, state: "unfillable" });
  }
  found.sort((a, b) => a.from - b.from);
  const joined = [];
  for (const one of found) {
    const last = joined.at(-1);
    if (last && one.from <= last.to && (one.state === "filled") === (last.state === "filled")) last.to = Math.max(last.to, one.to);
    else joined.push({ ...one });
  }
  return joined;
}

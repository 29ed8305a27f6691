/**
 * What was seen of each actor in the last hour: states, restarts, rates. Kept in the browser, from when this page was
 * first looked at. Pure.
 */

export const HOUR_MS = 3_600_000;
const UNSEEN_MS = 5000; // nothing of anybody for so long: what happened in between is not known
const MOST_RATES = 60;
const MOST_CHANGES = 100;
export const UNSEEN = "UNSEEN";

/** State to kind of badge. Words that are not here are shown as they come. */
const KINDS = { RUNNING: "ok", DOWN: "bad", STARTING: "warn", STOPPING: "warn", DRAINING: "warn", UNKNOWN: "idle", UNSEEN: "idle" };

/** @param {string} state @returns {"ok"|"warn"|"bad"|"idle"} */
export const kindOf = (state) => KINDS[state] ?? "warn";

/**
 * @typedef {object} Change
 * @property {number} at_ms
 * @property {string} name
 * @property {"down"|"back"|"restarted"|"state"|"new"|"gone"} kind
 * @property {string} state
 * @property {number|null} lasted_s How long it was not running, of `back`.
 */

/** @typedef {{spans: {from_ms: number, state: string}[], restarts: number[], epoch: number|null, in: number[], out: number[]}} Seen */

export class StateLog {
  constructor() {
    /** @type {Map<string, Seen>} */
    this.actors = new Map();
    /** @type {Change[]} Newest last. */
    this.changes = [];
    this.heard_ms = 0;
  }

  /**
   * Takes the rows of all actors.
   * @param {any[]} rows Of /api/v1/actors. @param {number} now_ms The server's clock.
   * @returns {Change[]} What is different from before.
   */
  take(rows, now_ms) {
    const isFirst = this.heard_ms === 0;
    if (!isFirst && now_ms - this.heard_ms > UNSEEN_MS) this.#hide(this.heard_ms + 1000);
    this.heard_ms = now_ms;
    const found = rows.map((row) => this.#one(row, now_ms, isFirst)).filter(Boolean);
    this.changes.push(...found);
    this.changes.splice(0, this.changes.length - MOST_CHANGES);
    return found;
  }

  #hide(from_ms) {
    for (const seen of this.actors.values()) {
      if (seen.spans.at(-1)?.state !== UNSEEN) seen.spans.push({ from_ms, state: UNSEEN });
    }
  }

  #one(row, now_ms, isFirst) {
    const seen = this.actors.get(row.name) ?? { spans: [], restarts: [], epoch: null, in: [], out: [] };
    const isNew = !this.actors.has(row.name);
    this.actors.set(row.name, seen);
    remember(seen.in, row.is_alive ? row.frames_in_per_s : null);
    remember(seen.out, row.is_alive ? row.frames_out_per_s : null);
    const last = seen.spans.at(-1);
    const hasBegunAgain = seen.epoch !== null && row.epoch !== null && row.epoch !== seen.epoch;
    if (row.epoch !== null) seen.epoch = row.epoch;
    if (hasBegunAgain) seen.restarts.push(now_ms);
    if (last?.state !== row.state) seen.spans.push({ from_ms: isNew ? began_ms(row, now_ms) : now_ms, state: row.state });
    forget(seen, now_ms - HOUR_MS);
    const change = { at_ms: now_ms, name: row.name, state: row.state, lasted_s: null };
    if (isNew) return isFirst && row.is_alive ? null : { ...change, kind: row.is_alive ? "new" : "down" };
    if (last.state === row.state) return hasBegunAgain ? { ...change, kind: "restarted" } : null;
    if (last.state === UNSEEN) return hasBegunAgain ? { ...change, kind: "restarted" } : row.is_alive ? null : { ...change, kind: "down" };
    if (row.state === "RUNNING") return { ...change, kind: "back", lasted_s: this.#away_s(seen, now_ms) };
    return { ...change, kind: row.is_alive || last.state === "DOWN" ? "state" : "down" };
  }

  #away_s(seen, now_ms) {
    const before = seen.spans.slice(0, -1);
    const lastRun = before.findLastIndex(({ state }) => state === "RUNNING");
    const away = before[lastRun + 1];
    return away ? (now_ms - away.from_ms) / 1000 : null;
  }

  /** Since when an actor is in its state, ms; null: not known. @param {string} name */
  since_ms(name) {
    return this.actors.get(name)?.spans.at(-1)?.from_ms ?? null;
  }

  /**
   * The last hour in pieces.
   * @param {string} name @param {number} now_ms
   * @returns {{from_ms: number, to_ms: number, state: string}[]}
   */
  spans(name, now_ms) {
    const spans = this.actors.get(name)?.spans ?? [];
    const first_ms = now_ms - HOUR_MS;
    return spans
      .map(({ from_ms, state }, at) => ({ from_ms: Math.max(first_ms, from_ms), to_ms: spans[at + 1]?.from_ms ?? now_ms, state }))
      .filter(({ from_ms, to_ms }) => to_ms > from_ms);
  }

  /** For keeping it over a reload. */
  toJSON() {
    return { actors: [...this.actors], changes: this.changes, heard_ms: this.heard_ms };
  }

  /** @param {any} kept What `toJSON` gave. @param {number} now_ms */
  restore(kept, now_ms) {
    if (!kept?.heard_ms || now_ms - kept.heard_ms > HOUR_MS) return;
    this.actors = new Map(kept.actors);
    this.changes = kept.changes;
    this.heard_ms = kept.heard_ms;
  }
}

/** When a state that was never seen to begin may have begun: a process knows its own start. */
function began_ms(row, now_ms) {
  const known_s = row.is_alive ? row.uptime_s : row.beat_age_s;
  return typeof known_s === "number" ? now_ms - known_s * 1000 : now_ms;
}

function remember(values, value) {
  values.push(typeof value === "number" ? value : null);
  if (values.length > MOST_RATES) values.shift();
}

function forget(seen, before_ms) {
  while (seen.spans.length > 1 && seen.spans[1].from_ms < before_ms) seen.spans.shift();
  while (seen.restarts.length && seen.restarts[0] < before_ms) seen.restarts.shift();
}

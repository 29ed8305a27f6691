/**
 * Every instrument with its newest quote, age and state: from the `quotes` channel, and from REST every two seconds for
 * what only the hub knows (fresh, stale, closed, venue down, gap open).
 */

const STATES_MS = 2000;
const CONFLATE_MS = 100;
export const STATES = {
  fresh: { kind: "ok", word: "fresh" },
  stale: { kind: "warn", word: "stale" },
  closed_market: { kind: "idle", word: "closed" },
  venue_down: { kind: "bad", word: "venue down" },
  gap_open: { kind: "gap", word: "gap open" },
  none: { kind: "idle", word: "no data" },
};

/**
 * @typedef {object} Quote
 * @property {string} key `symbol|venue`.
 * @property {string} symbol
 * @property {string} venue
 * @property {number} bid
 * @property {number} ask
 * @property {number} mid
 * @property {number} ts_recv_ns
 * @property {string} state In the hub's words.
 * @property {number} heard Counts quotes, so that a drawing knows what changed.
 */

/** Key of a row. Pure. @param {string} symbol @param {string} venue */
export const keyOf = (symbol, venue) => `${symbol}|${venue}`;

/**
 * @param {import("../main.js").Context} context
 */
export function createMarket({ api, clock, socket, store, poll }) {
  /** @type {Map<string, Quote>} */
  const quotes = new Map();
  const listeners = new Set();
  const ends = [];
  let fault = null;
  let isAsked = false;

  const tell = (isNewRow) => {
    for (const run of listeners) run(isNewRow);
  };

  function take(row) {
    const key = keyOf(row.symbol, row.venue);
    const known = quotes.get(key);
    if (known && row.ts_recv_ns < known.ts_recv_ns) return false;
    const mid = (row.bid + row.ask) / 2;
    if (!known) {
      quotes.set(key, { ...row, key, mid, state: row.state ?? "fresh", heard: 1 });
      return true;
    }
    const { bid, ask, bid_size, ask_size, ts_recv_ns } = row;
    Object.assign(known, { bid, ask, bid_size, ask_size, ts_recv_ns, mid, heard: known.heard + 1 });
    return false;
  }

  ends.push(socket.subscribe({ name: "quotes", symbols: ["*"], conflate_ms: CONFLATE_MS }, ({ data }) => {
    let isNewRow = false;
    for (const row of data) isNewRow = take(row) || isNewRow;
    tell(isNewRow);
  }));

  ends.push(poll(async () => {
    try {
      const { data } = await api.get("quotes", { allow_stale: true });
      let isNewRow = false;
      for (const row of data) {
        isNewRow = take(row) || isNewRow;
        const known = quotes.get(keyOf(row.symbol, row.venue));
        if (row.state) known.state = row.state;
      }
      store.set("liveSymbols", new Set([...quotes.values()].map(({ symbol }) => symbol)));
      fault = null;
      isAsked = true;
      tell(isNewRow);
    } catch (error) {
      fault = error;
      isAsked = true;
      tell(false);
      throw error;
    }
  }, STATES_MS));

  return {
    quotes,
    /** Why the newest question for states failed; null: it did not. */
    fault: () => fault,
    isAsked: () => isAsked,
    /** @param {Quote} quote @returns {number} Seconds. */
    age_s: (quote) => clock.age_s(quote.ts_recv_ns),
    /** The row of a symbol: of a venue, or the newest of all. @param {string} symbol @param {string} [venue] */
    quoteOf(symbol, venue = "") {
      if (venue) return quotes.get(keyOf(symbol, venue));
      let newest;
      for (const quote of quotes.values()) {
        if (quote.symbol === symbol && !(newest?.ts_recv_ns >= quote.ts_recv_ns)) newest = quote;
      }
      return newest;
    },
    /** @param {(isNewRow: boolean) => void} run */
    on(run) {
      listeners.add(run);
      return () => listeners.delete(run);
    },
    close() {
      for (const end of ends) end();
    },
  };
}

/**
 * Everything the chart shows of one instrument and timeframe: asked over REST, kept live over the WebSocket; or, of one
 * day of the past, asked over REST only.
 */

import { Bars, unseen } from "./bars.js";
import { rowsOfDay } from "./day.js";

const FIRST_BARS = 600;
const PAGE_BARS = 1000;
const MOST_BARS = 20_000;
const GAPS_MS = 5000;
const OFI_WINDOW_S = 60;
const OFI_ROWS = 3600;

/**
 * @param {import("../main.js").Context} context
 * @param {{symbol: string, timeframe: string, venue: string, day: import("./day.js").Day|null}} what
 * @param {{onChange: (from: number) => void, onFault: (fault: Error) => void}} tell `from`: index of the first row that
 *   changed; 0: everything.
 */
export function createModel(context, { symbol, timeframe, venue, day }, { onChange, onFault }) {
  const { api, clock, format, socket, poll } = context;
  const path = encodeURIComponent(symbol);
  const aborted = new AbortController();
  const bars = new Bars(format.timeframeSeconds(timeframe));
  /** @type {Map<number, Record<string, number>>} Open of a candle, seconds, to values by name. */
  const features = new Map();
  /** @type {Map<number, number>} Minute (or second, of 1s candles) to imbalance. */
  const imbalance = new Map();
  let gaps = [];
  let cursor = null;
  let isLoading = false;
  let isOver = false;
  let wantsFlow = false;
  let wantsFeatures = false;
  let source = venue;
  const ends = [];

  /* Up to the end of the day, not from its beginning: such pages lead back in time, as those of the newest candles do. */
  const first = day ? { to_ns: day.to_ns, limit: rowsOfDay(bars.timeframe_s) } : { limit: FIRST_BARS };
  const get = (kind, query) => api.get(`${kind}/${path}`, { venue: source, allow_stale: true, ...query }, { signal: aborted.signal });
  const isOurs = (row) => !source || row.venue === source;

  async function load() {
    try {
      const answer = await get("bars", { tf: timeframe, ...first });
      if (isOver) return;
      source ||= answer.data[0]?.venue ?? "";
      cursor = answer.next_cursor;
      bars.merge(answer.data);
      model.isLoaded = true;
      onChange(0);
      if (day) lookBack();
      else follow();
    } catch (fault) {
      if (!isOver) onFault(fault);
    }
  }

  function follow() {
    const wish = { name: "bars", symbols: [symbol], timeframes: [timeframe], ...(source ? { venue: source } : {}) };
    ends.push(socket.subscribe(wish, ({ data }) => {
      const rows = data.filter(isOurs);
      if (rows.length) onChange(bars.merge(rows));
    }));
    ends.push(poll(loadGaps, GAPS_MS));
    if (wantsFlow) followFlow();
    if (wantsFeatures) followFeatures();
  }

  async function loadGaps() {
    const { data } = await api.get("gaps", { symbol, venue: source, limit: 500 }, { signal: aborted.signal });
    gaps = data.filter((gap) => gap.kind !== "book" && (!day || gap.from_ts_ns < day.to_ns));
    onChange(bars.rows.length);
  }

  /* What is past does not change: asked once, nothing is followed. Order flow is left out: it has a row a second. */
  function lookBack() {
    if (!bars.rows.length) return;
    loadGaps().catch(() => {});
    loadFeatures("history", { kind: "feature", ...first });
  }

  function takeFlow(rows) {
    const step = bars.timeframe_s < 60 ? 1 : 60;
    for (const row of rows) {
      const value = row.values?.ofi;
      if (typeof value === "number" && row.window_s === OFI_WINDOW_S && isOurs(row)) {
        imbalance.set(Math.floor((row.ts_event_ns / 1e9 - 0.001) / step) * step, value);
      }
    }
  }

  async function followFlow() {
    const wish = { name: "flow", symbols: [symbol], windows: [OFI_WINDOW_S], ...(source ? { venue: source } : {}) };
    ends.push(socket.subscribe(wish, ({ data }) => {
      takeFlow(data);
      onChange(Math.max(0, bars.rows.length - 2));
    }));
    try {
      if (!(await isHeard(`flow.${source}.${symbol}`))) return;
      const from_ns = Math.round(clock.now_ms() - OFI_ROWS * 1000) * 1_000_000;
      const query = { window_s: OFI_WINDOW_S, limit: OFI_ROWS, venue: source, from_ns };
      const { data } = await api.get(`orderflow/${path}/history`, query, { signal: aborted.signal });
      const known = new Map(imbalance);
      takeFlow(data);
      for (const [time, value] of known) imbalance.set(time, value);
      onChange(0);
    } catch { /* the pane stays empty until live values come */ }
  }

  function takeFeatures(rows) {
    for (const row of rows) if (isOurs(row)) features.set(Math.floor(row.ts_open_ns / 1e9), row.values);
  }

  async function followFeatures() {
    const wish = { name: "features", symbols: [symbol], timeframes: [timeframe], ...(source ? { venue: source } : {}) };
    ends.push(socket.subscribe(wish, ({ data }) => {
      takeFeatures(data);
      onChange(Math.max(0, bars.rows.length - 2));
    }));
    await loadFeatures("indicators", { limit: Math.max(FIRST_BARS, bars.rows.length) });
  }

  /* Asked first: what does not exist (no indicators of 1s candles) would be an error in the browser's console. */
  async function isHeard(topic) {
    const { data } = await api.get("topics", { prefix: topic }, { signal: aborted.signal });
    return data.some((row) => row.topic === topic);
  }

  async function loadFeatures(kind, query) {
    try {
      if (!(await isHeard(`feature.${source}.${symbol}.${timeframe}`))) return;
      const { data } = await get(kind, { tf: timeframe, ...query });
      takeFeatures(data);
      onChange(0);
    } catch { /* a timeframe without indicators */ }
  }

  const model = {
    bars,
    features,
    isLoaded: false,
    day,
    venue: () => source,
    bands: () => unseen(gaps, bars, (day ? Math.min(day.to_ns / 1e6, clock.now_ms()) : clock.now_ms()) / 1000),
    /** Index of the first candle of the day; as many as there are candles: it has none. */
    firstOfDay: () => (day ? bars.indexOf(day.from_s - 0.001) + 1 : 0),
    /** Order-flow imbalance of a candle. @param {number} at Index. */
    ofiOf(at) {
      const { time } = bars.rows[at];
      if (bars.timeframe_s <= 60) return imbalance.get(time);
      let sum;
      for (let minute = time; minute < time + bars.timeframe_s && minute - time < 86_400; minute += 60) {
        const value = imbalance.get(minute);
        if (value !== undefined) sum = (sum ?? 0) + value;
      }
      return sum;
    },
    /** Names of all indicators that came. */
    names: () => new Set([...features.values()].slice(-50).flatMap((values) => Object.keys(values))),
    /** Order flow and indicators are asked for when somebody looks at them. @param {{flow: boolean, features: boolean}} wanted */
    want({ flow, features: some }) {
      if (flow && !wantsFlow && model.isLoaded && !day) followFlow();
      if (some && !wantsFeatures && model.isLoaded && !day) followFeatures();
      wantsFlow ||= flow;
      wantsFeatures ||= some;
    },
    /** The page before the oldest candle; `false`: there is none. */
    async loadOlder() {
      if (isLoading || !cursor || bars.rows.length >= MOST_BARS) return false;
      isLoading = true;
      const oldest = bars.rows[0].ts_open_ns;
      try {
        const answer = await get("bars", { tf: timeframe, limit: PAGE_BARS, cursor });
        if (isOver) return false;
        cursor = answer.has_more ? answer.next_cursor : null;
        if (!answer.data.length) cursor = null;
        onChange(bars.merge(answer.data));
        if (wantsFeatures && !day && answer.data.length) {
          loadFeatures("history", { kind: "feature", from_ns: answer.data[0].ts_open_ns, to_ns: oldest, limit: PAGE_BARS });
        }
        return true;
      } catch {
        return false;
      } finally {
        isLoading = false;
      }
    },
    close() {
      isOver = true;
      aborted.abort();
      for (const end of ends) end();
    },
  };
  load();
  return model;
}

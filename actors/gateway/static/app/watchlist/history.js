/**
 * What a row needs of the past: the open of the day and the last hour, asked when the row is first seen, a few at a
 * time; then live minutes are added.
 */

const POINTS = 60;
const AT_ONCE = 3;
const AGAIN_MS = 60_000;

/**
 * @param {import("../main.js").Context} context
 * @param {() => void} onNews
 */
export function createHistory({ api, clock }, onNews) {
  /** @type {Map<string, {points: number[], minute: number, open: number|null, day: number, asked_ms: number}>} */
  const known = new Map();
  const waiting = [];
  let running = 0;
  /** @type {Promise<Set<string>>|null} Topics of candles. */
  let heard = null;
  let heard_ms = -Infinity;

  /* Which candles there are is asked first, once for all rows: to ask for what is not there would be an error in the
     browser's console. */
  function topics() {
    if (!heard || performance.now() - heard_ms > AGAIN_MS / 2) {
      heard_ms = performance.now();
      heard = api.get("topics", { prefix: "bar." }).then(({ data }) => new Set(data.map(({ topic }) => topic)));
      heard.catch(() => { heard = null; });
    }
    return heard;
  }

  async function ask({ key, symbol, venue }) {
    const entry = known.get(key);
    entry.asked_ms = performance.now();
    const there = await topics();
    const rowsOf = async (tf, limit) => {
      if (!there.has(`bar.${venue}.${symbol}.${tf}`)) return [];
      return (await api.get(`bars/${encodeURIComponent(symbol)}`, { tf, limit, venue, allow_stale: true })).data;
    };
    const [hour, day] = await Promise.all([rowsOf("1m", POINTS), rowsOf("1d", 1)]);
    if (hour.length) entry.points = hour.map((row) => row.close);
    entry.open = day.at(-1)?.open ?? entry.points[0] ?? null;
    entry.asked_ms = hour.length ? Infinity : performance.now();
    onNews();
  }

  function next() {
    while (running < AT_ONCE && waiting.length) {
      running += 1;
      ask(waiting.pop()).catch(() => {}).finally(() => {
        running -= 1;
        next();
      });
    }
  }

  return {
    /** What is known of a row that is being looked at. @param {import("../trade/market.js").Quote} quote */
    of(quote) {
      let entry = known.get(quote.key);
      const today = Math.floor(clock.now_ms() / 86_400_000);
      const minute = Math.floor(clock.now_ms() / 60_000);
      if (!entry) {
        entry = { points: [], minute, open: null, day: today, asked_ms: -Infinity };
        known.set(quote.key, entry);
      }
      if (entry.day !== today) Object.assign(entry, { day: today, asked_ms: -Infinity });
      if (performance.now() - entry.asked_ms > AGAIN_MS) {
        entry.asked_ms = performance.now();
        waiting.push(quote);
        next();
      }
      if (entry.minute !== minute) {
        entry.minute = minute;
        entry.points.push(quote.mid);
        if (entry.points.length > POINTS) entry.points.shift();
      } else if (entry.points.length) entry.points[entry.points.length - 1] = quote.mid;
      quote.change = entry.open ? quote.mid / entry.open - 1 : null;
      return entry;
    },
  };
}

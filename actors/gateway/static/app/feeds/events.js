/**
 * Alerts, news and signals: the newest over REST, then live. The chart marks them too, by `events` of the store.
 */

const KINDS = ["alerts", "news", "signals"];
const KEPT = 300;
const AGAIN_MS = 30_000;

/** What makes an event itself, as the protocol says. Pure. @param {string} kind @param {any} row */
export function identityOf(kind, row) {
  if (kind === "news") return `${row.source}|${row.news_id}`;
  if (kind === "signals" && row.signal_id) return row.signal_id;
  return [row.venue, row.symbol, row.rule ?? row.strategy, row.ts_event_ns].join("|");
}

/** Known and fresh ones in order of time, each once with its newest revision, the newest `most`. Pure. */
export function joined(kind, known, fresh, most = KEPT) {
  const all = new Map(known.map((row) => [identityOf(kind, row), row]));
  for (const row of fresh) {
    const known = all.get(identityOf(kind, row));
    if (!known || (row.revision ?? 0) >= (known.revision ?? 0)) all.set(identityOf(kind, row), row);
  }
  return [...all.values()].sort((a, b) => a.ts_event_ns - b.ts_event_ns).slice(-most);
}

/** @param {import("../main.js").Context} context */
export function createEvents({ api, socket, store, poll, say }) {
  const lists = Object.fromEntries(KINDS.map((kind) => [kind, { rows: [], fault: null, isAsked: false }]));
  let version = 0;
  const tell = () => {
    version += 1;
    const { alerts, news, signals } = lists;
    store.set("events", { alerts: alerts.rows, news: news.rows, signals: signals.rows, version });
  };

  const ends = KINDS.flatMap((kind) => {
    const list = lists[kind];
    const take = (rows) => {
      list.rows = joined(kind, list.rows, rows);
      tell();
    };
    return [
      socket.subscribe({ name: kind }, ({ t, data }) => {
        take(data);
        for (const row of t === "update" && kind === "alerts" ? data : []) {
          if (row.severity === "critical") say(`${row.symbol} ${row.rule}: ${row.text}`, "warn");
        }
      }),
      poll(async () => {
        try {
          take((await api.get(kind, { limit: 200 })).data);
          list.fault = null;
        } catch (error) {
          list.fault = error.code === "no_data" ? null : error.message;
        } finally {
          if (!list.isAsked) {
            list.isAsked = true;
            tell();
          }
        }
      }, AGAIN_MS),
    ];
  });
  return {
    rows: (kind) => lists[kind].rows,
    fault: (kind) => lists[kind].fault,
    isAsked: (kind) => lists[kind].isAsked,
    close() {
      for (const end of ends) end();
    },
  };
}

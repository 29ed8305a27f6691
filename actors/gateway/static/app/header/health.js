/**
 * What the header tells of the system: instruments, venues, gaps, lag; asked for everybody, kept in the store.
 */

const VENUES_MS = 2000;
const GAPS_MS = 5000;
const INSTRUMENTS_MS = 60_000;

/**
 * Keeps `instruments` (Map by symbol), `venues`, `gapsOpen`, `lag_p99_s`, `whoami` of the store up to date.
 * @param {import("../main.js").Context} context
 */
export function watchHealth({ api, socket, store, poll }) {
  poll(async () => {
    const answer = await api.get("instruments");
    store.set("instruments", new Map(answer.data.map((row) => [row.symbol, row])));
  }, INSTRUMENTS_MS);

  poll(async () => {
    const { data } = await api.get("venues");
    store.set("venues", data);
    socket.retry(); // the gateway answers: no need to wait for the end of a pause
  }, VENUES_MS);

  poll(async () => {
    const { data, has_more: hasMore } = await api.get("gaps", { state: "open", limit: 200 });
    store.set("gapsOpen", { count: data.length, isMore: Boolean(hasMore), rows: data });
  }, GAPS_MS);

  const lags = new Map();
  socket.subscribe({ name: "actors" }, ({ data }) => {
    for (const row of data) {
      if (row.is_alive && typeof row.lag_p99_s === "number") lags.set(row.name, row.lag_p99_s);
      else lags.delete(row.name);
    }
    const worst = [...lags.entries()].sort((a, b) => b[1] - a[1])[0];
    store.set("lag", worst ? { actor: worst[0], p99_s: worst[1] } : null);
  });

  api.get("whoami").then((who) => store.set("whoami", who.data ?? who), () => {});
}

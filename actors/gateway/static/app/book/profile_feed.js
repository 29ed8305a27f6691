/**
 * The session's volume profile of one instrument: asked over REST, kept live over the WebSocket.
 */

import { isNewer } from "./profile_rows.js";

export const SESSION = "session";
const CONFLATE_MS = 500;

/**
 * @param {import("../main.js").Context} context
 * @param {{symbol: string, venue: string}} what `venue` empty: of the first that has one.
 * @param {{onProfile: (profile: any) => void, onNothing: (fault: Error|null) => void}} tell
 * @returns {() => void} Its end.
 */
export function followProfile({ api, socket }, { symbol, venue }, { onProfile, onNothing }) {
  const aborted = new AbortController();
  let source = venue;
  let newest = null;

  const take = (row) => {
    if (row.symbol !== symbol || (source && row.venue !== source) || !isNewer(row, newest)) return;
    source ||= row.venue;
    newest = row;
    onProfile(row);
  };

  /* Asked first: what does not exist (no order flow of a quote-only market) would be an error in the console. */
  async function ask() {
    try {
      const prefix = source ? `footprint.${source}.${symbol}.${SESSION}` : "footprint.";
      const { data } = await api.get("topics", { prefix }, { signal: aborted.signal });
      const there = data.find(({ topic }) => topic.endsWith(`.${symbol}.${SESSION}`));
      if (!there) {
        if (!newest) onNothing(null);
        return;
      }
      source ||= there.topic.slice("footprint.".length, -`.${symbol}.${SESSION}`.length);
      const query = { venue: source, allow_stale: true };
      take((await api.get(`profile/${encodeURIComponent(symbol)}`, query, { signal: aborted.signal })).data);
    } catch (fault) {
      if (!aborted.signal.aborted && !newest) onNothing(fault);
    }
  }

  const wish = { name: "footprints", symbols: [symbol], timeframes: [SESSION], conflate_ms: CONFLATE_MS };
  const end = socket.subscribe(venue ? { ...wish, venue } : wish, ({ data }) => data.forEach(take));
  ask();
  return () => {
    aborted.abort();
    end();
  };
}

/**
 * Alerts, news, signals and revised candles as marks on the candles. Pure.
 */

const MOST = 120;

/**
 * @param {import("./bars.js").Bars} bars
 * @param {string} symbol
 * @param {{alerts?: any[], news?: any[], signals?: any[]}} events
 * @param {{warn: string, bad: string, accent: string, up: string, down: string, muted: string}} colors
 * @param {number} [until_ns] End of the day that is shown: what came later is not of its last candle.
 * @returns {any[]} In the library's words, by time.
 */
export function marksOf(bars, symbol, events, colors, until_ns = Infinity) {
  const { rows } = bars;
  if (!rows.length) return [];
  const found = [];
  const add = (ts_event_ns, mark) => {
    const at = bars.indexOf(ts_event_ns / 1e9);
    if (at >= 0 && ts_event_ns < until_ns) found.push({ time: rows[at].time, ...mark });
  };
  for (const alert of of(events.alerts, symbol)) {
    const color = alert.severity === "critical" ? colors.bad : colors.warn;
    add(alert.ts_event_ns, { position: "aboveBar", shape: "square", color, text: "!", size: 0.8 });
  }
  for (const news of (events.news ?? []).filter(({ symbols = [] }) => symbols.includes(symbol))) {
    add(news.ts_event_ns, { position: "aboveBar", shape: "circle", color: colors.accent, text: "N", size: 0.8 });
  }
  for (const { side, ts_event_ns, strategy } of of(events.signals, symbol)) {
    const isBuy = side === "buy";
    add(ts_event_ns, {
      position: isBuy ? "belowBar" : "aboveBar", shape: isBuy ? "arrowUp" : "arrowDown",
      color: isBuy ? colors.up : colors.down, text: strategy,
    });
  }
  for (const { time, revision } of rows.slice(-1500)) {
    if (revision > 1) found.push({ time, position: "belowBar", shape: "circle", color: colors.muted, size: 0.4, text: "" });
  }
  return found.sort((a, b) => a.time - b.time).slice(-MOST);
}

const of = (list, symbol) => (list ?? []).filter((one) => one.symbol === symbol);

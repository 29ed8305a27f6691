/**
 * Questions to begin with.
 */

export const FIRST_SQL = "SELECT symbol, venue, count(*) AS trades, round(sum(price * size)) AS notional\nFROM trades\nGROUP BY ALL ORDER BY notional DESC";

/** @type {{label: string, sql: string}[]} */
export const EXAMPLES = [
  { label: "Trades by market", sql: FIRST_SQL },
  { label: "Tables", sql: "SHOW TABLES" },
  { label: "Columns of bars", sql: "DESCRIBE bars" },
  { label: "Last candles", sql: "SELECT to_timestamp(ts_open_ns / 1e9) AS open_time, open, high, low, close, volume, status\nFROM bars WHERE symbol = 'BTC_USDT' AND timeframe = '1m'\nORDER BY ts_open_ns DESC LIMIT 60" },
  { label: "Worst gaps", sql: "SELECT symbol, venue, kind, cause, state, (to_ts_ns - from_ts_ns) / 1e9 AS seconds\nFROM gaps ORDER BY seconds DESC LIMIT 50" },
  { label: "Spread by minute", sql: "SELECT to_timestamp(ts_event_ns // 60000000000 * 60) AS minute, symbol, avg(ask - bid) AS spread, count(*) AS quotes\nFROM quotes WHERE symbol = 'BTC_USDT'\nGROUP BY ALL ORDER BY minute DESC LIMIT 120" },
  { label: "Alerts by rule", sql: "SELECT rule, severity, symbol, count(*) AS n FROM alerts GROUP BY ALL ORDER BY n DESC" },
];

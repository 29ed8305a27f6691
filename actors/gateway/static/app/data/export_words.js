/**
 * One export in three languages: an address, a curl command, a command of tapehub. Pure.
 */

import { quoted } from "../sections/fields.js";

export const TABLES = [
  "bars", "trades", "quotes", "books", "features", "flows", "footprints", "liquidations", "sweeps", "news", "alerts", "signals", "verdicts", "gaps",
];
export const FORMATS = ["csv", "ndjson", "parquet", "arrow", "msgpack"];
/** In the address: from the first row on; there nothing is the last hour. */
export const ALL = "all";
const WITH_TIMEFRAME = new Set(["bars", "features", "footprints"]);
const ENDINGS = { arrow: "arrows" };

/** @param {string} table */
export const hasTimeframe = (table) => WITH_TIMEFRAME.has(table);

/**
 * @typedef {object} Wanted
 * @property {string} table @property {string} format @property {string} symbol @property {string} venue
 * @property {string} timeframe @property {string} from @property {string} to @property {string} times
 */

/** @param {Record<string, string>} query Of the address. @returns {Wanted} */
export function wantedOf(query) {
  const table = TABLES.includes(query.x_table) ? query.x_table : "bars";
  return {
    table,
    format: FORMATS.includes(query.x_format) ? query.x_format : "csv",
    symbol: query.x_symbol ?? "",
    venue: query.x_venue ?? "",
    timeframe: hasTimeframe(table) ? (query.x_tf ?? "1m") : "",
    from: query.x_from === ALL ? "" : (query.x_from ?? "1h"),
    to: query.x_to ?? "",
    times: query.x_times === "iso" ? "iso" : "ns",
  };
}

/** Below the origin. @param {Wanted} wanted */
export function pathOf(wanted) {
  const { table, format, symbol, venue, timeframe, from, to, times } = wanted;
  const values = Object.entries({ format, symbol, venue, timeframe, from, to, times: times === "ns" ? "" : times }).filter(([, value]) => value);
  return `/api/v1/export/${table}?${new URLSearchParams(values)}`;
}

/** @param {Wanted} wanted */
export function fileOf({ table, symbol, venue, timeframe, format }) {
  const name = [table, symbol, venue, timeframe].filter(Boolean).join("-").replaceAll(/[^\w.-]/g, "_");
  return `${name}.${ENDINGS[format] ?? format}`;
}

/** @param {Wanted} wanted @param {string} origin @param {boolean} needsToken */
export function curlOf(wanted, origin, needsToken) {
  const token = needsToken ? ' -H "Authorization: Bearer $TAPEHUB_TOKEN"' : "";
  return `curl -f${token} -o ${quoted(fileOf(wanted))} '${origin}${pathOf(wanted)}'`;
}

/** @param {Wanted} wanted */
export function commandOf(wanted) {
  const { table, symbol, format, venue, timeframe, from, to, times } = wanted;
  const options = [
    ["--tf", timeframe], ["--venue", venue], ["--from", from], ["--to", to], ["--format", format === "csv" ? "" : format],
    ["--times", times === "ns" ? "" : times], ["-o", fileOf(wanted)],
  ].filter(([, value]) => value);
  return ["tapehub export", table, symbol && quoted(symbol), ...options.map(([name, value]) => `${name} ${quoted(value)}`)].filter(Boolean).join(" ");
}

const MOMENT = /^(|\d{16,19}|\d+(\.\d+)?(ns|us|ms|s|m|h|d)|\d{4}-\d{2}-\d{2}([T ][\d:.]+(Z|[+-][\d:]+)?)?)$/;

/** What is wrong with a time; empty: nothing. @param {string} text */
export const timeFault = (text) => (MOMENT.test(text) ? "" : "a moment (2026-11-20, 2026-11-20T12:00Z, ns) or how long ago (1h, 7d)");

/**
 * What a form says, as a channel of the WebSocket. Pure.
 */

/** @type {{name: string, hasTimeframe?: boolean, isConflatable?: boolean}[]} */
export const CHANNELS = [
  { name: "trades" }, { name: "quotes", isConflatable: true }, { name: "bars", hasTimeframe: true, isConflatable: true }, { name: "book", isConflatable: true },
  { name: "features", hasTimeframe: true, isConflatable: true }, { name: "flow", isConflatable: true }, { name: "footprints", hasTimeframe: true, isConflatable: true },
  { name: "sweeps" }, { name: "liquidations" }, { name: "alerts" }, { name: "signals" }, { name: "news" }, { name: "gaps" }, { name: "verdicts" }, { name: "actors" },
];

const words = (text) => text.split(/[\s,]+/).filter(Boolean);

/**
 * @typedef {{channel: string, symbols: string, timeframes: string, venue: string, depth: string, conflate: string, n: string}} Values
 */

/** @param {Values} values */
export function channelOf(values) {
  const known = CHANNELS.find(({ name }) => name === values.channel) ?? CHANNELS[0];
  const channel = { name: known.name };
  if (known.name === "actors") return channel;
  channel.symbols = words(values.symbols).length ? words(values.symbols) : ["*"];
  if (known.hasTimeframe && words(values.timeframes).length) channel.timeframes = words(values.timeframes);
  if (values.venue) channel.venue = values.venue;
  if (known.name === "book" && values.depth) channel.depth = Number(values.depth);
  if (known.isConflatable && values.conflate) channel.conflate_ms = Number(values.conflate);
  return channel;
}

/** What is wrong with the form; empty: nothing. The rest the server checks. @param {Values} values */
export function faultOf({ depth, conflate, n }) {
  const wrong = [["Depth", depth], ["Conflate", conflate], ["Snapshot rows", n]].find(([, text]) => text && !/^\d{1,6}$/.test(text));
  return wrong ? `${wrong[0]} is a whole number` : "";
}

/**
 * Which indicators there are and where they go: over the candles, or in a pane of their own. Pure.
 *
 * Names are the server's: `ema_20`, `bb_upper_20_2`, `macd_signal_12_26_9`. Values of one indicator are one study.
 */

const OVERLAYS = /^(ema|sma|wma|dema|tema|kama|t3|hma|vwap|vwma|bb|bbands|keltner|donchian|sar|supertrend|ichimoku)(_|$)/;
const VOLUMES = /^volume_/;
const RANGES = { rsi: [30, 70], stoch: [20, 80], mfi: [20, 80], willr: [-80, -20], cci: [-100, 100] };

/**
 * @typedef {object} Study
 * @property {string} id In the address: `ema_20`, `bb_20_2`, `macd_12_26_9`.
 * @property {string} label
 * @property {"overlay"|"volume"|"pane"} place
 * @property {string[]} names Of the server's values.
 * @property {number[]} levels Horizontal lines, such as 30 and 70 of an RSI.
 */

/** `bb_upper_20_2` is of `bb_20_2`, `macd_hist_12_26_9` of `macd_12_26_9`. @param {string} name */
export function studyIdOf(name) {
  const parts = name.split("_");
  const first = parts.findIndex((part) => /^\d/.test(part));
  const words = first < 0 ? parts : parts.slice(0, first);
  const numbers = first < 0 ? [] : parts.slice(first);
  const isPart = ["upper", "middle", "lower", "signal", "hist", "histogram"].includes(words.at(-1));
  return [...(isPart && words.length > 1 ? words.slice(0, -1) : words), ...numbers].join("_");
}

/**
 * @param {Iterable<string>} names Of the server's values.
 * @returns {Study[]}
 */
export function studiesOf(names) {
  const groups = new Map();
  for (const name of [...names].sort()) {
    const id = studyIdOf(name);
    if (!groups.has(id)) groups.set(id, []);
    groups.get(id).push(name);
  }
  return [...groups].map(([id, members]) => {
    const word = id.split("_")[0];
    const place = OVERLAYS.test(id) ? "overlay" : VOLUMES.test(id) ? "volume" : "pane";
    return { id, label: labelOf(id), place, names: members, levels: RANGES[word] ?? (place === "pane" ? [0] : []) };
  });
}

/** `macd_12_26_9` is MACD 12, 26, 9. @param {string} id */
export function labelOf(id) {
  const words = [];
  const numbers = [];
  for (const part of id.split("_")) (/^\d/.test(part) ? numbers : words).push(part);
  const known = { bb: "Bollinger", volume: "Volume", ma: "MA", mom: "Momentum" };
  const name = words.map((word) => known[word] ?? word.toUpperCase()).join(" ");
  return numbers.length ? `${name} ${numbers.join(", ")}` : name;
}

/** What the address chooses: `ema_20,vwap`. @param {string|undefined} text @returns {string[]} */
export function chosenOf(text) {
  return (text ?? "").split(",").filter((id) => id && id !== "none");
}

/**
 * Who wants which channel: equal wishes are asked of the server once, messages go to everybody who wants them. Pure.
 */

/**
 * @typedef {object} Channel As in the contract of `/ws/v1`.
 * @property {string} name quotes, trades, book, bars, features, flow, footprints, sweeps, liquidations, news, alerts,
 *   signals, gaps, verdicts, actors
 * @property {string[]} [symbols] `["*"]`: all.
 * @property {string[]} [timeframes]
 * @property {string} [venue]
 * @property {number} [depth]
 * @property {number} [conflate_ms]
 * @property {number[]} [windows]
 */

const FIELDS = ["name", "symbols", "venue", "timeframes", "depth", "conflate_ms", "windows"];

/** Equal wishes have equal keys. @param {Channel} channel */
export function keyOf(channel) {
  return JSON.stringify(FIELDS.map((field) => channel[field] ?? null));
}

/**
 * Whether a message is of a channel.
 * @param {Channel} channel
 * @param {{ch: string, symbol?: string, venue?: string, timeframe?: string}} message
 */
export function matches(channel, message) {
  if (channel.name !== message.ch) return false;
  const { symbols = [], timeframes = [], venue = "" } = channel;
  if (symbols.length && message.symbol && !symbols.includes("*") && !symbols.includes(message.symbol)) return false;
  if (venue && message.venue && venue !== message.venue) return false;
  return !timeframes.length || !message.timeframe || timeframes.includes(message.timeframe);
}

export class Channels {
  constructor() {
    /** @type {Map<string, {channel: Channel, handlers: Set<(message: any) => void>}>} */
    this.wanted = new Map();
  }

  /** @param {Channel} channel @param {(message: any) => void} handler @returns {boolean} Whether it is a new wish. */
  add(channel, handler) {
    const key = keyOf(channel);
    const known = this.wanted.get(key);
    if (known) known.handlers.add(handler);
    else this.wanted.set(key, { channel, handlers: new Set([handler]) });
    return !known;
  }

  /** @param {Channel} channel @param {(message: any) => void} handler @returns {boolean} Whether nobody wants it now. */
  remove(channel, handler) {
    const known = this.wanted.get(keyOf(channel));
    if (!known?.handlers.delete(handler) || known.handlers.size) return false;
    this.wanted.delete(keyOf(channel));
    return true;
  }

  /** @returns {Channel[]} */
  all() {
    return [...this.wanted.values()].map(({ channel }) => channel);
  }

  /** Hands a message to everybody who wants it. @param {any} message */
  dispatch(message) {
    for (const { channel, handlers } of [...this.wanted.values()]) {
      if (!matches(channel, message)) continue;
      for (const handler of [...handlers]) handler(message);
    }
  }
}

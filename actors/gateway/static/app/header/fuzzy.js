/**
 * Which instrument somebody means who types a few letters. Pure.
 */

/**
 * How well a text fits what was typed: letters in order, better at the start of words and side by side.
 * @param {string} typed Upper case, without separators.
 * @param {string} text
 * @returns {number} 0: it does not fit.
 */
export function score(typed, text) {
  const upper = text.toUpperCase();
  const plain = upper.replace(/[^A-Z0-9]/g, "");
  if (!typed) return 1;
  if (plain === typed) return 1000;
  if (plain.startsWith(typed)) return 600 - plain.length;
  if (plain.includes(typed)) return 400 - plain.indexOf(typed) * 5 - plain.length;
  let at = 0;
  let run = 0;
  let points = 100;
  for (const letter of typed) {
    const found = upper.indexOf(letter, at);
    if (found < 0) return 0;
    const isWord = found === 0 || /[^A-Z0-9]/.test(upper[found - 1]);
    run = found === at ? run + 1 : 0;
    points += (isWord ? 12 : 0) + run * 6 - Math.min(10, found - at);
    at = found + 1;
  }
  return Math.max(1, points - upper.length);
}

/**
 * @typedef {object} Instrument
 * @property {string} symbol
 * @property {string[]} [aliases]
 * @property {Record<string, string>|string[]} [venues]
 * @property {string} [asset_class]
 */

/**
 * The best instruments for what was typed, best first.
 * @param {string} typed
 * @param {Iterable<Instrument>} instruments
 * @param {(symbol: string) => boolean} [hasData] Those come first among equals.
 * @param {number} [most]
 * @returns {{instrument: Instrument, via: string}[]} `via`: the alias that fitted, empty for the symbol itself.
 */
export function find(typed, instruments, hasData = () => true, most = 12) {
  const plain = typed.toUpperCase().replace(/[^A-Z0-9]/g, "");
  const found = [];
  for (const instrument of instruments) {
    let best = score(plain, instrument.symbol) + 1;
    let via = "";
    if (best === 1) best = 0;
    for (const alias of instrument.aliases ?? []) {
      const points = score(plain, alias);
      if (points > best) [best, via] = [points, alias];
    }
    if (best > 0) found.push({ instrument, via, points: best + (hasData(instrument.symbol) ? 50 : 0) });
  }
  found.sort((a, b) => b.points - a.points || a.instrument.symbol.localeCompare(b.instrument.symbol));
  return found.slice(0, most).map(({ instrument, via }) => ({ instrument, via }));
}

/** Names of the venues of an instrument. Pure. @param {Instrument} instrument @returns {string[]} */
export function venuesOf({ venues = [] }) {
  return Array.isArray(venues) ? venues : Object.keys(venues);
}

/**
 * A volume profile in the rows that a drawing has room for. Pure.
 */

/**
 * @typedef {object} Row Buckets that are drawn as one.
 * @property {number} low Lower edge, quote currency.
 * @property {number} high
 * @property {number} bought Base currency.
 * @property {number} sold
 * @property {number} unknown Of trades whose aggressor nobody says.
 * @property {number} total
 */

/**
 * Merges neighbouring buckets until there are few enough rows. Their edges are whole multiples of a row's height, so
 * that a new low does not move all of them.
 * @param {{prices: number[], price_step: number, buy_volumes: number[], sell_volumes: number[], unknown_volumes: number[]}} profile
 * @param {number} most
 * @returns {Row[]} Ascending, without holes: a price without volume has a row of zeros.
 */
export function rowsOf(profile, most) {
  const { prices, price_step: step } = profile;
  if (!prices.length) return [];
  const numbers = prices.map((price) => Math.round(price / step));
  const [lowest, highest] = [numbers[0], numbers.at(-1)];
  let merged = Math.max(1, Math.ceil((highest - lowest + 1) / most));
  const countOf = (each) => Math.floor(highest / each) - Math.floor(lowest / each) + 1;
  while (countOf(merged) > most && most > 1) merged += 1; // edges on multiples may take one row more
  const first = Math.floor(lowest / merged);
  const rows = Array.from({ length: countOf(merged) }, (_, at) => ({
    low: (first + at) * merged * step, high: (first + at + 1) * merged * step, bought: 0, sold: 0, unknown: 0, total: 0,
  }));
  numbers.forEach((number, at) => {
    const row = rows[Math.floor(number / merged) - first];
    row.bought += profile.buy_volumes[at];
    row.sold += profile.sell_volumes[at];
    row.unknown += profile.unknown_volumes[at];
    row.total += profile.buy_volumes[at] + profile.sell_volumes[at] + profile.unknown_volumes[at];
  });
  return rows;
}

/**
 * Moves places apart that are nearer than `least`, in their order, within 0 and `most`.
 * @param {number[]} places Ascending.
 * @param {number} least
 * @param {number} most
 * @returns {number[]}
 */
export function spread(places, least, most) {
  const found = [];
  for (const place of places) found.push(Math.max(place, (found.at(-1) ?? -Infinity) + least));
  for (let at = found.length - 1, limit = most; at >= 0; at -= 1, limit -= least) found[at] = Math.min(found[at], limit);
  return found;
}

/** Where a price lies: `above`, `inside` or `below` the value area. @param {any} profile @param {number} price */
export function placeOf({ value_area_low: low, value_area_high: high }, price) {
  if (!(price > 0) || !(high > 0)) return "";
  if (price >= high) return "above";
  return price < low ? "below" : "inside";
}

/** Whether a profile says more than the one that is known: of a later session, or of the same with later trades. */
export function isNewer(fresh, known) {
  if (!known || fresh.ts_open_ns !== known.ts_open_ns) return !known || fresh.ts_open_ns > known.ts_open_ns;
  if (fresh.revision !== known.revision) return fresh.revision > known.revision;
  return fresh.ts_event_ns >= known.ts_event_ns;
}

/**
 * How a share of complete candles is shown. Pure.
 */

/* Complete is quiet; what is missing stands out, and the more the less there is. */
const STEPS = [[0.9995, "full"], [0.99, "nearly"], [0.9, "some"], [0.5, "half"], [0.000001, "little"]];

export const LEGEND = [
  ["full", "complete"], ["nearly", "over 99 %"], ["some", "over 90 %"], ["half", "over 50 %"], ["little", "less"], ["zero", "nothing"],
  ["none", "closed, or not yet stored"],
];

/** @param {number|null} share @returns {string} Class. */
export function shadeOf(share) {
  if (share === null || share === undefined) return "none";
  return STEPS.find(([least]) => share >= least)?.[1] ?? "zero";
}

/** 99.98%, never rounded up to 100%. @param {number|null} share */
export function shareText(share) {
  if (share === null || share === undefined) return "–";
  if (share === 1) return "100%";
  return `${(Math.floor(share * 10_000) / 100).toFixed(2)}%`;
}

/** Share of all days of a row that have one; null: none has. @param {(number|null)[]} shares */
export function meanOf(shares) {
  const known = shares.filter((share) => share !== null);
  return known.length ? known.reduce((sum, share) => sum + share, 0) / known.length : null;
}

/** Months of days that follow each other, with how many each has. @param {string[]} days @returns {[string, number][]} */
export function monthsOf(days) {
  const found = new Map();
  for (const day of days) found.set(day.slice(0, 7), (found.get(day.slice(0, 7)) ?? 0) + 1);
  return [...found];
}

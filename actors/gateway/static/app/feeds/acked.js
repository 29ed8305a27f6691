/**
 * Alerts that were acknowledged here: in this browser only, the newest of them, by the identity of the alert.
 */

const KEY = "tapehub.acked";
export const MOST = 500;

/** What is stored, as identities, oldest first; what is no list of texts counts as nothing. Pure. @param {string|null} text */
export function parsed(text) {
  try {
    const found = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.filter((one) => typeof one === "string").slice(-MOST) : [];
  } catch {
    return [];
  }
}

/**
 * With one more, or without it; the oldest go when there are too many. Pure.
 * @param {string[]} known @param {string} identity @param {boolean} isAcked @param {number} [most]
 */
export function changed(known, identity, isAcked, most = MOST) {
  const rest = known.filter((one) => one !== identity);
  return isAcked ? [...rest, identity].slice(-most) : rest;
}

/**
 * @typedef {object} Acked
 * @property {(identity: string) => boolean} has
 * @property {(identity: string, isAcked: boolean) => void} set
 * @property {() => number} version Another number after every change.
 * @property {() => void} close
 */

/** @param {() => void} onChange Also when another tab of this browser acknowledges. @returns {Acked} */
export function createAcked(onChange) {
  let version = 0;
  let known = new Set(read());

  function take(list) {
    known = new Set(list);
    version += 1;
    onChange();
  }

  const elsewhere = (event) => {
    if (event.key === KEY || event.key === null) take(read());
  };
  addEventListener("storage", elsewhere);

  return {
    has: (identity) => known.has(identity),
    set(identity, isAcked) {
      const list = changed([...known], identity, isAcked);
      try {
        localStorage.setItem(KEY, JSON.stringify(list));
      } catch { /* a browser that stores nothing keeps it until the page is closed */ }
      take(list);
    },
    version: () => version,
    close: () => removeEventListener("storage", elsewhere),
  };
}

function read() {
  try {
    return parsed(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

/**
 * What several parts show: small values under names, and who wants to hear of them.
 *
 * Fast data (quotes, books, trades) does not go through here: views take it from `socket` themselves.
 */

/**
 * @typedef {object} Store
 * @property {(key: string) => any} get
 * @property {(key: string, value: any) => void} set Tells listeners if the value is another one.
 * @property {(key: string, run: (value: any) => void) => () => void} on Also calls `run` at once if there is a value.
 */

/**
 * @param {Record<string, any>} [initial]
 * @returns {Store}
 */
export function createStore(initial = {}) {
  const values = new Map(Object.entries(initial));
  const listeners = new Map();
  return {
    get: (key) => values.get(key),
    set(key, value) {
      if (Object.is(values.get(key), value)) return;
      values.set(key, value);
      for (const run of [...(listeners.get(key) ?? [])]) run(value);
    },
    on(key, run) {
      if (!listeners.has(key)) listeners.set(key, new Set());
      listeners.get(key).add(run);
      if (values.has(key)) run(values.get(key));
      return () => listeners.get(key)?.delete(run);
    },
  };
}

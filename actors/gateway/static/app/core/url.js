/**
 * The address holds the whole state: `#/trade/BTC_USDT/1m?venue=binance&panes=volume,cvd`.
 * Whoever is sent a link sees what the sender saw.
 */

/**
 * @typedef {object} Route
 * @property {string} tab `trade`, `operations`, `data`.
 * @property {string[]} path What follows the tab; of `trade` symbol and timeframe.
 * @property {Record<string, string>} query
 */

export const FIRST_TAB = "trade";

/**
 * Reads a fragment. Pure.
 * @param {string} hash With or without `#`.
 * @returns {Route}
 */
export function parseHash(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parts = path.split("/").filter(Boolean).map(decode);
  return {
    tab: parts[0] ?? FIRST_TAB,
    path: parts.slice(1),
    query: Object.fromEntries(new URLSearchParams(query)),
  };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray % of somebody's typing
  }
}

/**
 * Writes a fragment. Pure. Query values that are empty, null or undefined are left out.
 * @param {Route} route
 * @returns {string}
 */
export function formatHash(route) {
  const path = [route.tab, ...route.path].map(encodeURIComponent).join("/");
  const kept = Object.entries(route.query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const query = kept.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  const text = query.sort().join("&").replaceAll("%2C", ",");
  return text ? `#/${path}?${text}` : `#/${path}`;
}

/**
 * @typedef {object} Url
 * @property {() => Route} get
 * @property {(patch: Partial<Route>, options?: {replace?: boolean}) => void} set Query is merged key by key; `null`
 *   removes a key. `replace`: no new entry in the browser's history.
 * @property {(patch: Partial<Route>) => string} link The fragment that `set` would give, for `href`.
 * @property {(run: (route: Route) => void) => () => void} on
 */

/** @returns {Url} */
export function createUrl() {
  const listeners = new Set();
  let route = parseHash(location.hash);
  const merged = (patch) => ({
    tab: patch.tab ?? route.tab,
    path: patch.path ?? (patch.tab && patch.tab !== route.tab ? [] : route.path),
    query: { ...route.query, ...patch.query },
  });
  const tell = () => {
    for (const run of [...listeners]) run(route);
  };
  addEventListener("hashchange", () => {
    const next = parseHash(location.hash);
    if (formatHash(next) === formatHash(route)) return;
    route = next;
    tell();
  });
  return {
    get: () => route,
    set(patch, { replace = false } = {}) {
      const hash = formatHash(merged(patch));
      if (hash === formatHash(route)) return;
      route = parseHash(hash);
      history[replace ? "replaceState" : "pushState"](null, "", hash);
      tell();
    },
    link: (patch) => formatHash(merged(patch)),
    on(run) {
      listeners.add(run);
      return () => listeners.delete(run);
    },
  };
}

/**
 * Dark or light: the browser's wish, or what the address says (`theme=light`).
 */

/**
 * @typedef {object} Theme
 * @property {() => "dark"|"light"} name
 * @property {() => void} toggle Into the address.
 * @property {(variable: string) => string} color Value of a CSS variable, for canvases: `theme.color("--up")`.
 * @property {(run: () => void) => () => void} on Called after a change, when the new colours hold.
 */

/**
 * @param {import("./url.js").Url} url
 * @returns {Theme}
 */
export function createTheme(url) {
  const root = document.documentElement;
  const wish = matchMedia("(prefers-color-scheme: light)");
  const listeners = new Set();
  let colors = new Map();
  const name = () => {
    const asked = url.get().query.theme;
    if (asked === "dark" || asked === "light") return asked;
    return wish.matches ? "light" : "dark";
  };
  function apply() {
    if (root.dataset.theme === name() && colors.size) return;
    root.dataset.theme = name();
    colors = new Map();
    for (const run of [...listeners]) run();
  }
  apply();
  url.on(apply);
  wish.addEventListener("change", apply);
  return {
    name,
    toggle: () => url.set({ query: { theme: name() === "dark" ? "light" : "dark" } }, { replace: true }),
    color(variable) {
      if (!colors.has(variable)) colors.set(variable, getComputedStyle(root).getPropertyValue(variable).trim());
      return colors.get(variable);
    },
    on(run) {
      listeners.add(run);
      return () => listeners.delete(run);
    },
  };
}

/* A script of its own before the style sheets: a theme that the address names holds from the first paint on. */
(() => {
  const asked = /[?&]theme=(dark|light)\b/.exec(location.hash)?.[1];
  const isLight = asked ? asked === "light" : matchMedia("(prefers-color-scheme: light)").matches;
  document.documentElement.dataset.theme = isLight ? "light" : "dark";
  document.documentElement.dataset.tab = /^#\/(\w+)/.exec(location.hash)?.[1] ?? "trade";
})();

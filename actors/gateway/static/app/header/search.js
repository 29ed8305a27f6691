/**
 * Symbol search: type anywhere, or `/`; arrows and Enter choose, Esc leaves. A combobox as ARIA describes it.
 */

import { h, replace } from "../core/dom.js";
import { find, venuesOf } from "./fuzzy.js";
import { FIRST_TIMEFRAME } from "./timeframes.js";

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 */
export function mountSearch(root, { keyboard, store, url }) {
  const field = h("input", {
    class: "field search-field", type: "text", role: "combobox", placeholder: "Symbol", autocomplete: "off",
    spellcheck: "false", "aria-label": "Search symbol", "aria-expanded": "false", "aria-controls": "search-list",
    "aria-autocomplete": "list", "data-testid": "search",
  });
  const list = h("ul", { id: "search-list", class: "search-list", role: "listbox", "aria-label": "Symbols", hidden: true, "data-testid": "search-list" });
  root.append(field, h("kbd", { class: "search-key", "aria-hidden": "true" }, "/"), list);
  let results = [];
  let chosen = 0;

  function draw() {
    const live = store.get("liveSymbols");
    const instruments = store.get("instruments")?.values() ?? [];
    results = find(field.value, instruments, live ? (symbol) => live.has(symbol) : undefined);
    chosen = 0;
    if (!results.length) {
      replace(list, h("li", { class: "search-none", role: "option", "aria-disabled": "true" }, "No such symbol. All of them: tapehub symbols"));
    } else {
      replace(list, results.map(({ instrument, via }, at) => option(instrument, via, at, live)));
    }
    open(true);
    mark();
  }

  function option(instrument, via, at, live) {
    const isQuiet = live && !live.has(instrument.symbol);
    return h(
      "li",
      {
        id: `search-${at}`, class: isQuiet ? "search-row quiet" : "search-row", role: "option", "data-testid": "search-option",
        dataset: { symbol: instrument.symbol },
        on: { mousedown: (event) => { event.preventDefault(); go(at); } },
      },
      h("span", { class: "search-symbol" }, instrument.symbol),
      via ? h("span", { class: "muted" }, via) : null,
      h("span", { class: "search-venues muted" }, isQuiet ? "no data" : venuesOf(instrument).join(" ")),
    );
  }

  function open(isOpen) {
    list.hidden = !isOpen;
    field.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) field.removeAttribute("aria-activedescendant");
  }

  function mark() {
    [...list.children].forEach((row, at) => row.setAttribute("aria-selected", String(at === chosen && results.length > 0)));
    if (!results.length) return;
    field.setAttribute("aria-activedescendant", `search-${chosen}`);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  }

  function go(at) {
    const found = results[at];
    if (!found) return;
    const timeframe = url.get().path[1] ?? FIRST_TIMEFRAME;
    url.set({ tab: "trade", path: [found.instrument.symbol, timeframe], query: { venue: null } });
    leave();
  }

  function leave() {
    field.value = "";
    open(false);
    field.blur();
  }

  field.addEventListener("input", draw);
  field.addEventListener("focus", draw);
  field.addEventListener("blur", () => open(false));
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && results.length) {
      chosen = (chosen + step + results.length) % results.length;
      mark();
    } else if (event.key === "Enter") go(chosen);
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
  });

  keyboard.bind({
    keys: ["*"], label: "Search symbol: just type", group: "Everywhere",
    run(event) {
      if (!/^[a-zA-Z]$/.test(event.key) || event.ctrlKey || event.metaKey || event.altKey) return false;
      field.focus();
      field.value += event.key;
      draw();
      return true;
    },
  });
  keyboard.bind({ keys: ["/"], label: "Search symbol", group: "Everywhere", run: () => field.focus() });
}

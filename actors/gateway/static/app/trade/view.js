/**
 * The trader's view: watchlist, chart, depth, tape, feeds, each in its place. One instrument is chosen, by the address.
 */

import { h } from "../core/dom.js";
import { FIRST_TIMEFRAME } from "../header/timeframes.js";
import { mount as mountBook } from "../book/view.js";
import { mount as mountChart } from "../chart/view.js";
import { mount as mountFeeds } from "../feeds/view.js";
import { mount as mountTape } from "../tape/view.js";
import { mount as mountWatchlist } from "../watchlist/view.js";
import { createMarket } from "./market.js";

const PLACES = [
  { id: "markets", label: "Markets", mount: mountWatchlist },
  { id: "chart", label: "Chart", mount: mountChart },
  { id: "book", label: "Depth", mount: mountBook },
  { id: "tape", label: "Tape", mount: mountTape },
  { id: "feed", label: "Feeds", mount: mountFeeds },
];
const FIRST_PLACE = "chart";

/**
 * @typedef {object} Chosen What the places are about.
 * @property {string} symbol
 * @property {string} timeframe
 * @property {string} venue Empty: the newest of all.
 * @property {Record<string, string>} query
 */

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} base
 * @returns {import("../core/tabs.js").View}
 */
export function mount(root, base) {
  const { store, url } = base;
  const market = createMarket(base);
  const context = { ...base, market };
  const grid = h("div", { class: "trade", "data-testid": "trade" });
  const parts = PLACES.map(({ id, label, mount: mountPart }) => {
    const place = h("section", { class: `panel place-${id}`, "aria-label": label, "data-testid": `panel-${id}` });
    grid.append(place);
    return mountPart(place, context);
  });
  const nav = bottomNav(url);
  root.append(h("h1", { class: "sr-only" }, "Trade"), grid, nav.element);

  function chooseFirst() {
    if (url.get().tab !== "trade" || url.get().path[0]) return;
    const [first] = market.quotes.values();
    if (first) url.set({ path: [first.symbol, FIRST_TIMEFRAME] }, { replace: true });
  }
  const ends = [market.on((isNewRow) => isNewRow && chooseFirst())];

  function update(route) {
    const [symbol = "", timeframe = FIRST_TIMEFRAME] = route.path;
    const chosen = { symbol, timeframe, venue: route.query.venue ?? "", query: route.query };
    grid.dataset.show = route.query.show ?? FIRST_PLACE;
    document.documentElement.dataset.show = grid.dataset.show;
    nav.mark(grid.dataset.show);
    store.set("chosen", chosen);
    document.title = symbol ? `${symbol} ${timeframe} · tapehub` : "tapehub";
    for (const part of parts) part.update(chosen);
    chooseFirst();
  }

  return {
    update,
    unmount() {
      for (const end of ends) end();
      for (const part of parts) part.unmount();
      market.close();
    },
  };
}

/* On a phone one place is shown at a time. */
function bottomNav(url) {
  const buttons = PLACES.map(({ id, label }) =>
    h("button", {
      class: "place-tab", type: "button", dataset: { place: id }, "data-testid": `place-${id}`,
      on: { click: () => url.set({ query: { show: id } }) },
    }, label));
  return {
    element: h("nav", { class: "places", "aria-label": "Parts of the view" }, buttons),
    mark(now) {
      for (const button of buttons) button.setAttribute("aria-current", String(button.dataset.place === now));
    },
  };
}

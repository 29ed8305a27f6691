/**
 * Every instrument: what it is, where it is traded, what of it was heard, how old the newest is.
 */

import { emptyState, h, replace, setText } from "../core/dom.js";
import { find } from "../header/fuzzy.js";
import { selectField, textField } from "../sections/fields.js";
import { scroller, tableOf } from "../sections/sections.js";

const EVERY_MS = 5000;
const TICK_MS = 1000;
const COLUMNS = [
  { text: "Instrument", class: "ins-symbol" },
  { text: "Class", class: "ins-class" },
  { text: "Newest", class: "num ins-age", title: "Age of the newest message about it" },
  { text: "Venues and kinds heard", class: "ins-venues" },
  { text: "Tick", class: "num ins-tick" },
  { text: "Session", class: "ins-session" },
  { text: "", class: "ins-tools", title: "Actions" },
];

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, format, frame, poll, url } = context;
  const set = (key) => (value) => url.set({ query: { [key]: value || null } }, { replace: true });
  const search = textField("Search", { type: "search", placeholder: "symbol or alias", "data-testid": "instruments-search" }, set("ins"));
  const venue = selectField("Venue", [["", "all venues"]], "instruments-venue", set("ins_venue"));
  const heard = selectField("Show", [["", "all"], ["heard", "heard of"], ["silent", "never heard"]], "instruments-heard", set("ins_show"));
  const { table, body } = tableOf("Instruments", COLUMNS, "instruments-table");
  const place = scroller("Instruments");
  panel.body.append(h("div", { class: "filters" }, search.element, venue.element, heard.element), place);
  let rows = null;
  let fault = null;
  let heard_ms = 0;
  let shown = "";
  /** @type {{element: HTMLElement, age_s: number|null}[]} */
  let ages = [];

  function chosen() {
    const { query } = url.get();
    const text = (query.ins ?? "").trim();
    const fits = text ? find(text, rows, undefined, rows.length).map(({ instrument }) => instrument) : rows;
    return fits.filter((row) => {
      const isThere = !query.ins_venue || query.ins_venue in row.venues || query.ins_venue in row.heard;
      const isHeard = Object.keys(row.heard ?? {}).length > 0;
      return isThere && (!query.ins_show || (query.ins_show === "heard") === isHeard);
    });
  }

  const draw = () => frame.request(panel.element, () => {
    if (!rows) {
      if (fault) replace(place, emptyState("Instruments cannot be had", fault.message, "tapehub symbols"));
      return;
    }
    const venues = [...new Set(rows.flatMap((row) => [...Object.keys(row.venues ?? {}), ...Object.keys(row.heard ?? {})]))].sort();
    venue.offer([["", "all venues"], ...venues.map((one) => [one, one])]);
    const fits = chosen();
    panel.note(`${fits.length === rows.length ? rows.length : `${fits.length} of ${rows.length}`}`);
    const key = fits.map((row) => `${row.symbol}${JSON.stringify(row.heard)}`).join("\n");
    if (!fits.length) {
      shown = "";
      replace(place, emptyState(rows.length ? "No instrument fits" : "No instruments", rows.length ? "Another word or venue may." : "They stand in the symbols file.", "tapehub symbols"));
      return;
    }
    if (key !== shown || table.parentNode !== place) {
      shown = key;
      const focused = document.activeElement?.closest?.("[data-symbol]")?.dataset.symbol;
      ages = [];
      replace(body, fits.map((row) => rowOf(row, context, ages)));
      if (table.parentNode !== place) replace(place, table);
      if (focused) [...body.children].find((row) => row.dataset.symbol === focused)?.querySelector("a")?.focus();
    } else {
      const known = new Map(fits.map((row) => [row.symbol, row.age_s]));
      for (const one of ages) one.age_s = known.get(one.symbol) ?? null;
    }
    count();
  });

  function count() {
    const more_s = (performance.now() - heard_ms) / 1000;
    for (const { element, age_s } of ages) setText(element, age_s === null ? format.NONE : format.age(age_s + more_s));
  }

  const end = poll(async () => {
    try {
      rows = (await api.get("instruments")).data;
      heard_ms = performance.now();
      fault = null;
    } catch (error) {
      fault = error;
      throw error;
    } finally {
      draw();
    }
  }, EVERY_MS);
  const timer = setInterval(() => frame.request(body, count), TICK_MS);
  return {
    update({ query }) {
      search.show(query.ins ?? "");
      venue.show(query.ins_venue ?? "");
      heard.show(query.ins_show ?? "");
      draw();
    },
    unmount() {
      end();
      clearInterval(timer);
      search.close();
      frame.cancel(panel.element);
      frame.cancel(body);
    },
  };
}

function rowOf(row, { url }, ages) {
  const age = h("span", { "data-testid": "instrument-age" });
  ages.push({ element: age, symbol: row.symbol, age_s: row.age_s });
  const heard = row.heard ?? {};
  const names = [...new Set([...Object.keys(heard), ...Object.keys(row.venues ?? {}), ...Object.keys(row.providers ?? {})])];
  const first = Object.keys(heard)[0];
  return h(
    "tr",
    { dataset: { symbol: row.symbol }, "data-testid": "instrument-row" },
    h("th", { scope: "row", class: "ins-symbol" }, h("a", { href: url.link({ tab: "trade", path: [row.symbol, "1m"], query: { venue: first ?? null } }) }, row.symbol), row.is_configured ? null : h("span", { class: "muted" }, " not configured")),
    h("td", { class: "ins-class muted" }, row.asset_class),
    h("td", { class: "num ins-age" }, age),
    h("td", { class: "ins-venues" }, names.map((venue) => venueText(venue, heard[venue], row.venues?.[venue] ?? row.providers?.[venue]))),
    h("td", { class: "num ins-tick muted" }, row.tick_size ? String(row.tick_size) : "–"),
    h("td", { class: "ins-session muted" }, row.session),
    h("td", { class: "ins-tools" }, h("a", { class: "button quiet", href: url.link({ path: ["export"], query: { x_symbol: row.symbol, x_venue: first ?? null } }), "aria-label": `Export ${row.symbol}` }, "Export")),
  );
}

/* What was heard is written out; a venue that is only configured is pale. */
function venueText(venue, kinds, name) {
  if (!kinds) return h("span", { class: "ins-venue muted", title: name }, venue);
  return h("span", { class: "ins-venue", title: `${name ?? venue}: ${kinds.join(", ")}` }, venue, " ", h("span", { class: "muted" }, kinds.join(" ")));
}

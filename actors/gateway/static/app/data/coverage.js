/**
 * How complete the stored candles are: a cell for each series and day, as colours or as numbers; a cell leads to the
 * day's chart. A table in both forms: arrows walk through it, screen readers read it.
 */

import { emptyState, h, replace, setText } from "../core/dom.js";
import { selectField, textField } from "../sections/fields.js";
import { scroller } from "../sections/sections.js";
import { LEGEND, meanOf, monthsOf, shadeOf, shareText } from "./shades.js";

const EVERY_MS = 60_000;
const MOST_ROWS = 120;
const DAYS = [["14", "14 days"], ["30", "30 days"], ["90", "90 days"]];
const FIRST_DAYS = "30";
const FIRST_TIMEFRAME = "1m";

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, frame, poll, url } = context;
  const set = (key, first = "") => (value) => url.set({ query: { [key]: value === first ? null : value || null } }, { replace: true });
  const days = selectField("Span", DAYS, "coverage-days", set("cov_days", FIRST_DAYS));
  const timeframe = selectField("Candles", ["1m", "5m", "1h", "1d"].map((one) => [one, one]), "coverage-timeframe", set("cov_tf", FIRST_TIMEFRAME));
  const search = textField("Symbol", { placeholder: "any", size: "12", "data-testid": "coverage-search" }, set("cov"));
  const numbers = h("button", { class: "button", type: "button", "data-testid": "coverage-numbers", on: { click: () => set("cov_as")(isNumbers() ? "" : "numbers") } }, "Numbers");
  const readout = h("output", { class: "coverage-readout", "data-testid": "coverage-readout" });
  const legend = h("ul", { class: "coverage-legend", "aria-label": "Colours" }, LEGEND.map(([kind, text]) => h("li", {}, h("span", { class: `cov-key cov-${kind}`, "aria-hidden": "true" }), text)));
  const place = scroller("Coverage");
  panel.body.append(h("div", { class: "filters" }, days.element, timeframe.element, search.element), place, h("div", { class: "coverage-foot" }, readout, legend));
  panel.tools.append(numbers);
  let found = null;
  let fault = null;
  let asked = "";
  let shown = "";
  let at = [0, 0];

  const isNumbers = () => url.get().query.cov_as === "numbers";
  const wanted = () => ({ timeframe: url.get().query.cov_tf ?? FIRST_TIMEFRAME, days: url.get().query.cov_days ?? FIRST_DAYS });
  const rowsOf = () => {
    const text = (url.get().query.cov ?? "").toUpperCase();
    return found.rows.filter((row) => !text || `${row.symbol} ${row.venue.toUpperCase()}`.includes(text));
  };

  async function load() {
    const query = wanted();
    try {
      const answer = await api.get("coverage", query);
      if (JSON.stringify(query) !== JSON.stringify(wanted())) return;
      found = answer;
      fault = null;
    } catch (error) {
      fault = error;
      throw error;
    } finally {
      draw();
    }
  }

  const draw = () => frame.request(panel.element, () => {
    numbers.setAttribute("aria-pressed", String(isNumbers()));
    if (!found) {
      replace(place, fault
        ? emptyState("Coverage cannot be counted", fault.message, "tapehub query \"SELECT symbol, count(*) FROM bars GROUP BY ALL\"")
        : emptyState("Counting candles", "The store reads those of every day."));
      return;
    }
    const rows = rowsOf();
    const key = JSON.stringify([found.days, rows, isNumbers()]);
    if (key === shown) return;
    shown = key;
    panel.note(`${rows.length} series, share of complete ${wanted().timeframe} candles`);
    if (!rows.length) {
      replace(place, emptyState(found.rows.length ? "No series fits" : "Nothing is stored yet", found.rows.length ? "Another symbol may." : "Candles are stored as they close.", "tapehub db current"));
      return;
    }
    at = [Math.min(at[0], Math.min(rows.length, MOST_ROWS) - 1), Math.min(at[1], found.days.length - 1)];
    if (!at[1]) at[1] = found.days.length - 1;
    const hadFocus = place.contains(document.activeElement);
    replace(place, tableFor(rows.slice(0, MOST_ROWS)), rows.length > MOST_ROWS ? h("p", { class: "coverage-more muted" }, `${rows.length - MOST_ROWS} more series: narrow the symbol`) : null);
    place.scrollLeft = place.scrollWidth;
    if (hadFocus) cellAt(...at)?.focus();
  });

  function tableFor(rows) {
    const heads = found.days.map((day) => h("th", { scope: "col", class: "cov-day", title: day }, h("span", { class: "sr-only" }, day), h("span", { "aria-hidden": "true" }, day.slice(8))));
    const lines = rows.map((row, line) => h(
      "tr",
      { "data-testid": "coverage-row" },
      h("th", { scope: "row", class: "cov-name" }, row.symbol, " ", h("span", { class: "muted" }, row.venue)),
      row.share.map((share, column) => cellOf(row, share, line, column)),
      h("td", { class: "num cov-mean", title: "Mean of the days that have any" }, shareText(meanOf(row.share))),
    ));
    return h("table", { class: `coverage ${isNumbers() ? "as-numbers" : ""}`, "aria-label": "Share of complete candles by series and day", "data-testid": "coverage-table", on: { keydown: walk, focusin: tell, mouseover: tell } },
      h("thead", {},
        h("tr", { "aria-hidden": "true" }, h("th", { class: "cov-name" }), monthsOf(found.days).map(([month, count]) => h("th", { class: "cov-month", colspan: String(count) }, h("span", {}, month))), h("th")),
        h("tr", {}, h("th", { scope: "col", class: "cov-name" }, "Series"), heads, h("th", { scope: "col", class: "num cov-mean" }, "Mean"))),
      h("tbody", {}, lines));
  }

  function cellOf(row, share, line, column) {
    const day = found.days[column];
    const link = h("a", {
      class: `cov cov-${shadeOf(share)}`, href: url.link({ tab: "trade", path: [row.symbol, wanted().timeframe], query: { venue: row.venue, day } }),
      tabindex: line === at[0] && column === at[1] ? "0" : "-1", dataset: { at: `${line},${column}`, said: `${row.symbol} ${row.venue}, ${day}: ${share === null ? "closed, or not yet stored" : `${shareText(share)} of ${wanted().timeframe} candles`}` },
      "data-testid": "coverage-cell",
    }, isNumbers() ? shareText(share).replace(".00", "") : h("span", { class: "sr-only" }, shareText(share)));
    return h("td", {}, link);
  }

  const cellAt = (line, column) => place.querySelector(`[data-at="${line},${column}"]`);

  function tell(event) {
    const cell = event.target.closest?.("[data-said]");
    if (cell) setText(readout, `${cell.dataset.said} · Enter opens the chart`);
  }

  function walk(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -999], End: [0, 999] };
    const step = steps[event.key];
    const from = event.target.dataset?.at?.split(",").map(Number);
    if (!step || !from) return;
    event.preventDefault();
    const lines = place.querySelectorAll("tbody tr").length;
    const next = [Math.min(lines - 1, Math.max(0, from[0] + step[0])), Math.min(found.days.length - 1, Math.max(0, from[1] + step[1]))];
    event.target.tabIndex = -1;
    at = next;
    const cell = cellAt(...next);
    cell.tabIndex = 0;
    cell.focus();
  }

  const end = poll(load, EVERY_MS);
  return {
    update({ query }) {
      days.show(query.cov_days ?? FIRST_DAYS);
      timeframe.show(query.cov_tf ?? FIRST_TIMEFRAME);
      search.show(query.cov ?? "");
      const now = JSON.stringify(wanted());
      if (asked && now !== asked) {
        found = null;
        load().catch(() => {});
      }
      asked = now;
      draw();
    },
    unmount() {
      end();
      search.close();
      frame.cancel(panel.element);
    },
  };
}

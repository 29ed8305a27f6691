/**
 * Holes in the feeds: where, why, what became of them, and a button that has them fetched again.
 */

import { emptyState, h, replace } from "../core/dom.js";
import { may, selectField, textField, whyNot } from "../sections/fields.js";
import { scroller, tableOf } from "../sections/sections.js";
import { gapRow } from "./gap_row.js";

const EVERY_MS = 4000;
const SOON_MS = 300;
const MOST = 500;
const COLUMNS = [
  { text: "State", class: "gap-state" },
  { text: "Instrument", class: "gap-symbol" },
  { text: "Missing", class: "gap-kind" },
  { text: "From", class: "gap-from" },
  { text: "Lasted", class: "num gap-length" },
  { text: "Ids", class: "num gap-ids" },
  { text: "Cause", class: "gap-cause" },
  { text: "Filled", class: "num gap-filled" },
  { text: "Reason", class: "gap-reason" },
  { text: "", class: "gap-tools", title: "Actions" },
];
const STATES = [["", "all states"], ["open", "open"], ["filling", "filling"], ["filled", "filled"], ["unfillable", "unfillable"]];
const KINDS = [["", "all kinds"], ["trade", "trades"], ["quote", "quotes"], ["book", "book"], ["bar", "bars"]];

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, frame, poll, socket, store, url } = context;
  const set = (key) => (value) => url.set({ query: { [key]: value || null } }, { replace: true });
  const state = selectField("State", STATES, "gaps-filter-state", set("gap_state"));
  const kind = selectField("Kind", KINDS, "gaps-filter-kind", set("gap_kind"));
  const venue = selectField("Venue", [["", "all venues"]], "gaps-filter-venue", set("gap_venue"));
  const symbol = textField("Symbol", { placeholder: "any", size: "12", "data-testid": "gaps-filter-symbol" }, set("gap_symbol"));
  const filters = h("div", { class: "filters" }, [state, kind, venue, symbol].map(({ element }) => element));
  const { table, body } = tableOf("Gaps, newest first", COLUMNS, "gaps-table");
  const place = scroller("Gaps");
  panel.body.append(filters, place);

  let rows = null;
  let fault = null;
  let soonTimer = 0;
  let asked = "";
  /** @type {Map<string, {text: string, kind: string}>} What became of repairs, by gap. */
  const outcomes = new Map();

  const filter = () => {
    const { query } = url.get();
    return { state: query.gap_state, kind: query.gap_kind, venue: query.gap_venue, symbol: query.gap_symbol };
  };

  async function load() {
    const wanted = filter();
    try {
      const answer = await api.get("gaps", { ...wanted, limit: MOST });
      if (JSON.stringify(wanted) !== JSON.stringify(filter())) return;
      rows = answer.data.reverse();
      fault = null;
    } catch (error) {
      fault = error;
      throw error;
    } finally {
      draw();
    }
  }

  const soon = () => {
    clearTimeout(soonTimer);
    soonTimer = setTimeout(() => load().catch(() => {}), SOON_MS);
  };

  async function repair(gap) {
    outcomes.set(gap.gap_id, { text: "asked…", kind: "warn" });
    draw();
    try {
      const { data } = await api.post(`gaps/${encodeURIComponent(gap.gap_id)}:repair`, {});
      outcomes.set(gap.gap_id, { text: `${data.state}: ${data.count} fetched`, kind: data.state === "unfillable" ? "bad" : "ok" });
      context.say(`Repair of ${gap.symbol}: ${data.state}`);
      soon();
    } catch (error) {
      outcomes.set(gap.gap_id, { text: error.message, kind: "bad" });
      context.say(`Not repaired: ${error.message}`, "bad");
    }
    draw();
  }

  const draw = () => frame.request(panel.element, () => {
    venue.offer([["", "all venues"], ...[...new Set((store.get("venues") ?? []).map((one) => one.venue))].map((one) => [one, one])]);
    const isFiltered = Object.values(filter()).some(Boolean);
    panel.note(rows ? `${rows.length}${rows.length === MOST ? "+" : ""}${isFiltered ? " that fit" : ""}` : "");
    if (fault && !rows?.length) {
      replace(place, emptyState("Gaps cannot be had", fault.message, "tapehub gaps list"));
    } else if (rows && !rows.length) {
      replace(place, isFiltered
        ? emptyState("No gap fits", "Another filter may.", "tapehub gaps list")
        : emptyState("No gaps", "Nothing was missed since the hub began to listen.", "tapehub gaps list"));
    } else if (rows) {
      const whoami = store.get("whoami");
      const why = may(whoami, "admin") ? "" : whyNot(whoami, "admin");
      const focused = document.activeElement?.closest?.("[data-gap]")?.dataset.gap;
      replace(body, rows.map((gap) => gapRow(gap, { context, why, outcome: outcomes.get(gap.gap_id), onRepair: repair })));
      if (table.parentNode !== place) replace(place, table);
      if (focused) [...body.children].find((row) => row.dataset.gap === focused)?.querySelector("button")?.focus();
    }
  });

  const ends = [
    poll(load, EVERY_MS),
    socket.subscribe({ name: "gaps" }, ({ t }) => t === "update" && soon()),
    store.on("whoami", draw),
    store.on("venues", draw),
  ];

  return {
    update({ query }) {
      state.show(query.gap_state ?? "");
      kind.show(query.gap_kind ?? "");
      venue.show(query.gap_venue ?? "");
      symbol.show(query.gap_symbol ?? "");
      const wanted = JSON.stringify(filter());
      if (wanted !== asked && asked) {
        rows = null;
        soon();
      }
      asked = wanted;
    },
    unmount() {
      for (const end of ends) end();
      clearTimeout(soonTimer);
      symbol.close();
      frame.cancel(panel.element);
    },
  };
}

/**
 * What administrators did; only they may read it.
 */

import { emptyState, h, replace } from "../core/dom.js";
import { may, whyNot } from "../sections/fields.js";
import { scroller, tableOf } from "../sections/sections.js";

const EVERY_MS = 5000;
const MOST = 200;
const COLUMNS = [{ text: "Time", class: "audit-ts" }, { text: "Who", class: "audit-who" }, { text: "Deed", class: "audit-deed" }, { text: "What", class: "audit-what" }, { text: "Outcome", class: "audit-outcome" }];

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, frame, poll, store } = context;
  const place = scroller("Audit log");
  const { table, body } = tableOf("Audit log, newest first", COLUMNS, "audit-table");
  panel.body.append(place);
  let rows = null;
  let fault = null;
  let shown = "";

  const draw = () => frame.request(panel.element, () => {
    const whoami = store.get("whoami");
    const key = `${may(whoami, "admin")}|${fault?.message ?? ""}|${rows?.map(({ id, outcome }) => id + outcome).join()}`;
    if (key === shown) return;
    shown = key;
    if (!may(whoami, "admin")) {
      replace(place, emptyState("For administrators", whyNot(whoami, "admin"), "tapehub token"));
    } else if (fault && !rows) {
      replace(place, emptyState("The audit log cannot be had", fault.message, "tapehub status"));
    } else if (rows && !rows.length) {
      replace(place, emptyState("Nothing was done yet", "Restarts, repairs and SQL stand here, with who asked for them."));
    } else if (rows) {
      replace(body, rows.map(rowOf));
      if (table.parentNode !== place) replace(place, table);
    }
  });

  const ends = [
    poll(async () => {
      if (!may(store.get("whoami"), "admin")) return;
      try {
        rows = (await api.get("audit", { limit: MOST })).data.reverse();
        fault = null;
      } catch (error) {
        fault = error;
        throw error;
      } finally {
        draw();
      }
    }, EVERY_MS),
    store.on("whoami", draw),
  ];
  return {
    update: draw,
    unmount() {
      for (const end of ends) end();
      frame.cancel(panel.element);
    },
  };
}

function rowOf({ ts, who, peer, deed, what, outcome }) {
  const text = Object.values(what ?? {}).join(" ");
  const kind = outcome === "done" ? "" : outcome === "begun" ? "warn-text" : "bad-text";
  return h(
    "tr",
    { "data-testid": "audit-row" },
    h("td", { class: "audit-ts", title: ts }, ts.slice(5, 19).replace("T", " ")),
    h("td", { class: "audit-who", title: peer }, who || peer),
    h("td", { class: "audit-deed" }, deed),
    h("td", { class: "audit-what", title: text }, text),
    h("td", { class: `audit-outcome ${kind}`, title: outcome }, outcome),
  );
}

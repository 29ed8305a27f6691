/**
 * What is kept, how fast it grows, how long the disk lasts.
 */

import { emptyState, h, replace, styleOf } from "../core/dom.js";
import { whole } from "../sections/fields.js";
import { scroller, tableOf } from "../sections/sections.js";

const EVERY_MS = 3000;
const LATE_S = 10;
const FEW_DAYS = 14;
const FULL = 0.9;
const COLUMNS = [{ text: "Journal of" }, { text: "Bytes", class: "num" }, { text: "Records", class: "num" }, { text: "Files", class: "num" }, { text: "Not yet stored", class: "num", title: "Records that a durable consumer has not acknowledged" }];

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, format, frame, poll } = context;
  const place = scroller("Storage");
  panel.body.append(place);
  let found = null;
  let fault = null;

  const draw = () => frame.request(panel.element, () => {
    if (!found) {
      if (fault) replace(place, emptyState("Storage cannot be looked at", fault.message, "tapehub db current"));
      return;
    }
    const { database, parquet, journals, disk } = found;
    const top = place.scrollTop;
    const { table, body } = tableOf("Journals", COLUMNS, "journals-table");
    replace(body, journals.map((one) => journalRow(one, format)));
    replace(
      place,
      h("div", { class: "tiles", "data-testid": "storage" },
        tile("Disk", diskText(disk, format), disk.days_left !== null && disk.days_left < FEW_DAYS ? "warn" : disk.used_share > FULL ? "bad" : "", `${format.bytes(disk.free_bytes)} free, ${format.percent(disk.used_share, 0)} used`, disk.used_share),
        tile("Rows", database.rows_per_s === null ? format.NONE : `${format.size(database.rows_per_s)}/s`, "", "stored"),
        tile("Oldest unflushed", format.duration(database.oldest_unflushed_s), database.oldest_unflushed_s > LATE_S ? "bad" : "", "what a power cut would have to read again"),
        tile("Database", format.bytes(database.bytes), "", `write-ahead log ${format.bytes(database.wal_bytes)}`),
        tile("Parquet", format.bytes(parquet.bytes), "", `${parquet.files ?? format.NONE} files`)),
      h("p", { class: "storage-url muted" }, database.url ?? "No database: add persistence.1 to the actors"),
      journals.length ? table : emptyState("No journals", "Add journal.1 to the actors.", "tapehub config template"),
    );
    place.scrollTop = top;
  });

  const end = poll(async () => {
    try {
      found = await api.get("storage");
      fault = null;
    } catch (error) {
      fault = error;
      throw error;
    } finally {
      draw();
    }
  }, EVERY_MS);
  return {
    update: draw,
    unmount() {
      end();
      frame.cancel(panel.element);
    },
  };
}

function diskText({ days_left: days, free_bytes: free }, format) {
  if (days === null || days === undefined) return free === null ? format.NONE : "enough";
  return days > 3650 ? "10 years +" : `${days < 10 ? days.toFixed(1) : Math.round(days)} days left`;
}

function tile(label, value, kind, note, share) {
  const parts = [h("span", { class: "tile-label" }, label), h("span", { class: `tile-value ${kind ? `${kind}-text` : ""}` }, value)];
  if (typeof share === "number") {
    const fill = h("div", { class: `meter-fill ${share > FULL ? "bad" : ""}` });
    styleOf(fill, "--share", share.toFixed(4));
    parts.push(h("div", { class: "meter", "aria-hidden": "true" }, fill));
  }
  return h("div", { class: "tile" }, parts, h("span", { class: "tile-note" }, note));
}

function journalRow(one, format) {
  const waiting = Object.entries(one.lag ?? {}).map(([consumer, count]) => `${whole(count)} for ${consumer}`);
  return h(
    "tr",
    { "data-testid": "journal-row" },
    h("th", { scope: "row" }, one.publisher),
    h("td", { class: "num" }, format.bytes(one.bytes)),
    h("td", { class: "num" }, whole(one.records)),
    h("td", { class: "num" }, one.segments ?? format.NONE),
    h("td", { class: "num", title: waiting.join("\n") || null }, waiting.length ? whole(Math.max(...Object.values(one.lag))) : "0"),
  );
}

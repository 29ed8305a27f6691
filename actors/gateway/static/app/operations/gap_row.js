/**
 * One gap as a row.
 */

import { h } from "../core/dom.js";
import { whole } from "../sections/fields.js";

const BADGES = { open: "warn", filling: "warn", filled: "ok", unfillable: "bad" };
const MINUTE_NS = 60e9;

/** How many messages are missing; null where the venue does not count. Pure. @param {any} gap */
export function missing(gap) {
  if (!gap.from_id || !gap.to_id || gap.to_id < gap.from_id) return null;
  return gap.to_id - gap.from_id + 1;
}

/** Why a gap cannot be fetched again; empty: it can be tried. Pure. @param {any} gap */
export function unrepairable(gap) {
  if (gap.state === "filled") return "It is filled already";
  if (gap.state === "filling") return "It is being filled";
  if (gap.kind !== "trade") return `Only trades can be fetched again; this is of ${gap.kind}s`;
  return missing(gap) === null ? "The venue does not number what is missing" : "";
}

/**
 * @param {any} gap
 * @param {{context: import("../main.js").Context, why: string, outcome?: {text: string, kind: string}, onRepair: (gap: any) => void}} more
 */
export function gapRow(gap, { context, why, outcome, onRepair }) {
  const { format, clock, url } = context;
  const count = missing(gap);
  const isOpen = !gap.to_ts_ns;
  const lasted_s = gap.from_ts_ns ? ((isOpen ? clock.now_ms() * 1e6 : gap.to_ts_ns) - gap.from_ts_ns) / 1e9 : null;
  const off = why || unrepairable(gap);
  const button = h("button", {
    class: "button quiet", type: "button", "aria-disabled": off ? "true" : false, title: off || "Have the collector fetch it again",
    "aria-label": `Repair ${gap.symbol} ${gap.kind}${off ? `: ${off}` : ""}`, "data-testid": "gap-repair",
    on: { click: () => off || onRepair(gap) },
  }, "Repair");
  const cell = (label, kind, content, title) => h("td", { class: kind, dataset: { label }, title }, content);
  const reason = outcome ? h("span", { class: `${outcome.kind}-text`, "data-testid": "gap-outcome" }, outcome.text) : gap.reason;
  const said = outcome?.text ?? gap.reason;
  return h(
    "tr",
    { dataset: { gap: gap.gap_id }, "data-testid": "gap-row" },
    h("td", { class: "gap-state", dataset: { label: "State" } }, h("span", { class: `badge ${BADGES[gap.state] ?? "idle"}` }, gap.state)),
    h("th", { scope: "row", class: "gap-symbol" }, h("a", { href: url.link({ tab: "trade", path: [gap.symbol, "1m"], query: { venue: gap.venue } }) }, gap.symbol), " ", h("span", { class: "muted" }, gap.venue)),
    cell("Missing", "gap-kind", count === null ? gap.kind : `${whole(count)} ${gap.kind}${count === 1 ? "" : "s"}`, gap.gap_id),
    cell("From", "gap-from", gap.from_ts_ns ? format.dateTime(gap.from_ts_ns).slice(5) : format.NONE, `${format.dateTime(gap.from_ts_ns)} to ${isOpen ? "now" : format.dateTime(gap.to_ts_ns)} UTC`),
    cell("Lasted", "num gap-length", lasted_s === null ? format.NONE : `${format.duration(lasted_s)}${isOpen ? " …" : ""}`),
    cell("Ids", "num gap-ids muted", idsText(gap), `${gap.from_id} to ${gap.to_id || "?"}`),
    cell("Cause", "gap-cause", String(gap.cause).replaceAll("_", " ")),
    cell("Filled", "num gap-filled", count ? `${gap.count}/${count}` : String(gap.count ?? 0), gap.filled_by ? `by ${gap.filled_by}` : null),
    cell("Reason", "gap-reason", reason || (gap.filled_by ? `by ${gap.filled_by}` : ""), said),
    h("td", { class: "gap-tools" }, button),
  );
}

/* Of bars an id is a minute since 1970. */
function idsText(gap) {
  if (!gap.from_id) return "–";
  if (gap.kind === "bar") return new Date((gap.from_id * MINUTE_NS) / 1e6).toISOString().slice(11, 16);
  return gap.to_id ? `${gap.from_id}…${String(gap.to_id).slice(-4)}` : `${gap.from_id}…`;
}

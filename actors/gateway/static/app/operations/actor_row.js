/**
 * One actor as a row of the table: what it says of itself, how old that is, what to press.
 */

import { h, setAttribute, setText } from "../core/dom.js";
import { kindOf } from "./state_log.js";
import { said, sparkline, stateLine } from "./marks.js";

const LATE_S = 1; // heartbeats come four times a second
const SLOW_S = 1;

/**
 * @param {string} name
 * @param {import("../main.js").Context} context
 * @param {(name: string) => void} onRestart
 */
export function actorRow(name, context, onRestart) {
  const { format } = context;
  const badge = h("span", { class: "badge idle", "data-testid": "actor-state" });
  const since = h("span", { class: "muted actor-since", "data-testid": "actor-since" });
  const line = stateLine();
  const rate = () => ({ value: h("span", { class: "rate-value" }), spark: sparkline() });
  const [inward, outward] = [rate(), rate()];
  const lag = h("span");
  const memory = h("span");
  const drops = h("span", { "data-testid": "actor-drops" });
  const restarts = h("span", { "data-testid": "actor-restarts" });
  const beat = h("span", { "data-testid": "actor-beat" });
  const note = h("span", { "data-testid": "actor-note" });
  const button = h("button", {
    class: "button quiet actor-restart", type: "button", "data-testid": "actor-restart-button", on: { click: () => button.getAttribute("aria-disabled") !== "true" && onRestart(name) },
  }, "Restart");
  const cell = (label, kind, ...children) => h("td", { class: kind, role: "cell", dataset: { label } }, children);
  const element = h(
    "tr",
    { role: "row", dataset: { actor: name }, "data-testid": "actor-row" },
    h("th", { scope: "row", role: "rowheader", class: "actor-name" }, name),
    cell("State", "actor-badge", badge, since),
    cell("Last hour", "actor-hour", line.element),
    cell("In /s", "num", inward.spark.element, inward.value),
    cell("Out /s", "num", outward.spark.element, outward.value),
    cell("Lag p50 / p99", "num", lag),
    cell("Memory", "num", memory),
    cell("Dropped", "num", drops),
    cell("Restarts", "num", restarts),
    cell("Heartbeat", "num", beat),
    cell("What to do", "actor-note", note),
    cell("", "actor-tools", button),
  );

  function drawHour(log, now_ms) {
    const spans = log.spans(name, now_ms);
    const marks = log.actors.get(name)?.restarts ?? [];
    line.draw(spans, marks, now_ms, said(spans, marks.length, format.duration));
  }

  return {
    element,
    /**
     * @param {any} row @param {import("./state_log.js").StateLog} log @param {number} now_ms
     * @param {{heard_s: number, why: string, pending: string}} more `heard_s`: age of the row; `why`: no restart because.
     */
    draw(row, log, now_ms, { heard_s, why, pending }) {
      const seen = log.actors.get(name);
      const kind = kindOf(row.state);
      setText(badge, row.state);
      setAttribute(badge, "class", `badge ${kind}`);
      setAttribute(element, "data-kind", kind);
      const begun_ms = log.since_ms(name);
      setText(since, begun_ms === null ? "" : format.age((now_ms - begun_ms) / 1000));
      setAttribute(since, "title", begun_ms === null ? null : `since ${format.dateTime(begun_ms * 1e6)} UTC`);
      drawHour(log, now_ms);
      setText(inward.value, rateText(row.frames_in_per_s, format));
      setText(outward.value, rateText(row.frames_out_per_s, format));
      inward.spark.draw(seen?.in ?? []);
      outward.spark.draw(seen?.out ?? []);
      setText(lag, row.lag_p50_s === null ? format.NONE : `${format.lag(row.lag_p50_s)} / ${format.lag(row.lag_p99_s)}`);
      setAttribute(lag, "class", row.lag_p99_s > SLOW_S ? "warn-text" : "");
      setText(memory, format.bytes(row.rss_bytes));
      drawDrops(drops, row.dropped);
      setText(restarts, row.restarts === null ? format.NONE : String(row.restarts));
      const beat_s = typeof row.beat_age_s === "number" ? row.beat_age_s + heard_s : null;
      setText(beat, format.age(beat_s));
      setAttribute(beat, "class", beat_s === null ? "muted" : beat_s > LATE_S ? (row.is_alive ? "warn-text" : "bad-text") : "");
      setText(note, pending || row.note || (row.is_alive ? "" : "tapehub status"));
      setAttribute(note, "title", row.note || null);
      setAttribute(button, "aria-label", `Restart ${name}${why ? `: ${why}` : ""}`);
      setAttribute(button, "aria-disabled", why || pending ? "true" : null);
      setAttribute(button, "title", why || pending || `Restart ${name}`);
      setAttribute(element, "title", row.host ? `${row.host}, process ${row.pid ?? "–"}, epoch ${row.epoch ?? "–"}` : null);
    },
  };
}

function rateText(value, format) {
  return typeof value === "number" ? (value >= 100 || value === 0 ? value.toFixed(0) : value.toFixed(1)) : format.NONE;
}

/** The sum, and the reasons behind it: the worst in sight, all in the title. */
function drawDrops(element, dropped) {
  const reasons = Object.entries(dropped ?? {}).filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  const text = total ? `${total} ${reasons[0][0]}${reasons.length > 1 ? ` +${reasons.length - 1}` : ""}` : "0";
  setText(element, text);
  setAttribute(element, "class", total ? "drop-text" : "muted");
  setAttribute(element, "title", total ? reasons.map(([reason, count]) => `${count} ${reason}`).join("\n") : null);
}

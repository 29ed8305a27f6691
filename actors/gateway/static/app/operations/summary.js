/**
 * One line above everything: is it well, what is not and since when. Changes are read out by screen readers.
 */

import { h, setAttribute, setText } from "../core/dom.js";
import { actorLog } from "./actor_log.js";
import { kindOf } from "./state_log.js";

const TICK_MS = 500;

/**
 * What a change says. Pure.
 * @param {import("./state_log.js").Change} change @param {(seconds: number) => string} duration
 */
export function textOf({ name, kind, state, lasted_s }, duration) {
  if (kind === "down") return `${name} is ${state === "UNKNOWN" ? "not heard" : "down"}`;
  if (kind === "back") return `${name} runs again${lasted_s === null ? "" : ` after ${duration(lasted_s)}`}`;
  if (kind === "restarted") return `${name} was restarted`;
  if (kind === "new") return `${name} is new`;
  return `${name}: ${state}`;
}

/** @param {import("../main.js").Context} context */
export function createSummary(context) {
  const { clock, format, frame } = context;
  const actors = actorLog(context);
  const badge = h("span", { class: "badge idle", "data-testid": "ops-badge" }, "…");
  const text = h("span", { class: "ops-text", "data-testid": "ops-text" });
  const heard = h("p", { class: "sr-only", role: "status", "aria-live": "assertive", "data-testid": "ops-announced" });
  const newest = h("span", { class: "ops-newest muted", "data-testid": "ops-newest" });
  const element = h("div", { class: "ops-summary", "data-testid": "ops-summary" }, badge, text, newest, heard);

  function draw() {
    const rows = actors.rows();
    if (!rows.length) return;
    const now_ms = clock.now_ms();
    const broken = rows.filter((row) => kindOf(row.state) !== "ok");
    const isBad = broken.some((row) => kindOf(row.state) === "bad");
    const noted = rows.filter((row) => row.note && !broken.includes(row));
    const kind = isBad ? "bad" : broken.length || noted.length ? "warn" : "ok";
    setText(badge, kind === "ok" ? "All well" : isBad ? "Down" : "Attention");
    setAttribute(badge, "class", `badge ${kind}`);
    const named = broken.map((row) => {
      const begun_ms = actors.log.since_ms(row.name);
      return `${row.name} ${row.state}${begun_ms === null ? "" : ` for ${format.age((now_ms - begun_ms) / 1000)}`}`;
    });
    const notes = noted.map((row) => `${row.name}: ${row.note}`);
    setText(text, [...named, ...notes].join(" · ") || `${rows.length} actors run`);
    const last = actors.log.changes.at(-1);
    setText(newest, last ? `${format.clock(last.at_ms)} ${textOf(last, format.duration)}` : "");
  }

  const soon = () => frame.request(element, draw);
  const ends = [actors.on((changes) => {
    if (changes.length) heard.textContent = changes.map((change) => textOf(change, format.duration)).join(". ");
    soon();
  })];
  const timer = setInterval(soon, TICK_MS);
  soon();
  return {
    element,
    close() {
      for (const end of ends) end();
      clearInterval(timer);
      frame.cancel(element);
    },
  };
}

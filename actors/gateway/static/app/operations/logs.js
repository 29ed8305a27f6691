/**
 * The end of everybody's log: filtered, followed live, older lines by a button.
 */

import { emptyState, h, replace } from "../core/dom.js";
import { selectField, textField } from "../sections/fields.js";
import { actorLog } from "./actor_log.js";

const EVERY_MS = 2000;
const PAGE = 200;
const MOST = 2000;
const LEVELS = [["", "all levels"], ["info", "info and worse"], ["warning", "warnings and errors"], ["error", "errors"]];
const KINDS = { debug: "idle", info: "idle", warning: "warn", error: "bad" };

/** Two reads of one log, without doubles, oldest first. Pure. @param {any[]} old @param {any[]} more */
export function joined(old, more) {
  const first = more[0]?.ts ?? "";
  const kept = old.filter((line) => line.ts < first);
  return [...kept, ...more];
}

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, frame, poll, url } = context;
  const actors = actorLog(context);
  const set = (key) => (value) => url.set({ query: { [key]: value || null } }, { replace: true });
  const actor = selectField("Actor", [["", "all actors"]], "logs-filter-actor", set("log_actor"));
  const level = selectField("Level", LEVELS, "logs-filter-level", set("log_level"));
  const text = textField("Text", { placeholder: "in the message", size: "18", "data-testid": "logs-filter-text" }, set("log_text"));
  const follow = h("button", {
    class: "button", type: "button", "data-testid": "logs-follow",
    on: { click: () => set("log_paused")(isPaused() ? null : "1") },
  });
  const older = h("button", { class: "button quiet logs-older", type: "button", "data-testid": "logs-older", on: { click: () => loadOlder() } }, "Older lines");
  const list = h("ol", { class: "log-lines", "data-testid": "log-lines" });
  const place = h("div", { class: "scroll log-place", tabindex: "0", role: "log", "aria-live": "off", "aria-label": "Log lines, newest last" }, older, list);
  panel.body.append(h("div", { class: "filters" }, actor.element, level.element, text.element), place);
  panel.tools.append(follow);

  let lines = [];
  let isLoaded = false;
  let fault = null;
  let isWhole = false;
  let asked = "";
  let shown = "";
  const isPaused = () => url.get().query.log_paused === "1";
  const filter = () => {
    const { query } = url.get();
    return { actor: query.log_actor, level: query.log_level, grep: query.log_text };
  };

  async function load(more = {}) {
    const wanted = JSON.stringify(filter());
    try {
      const { data } = await api.get("logs", { ...filter(), limit: PAGE, ...more });
      if (wanted !== JSON.stringify(filter())) return;
      if (more.before) {
        isWhole = data.length < PAGE;
        lines = [...data, ...lines];
      } else {
        lines = joined(lines, data).slice(-MOST);
      }
      isLoaded = true;
      fault = null;
    } catch (error) {
      fault = error;
      throw error;
    } finally {
      frame.request(panel.element, draw);
    }
  }

  async function loadOlder() {
    if (!lines.length) return;
    const height = place.scrollHeight;
    await load({ before: lines[0].ts }).catch(() => {});
    requestAnimationFrame(() => requestAnimationFrame(() => { place.scrollTop += place.scrollHeight - height; }));
  }

  function draw() {
    actor.offer([["", "all actors"], ...actors.rows().map(({ name }) => [name, name]), ["supervisord", "supervisord"]]);
    follow.textContent = isPaused() ? "Follow" : "Pause";
    follow.setAttribute("aria-label", isPaused() ? "Follow the log" : "Pause the log");
    panel.note(isPaused() ? "paused" : fault ? "cannot be read just now" : "live");
    older.hidden = isWhole || !lines.length;
    const key = `${lines.length}|${lines[0]?.ts}|${lines.at(-1)?.ts}|${fault?.message ?? ""}|${isLoaded}`;
    if (key === shown) return;
    shown = key;
    if (!lines.length) {
      if (fault) replace(list, h("li", {}, emptyState("The logs cannot be had", fault.message, "tapehub logs")));
      else if (isLoaded) replace(list, h("li", {}, emptyState("No line fits", "Another level or text may.", "tapehub logs")));
      return;
    }
    const isAtEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
    replace(list, lines.map(lineOf));
    if (isAtEnd) place.scrollTop = place.scrollHeight;
  }

  const end = poll(async () => {
    if (!isPaused() || !isLoaded) await load();
  }, EVERY_MS);

  return {
    update({ query }) {
      actor.show(query.log_actor ?? "");
      level.show(query.log_level ?? "");
      text.show(query.log_text ?? "");
      const wanted = JSON.stringify(filter());
      if (wanted !== asked && asked) {
        lines = [];
        isLoaded = isWhole = false;
        load().catch(() => {});
      }
      asked = wanted;
      frame.request(panel.element, draw);
    },
    unmount() {
      end();
      text.close();
      frame.cancel(panel.element);
    },
  };
}

function lineOf({ ts, actor, level, msg, stack }) {
  return h(
    "li",
    { class: `log-line log-${KINDS[level] ?? "idle"}`, "data-testid": "log-line" },
    h("time", { class: "log-ts", title: ts }, ts.slice(11, 23)),
    h("span", { class: "log-actor" }, actor),
    h("span", { class: "log-level" }, level === "warning" ? "warn" : level),
    h("span", { class: "log-msg" }, msg, stack ? h("details", {}, h("summary", {}, "Where"), h("pre", {}, stack)) : null),
  );
}

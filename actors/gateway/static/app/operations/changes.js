/**
 * What happened to the actors, newest first.
 */

import { emptyState, h, replace } from "../core/dom.js";
import { scroller } from "../sections/sections.js";
import { actorLog } from "./actor_log.js";
import { textOf } from "./summary.js";

const KINDS = { down: "bad", back: "ok", new: "ok", restarted: "warn", state: "warn", gone: "idle" };
const WORDS = { down: "down", back: "back", new: "new", restarted: "restart", state: "state", gone: "gone" };

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { format, frame } = context;
  const actors = actorLog(context);
  const list = h("ol", { class: "changes", "aria-label": "Changes, newest first", "data-testid": "changes" });
  const place = scroller("Changes");
  panel.body.append(place);
  let shown = null;

  function draw() {
    const { changes } = actors.log;
    const key = `${changes.length}|${changes.at(-1)?.at_ms}`;
    if (key === shown) return;
    shown = key;
    if (!changes.length) {
      replace(place, emptyState("Nothing has happened", "States that change, restarts and what came back appear here.", "tapehub top"));
      return;
    }
    replace(list, [...changes].reverse().map((change) => h(
      "li",
      { "data-testid": "change" },
      h("time", { class: "muted" }, format.clock(change.at_ms)),
      h("span", { class: `badge ${KINDS[change.kind]}` }, WORDS[change.kind]),
      h("span", {}, textOf(change, format.duration)),
    )));
    replace(place, list);
  }

  const soon = () => frame.request(panel.element, draw);
  const end = actors.on(soon);
  soon();
  return {
    update: soon,
    unmount() {
      end();
      frame.cancel(panel.element);
    },
  };
}

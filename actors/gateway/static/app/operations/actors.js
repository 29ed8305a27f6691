/**
 * The table of all actors: what runs, since when, and what to do about what does not.
 */

import { emptyState, h, replace } from "../core/dom.js";
import { may, whyNot } from "../sections/fields.js";
import { tableOf } from "../sections/sections.js";
import { actorLog } from "./actor_log.js";
import { actorRow } from "./actor_row.js";
import { createRestart } from "./restart.js";

const TICK_MS = 250; // ages grow while nothing comes

const COLUMNS = [
  { text: "Actor", class: "actor-name" },
  { text: "State", class: "actor-badge", title: "And for how long" },
  { text: "Last hour", class: "actor-hour", title: "Low bar: runs; half: on its way; full: down; thin: a restart" },
  { text: "In /s", class: "num", title: "Frames a second, the last minute" },
  { text: "Out /s", class: "num", title: "Frames a second, the last minute" },
  { text: "Lag p50 / p99", class: "num", title: "From the venue's clock to this actor" },
  { text: "Memory", class: "num" },
  { text: "Dropped", class: "num", title: "Since it started, with the most frequent reason" },
  { text: "Restarts", class: "num", title: "Since the system was started" },
  { text: "Heartbeat", class: "num", title: "Age of the newest" },
  { text: "What to do", class: "actor-note" },
  { text: "", class: "actor-tools", title: "Actions" },
];

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { clock, frame, store } = context;
  const actors = actorLog(context);
  const restart = createRestart(context, actors);
  const { table, body } = tableOf("Actors", COLUMNS, "actors-table");
  table.setAttribute("role", "table");
  table.classList.add("actors-table");
  const place = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Actors" });
  panel.body.append(place);
  const rows = new Map();
  let names = "";

  function draw() {
    const data = actors.rows();
    if (!data.length) {
      const fault = actors.fault();
      const state = fault
        ? emptyState("The actors cannot be had", fault, "tapehub status")
        : emptyState("Waiting for the actors", "The gateway tells of them once a second.", "tapehub status");
      names = "";
      replace(place, state);
      return;
    }
    const wanted = data.map(({ name }) => name).join("\n");
    if (wanted !== names) {
      names = wanted;
      for (const { name } of data) if (!rows.has(name)) rows.set(name, actorRow(name, context, restart.ask));
      replace(body, data.map(({ name }) => rows.get(name).element));
      replace(place, table);
    }
    const now_ms = clock.now_ms();
    const heard_s = (performance.now() - actors.heard_ms()) / 1000;
    const whoami = store.get("whoami");
    const isAdmin = may(whoami, "admin");
    for (const row of data) {
      const why = isAdmin ? (row.supervisor ? "" : "supervisord does not know it: tapehub up") : whyNot(whoami, "admin");
      rows.get(row.name).draw(row, actors.log, now_ms, { heard_s, why, pending: restart.pending(row.name) });
    }
    panel.note(heard_s > 3 ? `as it was ${heard_s.toFixed(0)} s ago` : "");
    table.classList.toggle("is-old", heard_s > 3);
  }

  const soon = () => frame.request(panel.element, draw);
  const ends = [actors.on(soon), store.on("whoami", soon)];
  const timer = setInterval(soon, TICK_MS);
  soon();
  return {
    update: soon,
    unmount() {
      for (const end of ends) end();
      clearInterval(timer);
      frame.cancel(panel.element);
      restart.close();
    },
  };
}

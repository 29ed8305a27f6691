/**
 * The chart's tools: panes, indicators, logarithmic scale, back to now. All of it stands in the address.
 */

import { h } from "../core/dom.js";
import { PANES } from "./scene.js";
import { chosenOf } from "./studies.js";

const FIRST_PANES = "volume,cvd";
const FIRST_STUDIES = "ema_20,vwap";

/** What the address says of the chart. Pure. @param {Record<string, string>} query */
export function chartStateOf(query) {
  return {
    panes: chosenOf(query.panes ?? FIRST_PANES),
    studies: chosenOf(query.ind ?? FIRST_STUDIES),
    isLog: query.log === "1",
  };
}

/**
 * @param {import("../main.js").Context} context
 * @param {{onNow: () => void}} tell
 */
export function createChooser({ url, keyboard }, { onNow }) {
  const set = (key, ids) => url.set({ query: { [key]: ids.length ? ids.join(",") : "none" } }, { replace: true });
  const toggle = (key, ids, id) => set(key, ids.includes(id) ? ids.filter((one) => one !== id) : [...ids, id]);

  const paneButtons = PANES.map(({ id, label }) =>
    h("button", {
      class: "button", type: "button", "data-testid": `pane-${id}`,
      on: { click: () => toggle("panes", chartStateOf(url.get().query).panes, id) },
    }, label));
  const list = h("div", { class: "menu-list", "data-testid": "indicator-list" });
  const menu = h(
    "details",
    { class: "menu", "data-testid": "indicator-menu" },
    h("summary", { class: "button quiet" }, "Indicators"),
    list,
  );
  const toggleLog = () => url.set({ query: { log: url.get().query.log === "1" ? null : "1" } }, { replace: true });
  const log = h("button", { class: "button", type: "button", title: "Logarithmic scale (Alt+L)", "data-testid": "log-scale", on: { click: toggleLog } }, "Log");
  const now = h("button", { class: "button quiet", type: "button", title: "Back to now (End)", "data-testid": "to-now", on: { click: onNow } }, "Now");
  const ends = [
    keyboard.bind({ keys: ["Alt+l"], label: "Logarithmic scale", group: "Chart", run: toggleLog }),
    keyboard.bind({ keys: ["End"], label: "Back to now", group: "Chart", run: onNow }),
    keyboard.bind({ keys: ["Alt+i"], label: "Indicators", group: "Chart", run: () => { menu.open = true; list.querySelector("input")?.focus(); } }),
  ];
  const leave = (event) => {
    if (menu.open && (event.key === "Escape" || (event.type === "pointerdown" && !menu.contains(event.target)))) menu.open = false;
  };
  addEventListener("pointerdown", leave);
  addEventListener("keydown", leave);

  return {
    element: h("div", { class: "panel-tools" }, h("div", { class: "segmented", role: "group", "aria-label": "Panes" }, paneButtons, log), menu, now),
    /** @param {ReturnType<typeof chartStateOf>} state @param {import("./studies.js").Study[]} known */
    show(state, known) {
      paneButtons.forEach((button, at) => button.setAttribute("aria-pressed", String(state.panes.includes(PANES[at].id))));
      log.setAttribute("aria-pressed", String(state.isLog));
      const text = JSON.stringify([state.studies, known.map(({ id }) => id)]);
      if (list.shown === text) return;
      list.shown = text;
      const had = document.activeElement?.value;
      list.replaceChildren(...(known.length ? groupsOf(known, state.studies) : [h("p", { class: "muted" }, "None of this timeframe: tapehub config show")]));
      if (had && list.contains(document.activeElement) === false) list.querySelector(`input[value="${CSS.escape(had)}"]`)?.focus();
    },
    close() {
      removeEventListener("pointerdown", leave);
      removeEventListener("keydown", leave);
      for (const end of ends) end();
    },
  };

  function groupsOf(known, chosen) {
    const headings = { overlay: "Over the candles", volume: "Over the volume", pane: "Below" };
    return Object.entries(headings).map(([place, heading]) => {
      const members = known.filter((study) => study.place === place);
      if (!members.length) return "";
      return h("fieldset", {}, h("legend", {}, heading), members.map(({ id, label }) =>
        h("label", { class: "check" },
          h("input", {
            type: "checkbox", value: id, checked: chosen.includes(id), "data-testid": `indicator-${id}`,
            on: { change: () => toggle("ind", chartStateOf(url.get().query).studies, id) },
          }), label)));
    });
  }
}

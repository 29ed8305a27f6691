/**
 * The timeframes that the server has, on keys 1 to 9.
 */

import { h } from "../core/dom.js";
import { timeframeSeconds } from "../core/format.js";

const USUAL = ["1s", "1m", "5m", "15m", "1h", "4h", "1d"];
export const FIRST_TIMEFRAME = "1m";

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 */
export function mountTimeframes(root, { api, keyboard, store, url }) {
  const group = h("div", { class: "segmented", role: "group", "aria-label": "Timeframe", "data-testid": "timeframes" });
  root.append(group);
  let unbind = [];

  function choose(timeframe) {
    const { path } = url.get();
    if (path[0]) url.set({ tab: "trade", path: [path[0], timeframe] });
  }

  function draw(timeframes) {
    for (const end of unbind) end();
    unbind = [];
    group.replaceChildren(...timeframes.map((timeframe, at) => {
      if (at < 9) {
        unbind.push(keyboard.bind({
          keys: [String(at + 1)], label: `Timeframe ${timeframe}`, group: "Chart", run: () => choose(timeframe),
        }));
      }
      return h(
        "button",
        {
          class: "button", type: "button", title: `${timeframe} (${at + 1})`, dataset: { timeframe },
          "data-testid": `timeframe-${timeframe}`, on: { click: () => choose(timeframe) },
        },
        timeframe,
      );
    }));
    mark();
  }

  function mark() {
    const now = url.get().path[1] ?? FIRST_TIMEFRAME;
    for (const button of group.children) button.setAttribute("aria-pressed", String(button.dataset.timeframe === now));
  }

  url.on(mark);
  store.set("timeframes", USUAL);
  store.on("timeframes", draw);
  api.get("topics", { prefix: "bar." }).then(({ data }) => {
    const found = new Set(data.map((row) => timeframeOf(row.topic ?? row)).filter(timeframeSeconds));
    const sorted = [...found].sort((a, b) => timeframeSeconds(a) - timeframeSeconds(b));
    if (sorted.length && sorted.join() !== store.get("timeframes").join()) store.set("timeframes", sorted);
  }, () => {}); // the usual ones then
}

function timeframeOf(topic) {
  return String(topic).split(".").at(-1);
}

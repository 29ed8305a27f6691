/**
 * The top row: what is shown, how the system is, whether what one sees is true right now.
 */

import { h, icon } from "../core/dom.js";
import { tabLinks } from "../core/tabs.js";
import { mountConnection } from "./connection.js";
import { mountSearch } from "./search.js";
import { mountStats } from "./stats.js";
import { mountTimeframes } from "./timeframes.js";

const PAUSE = "M5.500 3.500v9M10.500 3.500v9";
const GO = "M5 3.200v9.600L12.500 8z";
const HALF = "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 2v12M8 4.500h3.500M8 8h6M8 11.500h3.500";
const ASK = "M5.800 6a2.300 2.300 0 1 1 3.400 2c-.8.5-1.200.9-1.200 1.900M8 12.400v.1";

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 */
export function mountHeader(root, context) {
  const { store, theme } = context;
  const pause = button("pause", PAUSE, "Pause (space)", () => store.set("isPaused", !store.get("isPaused")));
  const themes = button("theme", HALF, "Dark or light theme (Alt+T)", () => theme.toggle());
  const help = button("help", ASK, "Keys and help (?)", () => store.set("help", Symbol("asked")));
  const search = h("div", { class: "header-search" });
  const timeframes = h("div", { class: "header-timeframes" });
  const stats = h("div", { class: "header-stats" });
  const connection = h("div", { class: "header-connection" });

  root.replaceChildren(
    h("a", { class: "brand", href: "#/trade", "aria-label": "tapehub, start", "data-testid": "brand" }, "tapehub"),
    search,
    tabLinks(context),
    timeframes,
    stats,
    connection,
    h("div", { class: "header-buttons" }, pause, themes, help),
  );
  mountSearch(search, context);
  mountTimeframes(timeframes, context);
  mountStats(stats, context);
  mountConnection(connection, context);

  store.on("isPaused", (isPaused) => {
    pause.setAttribute("aria-pressed", String(isPaused));
    pause.replaceChildren(icon(isPaused ? GO : PAUSE));
    pause.setAttribute("aria-label", isPaused ? "Go on (space)" : "Pause (space)");
  });
}

function button(name, path, label, run) {
  return h(
    "button",
    {
      class: "button quiet icon-only", type: "button", "aria-label": label, title: label,
      "data-testid": `${name}-button`, on: { click: run },
    },
    icon(path),
  );
}

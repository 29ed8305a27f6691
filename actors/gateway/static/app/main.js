/**
 * Puts the page together: one context, the header, the tabs, what is polled for everybody.
 */

import { createApi } from "./core/api.js";
import { createClock } from "./core/clock.js";
import * as dom from "./core/dom.js";
import * as format from "./core/format.js";
import { createFrame } from "./core/frame.js";
import { createKeyboard } from "./core/keyboard.js";
import { createNotices } from "./core/notices.js";
import { poll } from "./core/poll.js";
import { createSocket } from "./core/socket.js";
import { createStore } from "./core/store.js";
import { runTabs } from "./core/tabs.js";
import { createTheme } from "./core/theme.js";
import { createUrl } from "./core/url.js";
import { mountBanner } from "./header/banner.js";
import { mountHeader } from "./header/header.js";
import { mountHelp } from "./header/help.js";
import { mountLogin } from "./header/login.js";
import { watchHealth } from "./header/health.js";

/**
 * @typedef {object} Context What every view is given; README.md tells of each part.
 * @property {import("./core/api.js").Api} api
 * @property {import("./core/socket.js").Socket} socket
 * @property {import("./core/store.js").Store} store
 * @property {import("./core/url.js").Url} url
 * @property {import("./core/clock.js").Clock} clock
 * @property {import("./core/theme.js").Theme} theme
 * @property {import("./core/frame.js").Frame} frame
 * @property {import("./core/keyboard.js").Keyboard} keyboard
 * @property {typeof import("./core/format.js")} format
 * @property {typeof import("./core/dom.js")} dom
 * @property {typeof import("./core/poll.js").poll} poll
 * @property {(text: string, kind?: "info"|"warn"|"bad") => void} say
 */

/** @returns {Context} */
function createContext() {
  const store = createStore({ isPaused: false });
  const clock = createClock();
  const api = createApi(clock);
  const url = createUrl();
  const say = createNotices(document.getElementById("notices"));
  const socket = createSocket({ api, clock, store });
  const theme = createTheme(url);
  return {
    api, socket, store, url, clock, theme, frame: createFrame(), keyboard: createKeyboard(), format, dom, poll, say,
  };
}

const context = createContext();
const { store, frame, keyboard, url, theme } = context;

store.on("isPaused", (isPaused) => {
  frame.pause(isPaused);
  document.documentElement.toggleAttribute("data-paused", isPaused);
});
keyboard.bind({
  keys: [" "],
  label: "Pause and go on",
  group: "Everywhere",
  run: () => store.set("isPaused", !store.get("isPaused")),
});
keyboard.bind({
  keys: ["Alt+t"], label: "Dark or light theme", group: "Everywhere", run: () => theme.toggle(),
});

mountLogin(context);
mountHeader(document.getElementById("header"), context);
mountBanner(document.getElementById("banner"), context);
mountHelp(context);
runTabs(document.getElementById("view"), context);
watchHealth(context);
context.socket.connect();

/* For scripts that measure; nothing here is needed by the page. */
globalThis.document.documentElement.dataset.testid = "page";
performance.mark("tapehub-ready");
Object.defineProperty(document, "tapehub", { value: Object.freeze({ measure: frame.measure, counts: context.socket.counts, url }) });

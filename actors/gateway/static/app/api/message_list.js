/**
 * Messages as they come, newest first; one that is opened stays, since that pauses the list.
 */

import { emptyState, h, replace } from "../core/dom.js";

const KEPT = 200;
const DRAW_MS = 150;
const LINE = 220;

/**
 * @param {import("../main.js").Context} context @param {() => void} onChange
 */
export function messageList({ frame }, onChange) {
  const list = h("ol", { class: "messages", "aria-label": "Messages, newest first", "data-testid": "ws-messages" });
  const element = h("div", { class: "scroll message-place", tabindex: "0", role: "group", "aria-label": "Messages" });
  let messages = [];
  let total = 0;
  let waiting = 0;
  let isPaused = false;
  let timer = 0;
  let times = [];

  function draw() {
    timer = 0;
    replace(list, messages.map(itemOf));
    if (messages.length && list.parentNode !== element) replace(element, list);
    else if (!messages.length) replace(element, emptyState("No messages", "Subscribe opens a connection and shows what comes.", "tapehub tap trade."));
    onChange();
  }

  const soon = () => {
    if (!timer && !isPaused) timer = setTimeout(() => frame.request(list, draw), DRAW_MS);
  };

  function itemOf({ at_ms, isOurs, text, parsed }) {
    const plain = isOurs ? text : briefly(parsed, text);
    const line = plain.length > LINE ? `${plain.slice(0, LINE)}…` : plain;
    const details = h("details", { on: { toggle: (event) => event.target.open && fill(event.target) } },
      h("summary", {}, h("time", { class: "muted" }, new Date(at_ms).toISOString().slice(11, 23)), h("span", { class: `message-way ${isOurs ? "warn-text" : "muted"}` }, isOurs ? "sent" : (parsed?.ch ?? parsed?.op ?? "?")), h("span", { class: "message-text" }, line)));
    function fill(open) {
      pause(true);
      if (open.children.length === 1) open.append(h("pre", { tabindex: "0", "aria-label": "Message" }, JSON.stringify(parsed ?? text, null, 2)));
    }
    return h("li", { "data-testid": "ws-message" }, details);
  }

  function pause(wanted) {
    if (isPaused === wanted) return;
    isPaused = wanted;
    if (!isPaused) {
      waiting = 0;
      soon();
    }
    onChange();
  }

  soon();
  return {
    element,
    /** @param {string} text @param {boolean} isOurs */
    add(text, isOurs) {
      total += 1;
      times.push(performance.now());
      if (times.length > 2000) times = times.slice(-1000);
      if (isPaused && !isOurs) {
        waiting += 1;
        onChange();
        return;
      }
      let parsed = null;
      try {
        parsed = JSON.parse(text);
      } catch { /* shown as it came */ }
      messages = [{ at_ms: Date.now(), isOurs, text, parsed }, ...messages].slice(0, KEPT);
      soon();
    },
    pause,
    clear() {
      messages = [];
      total = waiting = 0;
      draw();
    },
    /** Messages in all, those left out while paused, and a second. */
    counts() {
      const now_ms = performance.now();
      return { total, waiting, isPaused, per_s: times.filter((at_ms) => now_ms - at_ms < 2000).length / 2 };
    },
    close() {
      clearTimeout(timer);
      frame.cancel(list);
    },
  };
}

/* What differs from one message to the next comes first; opened, it is whole. */
function briefly(parsed, text) {
  if (!parsed?.ch) return text;
  const { t, topic, seq, data } = parsed;
  return `${t === "update" ? "" : `${t} `}#${seq ?? "–"} ${topic ?? ""} ${JSON.stringify(data ?? null)}`;
}

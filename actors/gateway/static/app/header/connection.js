/**
 * Whether the page lives: LIVE, reconnecting in n s, offline since, paused.
 */

import { h, setAttribute, setText } from "../core/dom.js";

const LATE_S = 2;

/**
 * What is to be said. Pure.
 * @param {import("../core/socket.js").Connection} connection
 * @param {{now_ms: number, silence_s: number, isPaused: boolean, duration: (s: number) => string}} now
 * @returns {{kind: string, text: string}}
 */
export function sentence(connection, { now_ms, silence_s, isPaused, duration }) {
  const since_s = (now_ms - connection.since_ms) / 1000;
  const retry_s = Math.max(0, Math.ceil((connection.retry_ms - now_ms) / 1000));
  switch (connection.state) {
    case "live":
      if (isPaused) return { kind: "warn", text: "PAUSED" };
      return { kind: "ok", text: silence_s > LATE_S ? `LIVE · ${duration(silence_s)} ago` : "LIVE" };
    case "unauthorized":
      return { kind: "bad", text: "Token needed" };
    case "offline":
      return { kind: "bad", text: `Offline · retry in ${retry_s} s` };
    case "reconnecting":
      return { kind: "warn", text: `Reconnecting in ${retry_s} s` };
    default:
      return { kind: "idle", text: since_s > LATE_S ? `Connecting · ${duration(since_s)}` : "Connecting" };
  }
}

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 */
export function mountConnection(root, { format, socket, store }) {
  const badge = h("button", {
    class: "badge idle connection", type: "button", "data-testid": "connection",
    on: { click: () => (store.get("connection")?.state === "unauthorized" ? store.set("login", Symbol("asked")) : socket.retry()) },
  }, "Connecting");
  root.append(badge);
  const draw = () => {
    const connection = store.get("connection");
    if (!connection) return;
    const now_ms = performance.now();
    const isPaused = store.get("isPaused");
    const { kind, text } = sentence(connection, {
      now_ms, silence_s: socket.silence_s(), isPaused, duration: format.duration,
    });
    setText(badge, text);
    setAttribute(badge, "class", `badge ${kind} connection`);
    setAttribute(badge, "data-state", isPaused && connection.state === "live" ? "paused" : connection.state);
    const { missed, dropped, reconnects } = socket.counts();
    setAttribute(badge, "title", `${connection.reason || "WebSocket /ws/v1"}; missed ${missed}, dropped ${dropped}, reconnects ${reconnects}`);
    document.documentElement.toggleAttribute("data-disconnected", connection.state !== "live" && connection.state !== "connecting");
  };
  store.on("connection", draw);
  store.on("isPaused", draw);
  setInterval(draw, 250);
}

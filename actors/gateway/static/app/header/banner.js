/**
 * One line across the page when what is shown is not true any more: no connection, or a venue is down.
 */

import { h, setText } from "../core/dom.js";

const GRACE_MS = 1500;

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 */
export function mountBanner(root, { format, socket, store }) {
  const text = h("span", { "data-testid": "banner" });
  const retry = h("button", { class: "button", type: "button", on: { click: () => socket.retry() } }, "Try now");
  root.append(text, retry);
  const draw = () => {
    const connection = store.get("connection");
    const broken_ms = performance.now() - (connection?.since_ms ?? 0);
    const isBroken = connection && !["live", "connecting", "unauthorized"].includes(connection.state);
    const silence = format.duration(Math.floor(socket.silence_s()));
    if (isBroken && (broken_ms > GRACE_MS || connection.state === "offline" || !root.hidden)) {
      setText(text, `Not connected: ${connection.reason}. What you see is ${silence} old. It reconnects by itself; if not: tapehub status`);
      root.hidden = false;
    } else root.hidden = true;
  };
  store.on("connection", draw);
  setInterval(draw, 1000);
}

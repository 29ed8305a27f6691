/**
 * A connection of the playground's own: what one tries out there does not touch what the page shows.
 */

/**
 * @param {import("../main.js").Context} context
 * @param {{onState: (state: string, why?: string) => void, onText: (text: string) => void}} tell
 */
export function createOwnSocket({ api }, { onState, onText }) {
  let socket = null;
  let turn = 0;
  let next = 1;

  return {
    isOpen: () => socket?.readyState === WebSocket.OPEN,
    async open() {
      const mine = ++turn;
      onState("connecting");
      let ticket = "";
      try {
        if (api.token()) ticket = (await api.post("ws-ticket", {})).ticket;
      } catch (error) {
        if (mine === turn) onState("closed", error.message);
        return;
      }
      if (mine !== turn) return;
      const base = location.origin.replace(/^http/, "ws");
      const opened = new WebSocket(`${base}/ws/v1${ticket ? `?ticket=${encodeURIComponent(ticket)}` : ""}`);
      socket = opened;
      opened.addEventListener("open", () => mine === turn && onState("open"));
      opened.addEventListener("message", (event) => mine === turn && onText(event.data));
      opened.addEventListener("close", (event) => mine === turn && onState("closed", event.reason || `code ${event.code}`));
    },
    /** @param {any} message Gets an id. @returns {any} What went out; null: there is no connection. */
    send(message) {
      if (socket?.readyState !== WebSocket.OPEN) return null;
      const whole = { id: next++, ...message };
      socket.send(JSON.stringify(whole));
      return whole;
    },
    close() {
      turn += 1;
      socket?.close();
      socket = null;
      onState("closed");
    },
  };
}

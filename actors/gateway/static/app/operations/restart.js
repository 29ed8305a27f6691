/**
 * Restarting an actor: asked for twice, then watched until it runs again.
 */

import { h, setText } from "../core/dom.js";

const PATIENCE_MS = 60_000;

/* What others notice meanwhile, by kind. */
const EFFECTS = {
  hub: "Engines that ask meanwhile wait for it; it comes back with the windows it had.",
  gateway: "This page loses its connection for a few seconds and resumes by itself.",
  collector: "Its venue is not heard meanwhile: the hole is announced as a gap and repaired where the venue keeps history.",
  aggregator: "No new candles meanwhile; what was missed is read from the journal.",
  orderflow: "No order flow meanwhile; what was missed is read from the journal.",
  detector: "No alerts meanwhile; what was missed is read from the journal.",
  persistence: "Nothing is lost: what is published meanwhile waits in the journal.",
  journal: "Others cannot fetch missed frames meanwhile.",
  simulator: "The simulated venue drops its connections; its collector reconnects.",
};

/**
 * @param {import("../main.js").Context} context
 * @param {import("./actor_log.js").ActorLog} actors
 */
export function createRestart({ api, say, format }, actors) {
  /** @type {Map<string, {begun_ms: number, epoch: number|null, said: string}>} */
  const waiting = new Map();
  let name = "";
  const title = h("h2", { id: "restart-title" });
  const effect = h("p", { id: "restart-effect" });
  const cancel = h("button", { class: "button", type: "button", "data-testid": "restart-cancel", on: { click: () => dialog.close() } }, "Cancel");
  const go = h("button", { class: "button primary", type: "button", "data-testid": "restart-confirm", on: { click: () => begin() } }, "Restart");
  const dialog = h(
    "dialog",
    { class: "restart", "aria-labelledby": "restart-title", "aria-describedby": "restart-effect", "data-testid": "restart-dialog" },
    h("div", { class: "dialog-head" }, title),
    h("div", { class: "dialog-body restart-body" }, effect, h("p", { class: "muted" }, "It is written to the audit log with the name of your token."), h("div", { class: "restart-buttons" }, cancel, go)),
  );
  document.body.append(dialog);

  async function begin() {
    const asked = name;
    dialog.close();
    waiting.set(asked, { begun_ms: performance.now(), epoch: epochOf(asked), said: "restart asked for" });
    try {
      await api.post(`actors/${encodeURIComponent(asked)}:restart`, {});
      const one = waiting.get(asked);
      if (one) one.said = "restarting";
      say(`${asked} is restarting`);
    } catch (error) {
      waiting.delete(asked);
      say(`${asked} was not restarted: ${error.message}`, "bad");
    }
  }

  const epochOf = (one) => actors.rows().find((row) => row.name === one)?.epoch ?? null;

  /* The answer only says that it began; that it runs again, its row says: with another epoch. */
  function watch() {
    for (const [asked, { begun_ms, epoch }] of waiting) {
      const row = actors.rows().find((one) => one.name === asked);
      const took_ms = performance.now() - begun_ms;
      if (row?.is_alive && row.state === "RUNNING" && row.epoch !== epoch) {
        waiting.delete(asked);
        say(`${asked} runs again, after ${format.duration(took_ms / 1000)}`);
      } else if (took_ms > PATIENCE_MS) {
        waiting.delete(asked);
        say(`${asked} did not come back within a minute: tapehub logs ${asked}`, "bad");
      }
    }
  }

  const end = actors.on(watch);
  return {
    /** Asks whether it is meant. @param {string} asked */
    ask(asked) {
      name = asked;
      setText(title, `Restart ${asked}?`);
      setText(effect, EFFECTS[asked.split(".")[0]] ?? "It is stopped in order and started again.");
      dialog.showModal();
      cancel.focus();
    },
    /** What is under way with an actor; empty: nothing. @param {string} asked */
    pending(asked) {
      const one = waiting.get(asked);
      return one ? `${one.said}, ${format.age((performance.now() - one.begun_ms) / 1000)}` : "";
    },
    close() {
      end();
      dialog.remove();
    },
  };
}

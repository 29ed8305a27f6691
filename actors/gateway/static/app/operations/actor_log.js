/**
 * Listens to the actors for as long as the page lives, so that the last hour is there whenever somebody looks.
 */

import { StateLog } from "./state_log.js";

const KEPT = "tapehub.actors";
const KEEP_MS = 10_000;

/**
 * @typedef {object} ActorLog
 * @property {() => any[]} rows Newest rows, in the order of the topology.
 * @property {StateLog} log
 * @property {() => number} heard_ms `performance.now()` of the newest rows; 0: none yet.
 * @property {() => string} fault Why there are none.
 * @property {(run: (changes: import("./state_log.js").Change[]) => void) => () => void} on Called with every message.
 */

/** @type {ActorLog|null} */
let only = null;

/** @param {import("../main.js").Context} context @returns {ActorLog} */
export function actorLog(context) {
  only ??= begin(context);
  return only;
}

function begin({ api, clock, socket }) {
  const log = new StateLog();
  const listeners = new Set();
  const rows = new Map();
  let heard_ms = 0;
  let fault = "";
  try {
    log.restore(JSON.parse(sessionStorage.getItem(KEPT)), clock.now_ms());
  } catch { /* of another version, or storage is forbidden */ }

  function take(data, isWhole) {
    if (isWhole) for (const name of rows.keys()) if (!data.some((row) => row.name === name)) rows.delete(name);
    for (const row of data) rows.set(row.name, row);
    heard_ms = performance.now();
    fault = "";
    const changes = log.take(data, clock.now_ms());
    for (const run of [...listeners]) run(changes);
  }

  function keep() {
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(log));
    } catch { /* full or forbidden: it is only lost with a reload */ }
  }

  socket.subscribe({ name: "actors" }, ({ t, data }) => {
    if (t !== "lagging" && data?.length) take(data, t === "snapshot" || data.length >= rows.size);
  });
  api.get("actors").then(
    ({ data }) => heard_ms === 0 && take(data, true),
    (error) => {
      fault = error.message;
      for (const run of [...listeners]) run([]);
    },
  );
  setInterval(keep, KEEP_MS);
  addEventListener("pagehide", keep);
  return {
    rows: () => [...rows.values()],
    log,
    heard_ms: () => heard_ms,
    fault: () => fault,
    on(run) {
      listeners.add(run);
      return () => listeners.delete(run);
    },
  };
}

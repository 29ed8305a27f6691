/**
 * The WebSocket `/ws/v1`: one connection for all views. It says what state it is in and repairs itself:
 * back-off with jitter, a watchdog on the server's heartbeats, resume where the break began.
 */

import { Channels } from "./channels.js";
import { Sequence, backoff } from "./sequence.js";

const SILENCE = 2.5; // heartbeats without any message: the connection is dead, whatever TCP says
const GREETING_MS = 6000;
const SNAPSHOT_ROWS = 200;

/**
 * @typedef {object} Connection What `store` has under `connection`.
 * @property {"connecting"|"live"|"reconnecting"|"offline"|"unauthorized"} state
 * @property {number} since_ms `performance.now()` at which the state began.
 * @property {number} retry_ms `performance.now()` of the next attempt; 0: none is planned.
 * @property {string} reason Why it is not live.
 */

/**
 * @typedef {object} Socket
 * @property {(channel: import("./channels.js").Channel, handler: (message: any) => void) => () => void} subscribe
 *   `handler` gets every `snapshot` and `update` (and `{t: "lagging", dropped}`) of the channel, without doubles.
 * @property {() => void} connect
 * @property {() => void} retry Now, not when the pause is over.
 * @property {() => number} silence_s Seconds since the server's last message.
 * @property {() => {messages: number, missed: number, doubles: number, reconnects: number, dropped: number}} counts
 */

/**
 * @param {{api: import("./api.js").Api, clock: import("./clock.js").Clock, store: import("./store.js").Store}} parts
 * @returns {Socket}
 */
export function createSocket({ api, clock, store }) {
  const channels = new Channels();
  const sequence = new Sequence();
  const counts = { messages: 0, reconnects: 0, dropped: 0 };
  let socket = null;
  let attempt = 0;
  let failures = 0;
  let nextId = 1;
  let heartbeat_s = 5;
  let heard_ms = performance.now();
  let isWaiting = false; // for the next attempt
  let isLive = false;
  let timer = 0;
  let batch = null;

  const say = (state, reason = "", retry_ms = 0) =>
    store.set("connection", { state, reason, retry_ms, since_ms: performance.now() });

  const send = (message) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ id: nextId++, ...message }));
  };

  async function connect() {
    clearTimeout(timer);
    isWaiting = false;
    const mine = ++attempt;
    if (!store.get("connection")) say("connecting");
    let ticket = "";
    try {
      if (api.token()) ticket = (await api.post("ws-ticket")).ticket;
    } catch (error) {
      if (mine !== attempt) return;
      if (error.status === 401) say("unauthorized", "the gateway wants a token");
      else lost(error.message);
      return;
    }
    if (mine !== attempt) return;
    const base = location.origin.replace(/^http/, "ws");
    const opened = new WebSocket(`${base}/ws/v1${ticket ? `?ticket=${encodeURIComponent(ticket)}` : ""}`);
    socket = opened;
    opened.addEventListener("message", (event) => mine === attempt && onText(event.data));
    opened.addEventListener("close", (event) => mine === attempt && onClose(event));
    timer = setTimeout(() => mine === attempt && !isLive && drop("no greeting from the gateway"), GREETING_MS);
  }

  function onText(text) {
    heard_ms = performance.now();
    counts.messages += 1;
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return drop("the gateway sent what is no JSON");
    }
    if (message.ts_ns) clock.learn(message.op ? message.ts_ns : 0);
    if (message.ch && !message.op) return onData(message);
    if (message.op === "hello") onHello(message);
    else if (message.op === "resumed") onResumed(message);
    else if (message.op === "lagging") onLagging(message);
    else if (message.op === "error") store.set("socketError", message);
    else if (message.op === "closing") store.set("closing", message);
    return undefined;
  }

  function onHello(hello) {
    heartbeat_s = hello.heartbeat_s ?? heartbeat_s;
    store.set("hello", hello);
    isLive = true;
    failures = 0;
    const wanted = channels.all();
    const canResume = sequence.greet(hello.stream) && sequence.seen.size > 0;
    if (wanted.length && canResume) {
      send({ op: "resume", stream: hello.stream, topics: Object.fromEntries(sequence.seen), channels: wanted });
    } else if (wanted.length) {
      send({ op: "subscribe", channels: wanted, snapshot: true, n: SNAPSHOT_ROWS });
    }
    say("live");
    clearTimeout(timer);
    watch(attempt);
  }

  function onResumed(message) {
    const incomplete = Object.values(message.topics ?? {}).filter((topic) => !topic.is_complete).length;
    store.set("resumed", { incomplete, topics: Object.keys(message.topics ?? {}).length });
  }

  function onData(message) {
    if (sequence.take(message).isNew) channels.dispatch(message);
  }

  function onLagging(message) {
    counts.dropped += message.dropped ?? 0;
    if (message.topic && message.last_seq) sequence.seen.set(message.topic, message.last_seq);
    channels.dispatch({ ...message, t: "lagging", data: [] });
  }

  function watch(mine) {
    if (mine !== attempt) return;
    const silent_ms = performance.now() - heard_ms;
    if (silent_ms > SILENCE * heartbeat_s * 1000) {
      drop(`no message for ${(silent_ms / 1000).toFixed(0)} s`);
      return;
    }
    timer = setTimeout(() => watch(mine), 500);
  }

  function drop(reason) {
    attempt += 1; // whatever the old connection still says is not heard
    socket?.close();
    lost(reason);
  }

  async function onClose(event) {
    const why = store.get("closing")?.detail ?? event.reason;
    store.set("closing", null);
    if (event.code === 1008 || (event.code === 1006 && !isLive)) {
      try {
        await api.get("whoami");
      } catch (error) {
        if (error.status === 401) {
          isLive = false;
          say("unauthorized", "the gateway wants a token");
          return;
        }
      }
    }
    lost(why || (event.code === 1012 ? "the gateway restarts" : "the connection broke"));
  }

  function lost(reason) {
    clearTimeout(timer);
    if (isLive) counts.reconnects += 1;
    isLive = false;
    failures += 1;
    const pause_ms = backoff(failures);
    const state = failures > 4 || !navigator.onLine ? "offline" : "reconnecting";
    say(state, reason, performance.now() + pause_ms);
    isWaiting = true;
    timer = setTimeout(connect, pause_ms);
  }

  /* Wishes of one turn of the event loop go out together: a view that subscribes to five channels is one message. */
  function wish(op, channel) {
    if (!isLive) return;
    if (!batch) {
      batch = { subscribe: [], unsubscribe: [] };
      queueMicrotask(() => {
        const { subscribe, unsubscribe } = batch;
        batch = null;
        if (unsubscribe.length) send({ op: "unsubscribe", channels: unsubscribe });
        if (subscribe.length) send({ op: "subscribe", channels: subscribe, snapshot: true, n: SNAPSHOT_ROWS });
      });
    }
    batch[op].push(channel);
  }

  const retry = () => {
    if (isWaiting) connect();
  };
  addEventListener("online", retry);
  document.addEventListener("visibilitychange", () => !document.hidden && retry());

  return {
    subscribe(channel, handler) {
      channels.add(channel, handler);
      wish("subscribe", channel); // also where others have it: the snapshot is for the newcomer
      return () => {
        if (channels.remove(channel, handler)) wish("unsubscribe", channel);
      };
    },
    connect,
    retry,
    silence_s: () => (performance.now() - heard_ms) / 1000,
    counts: () => ({ ...counts, missed: sequence.missed, doubles: sequence.doubles }),
  };
}

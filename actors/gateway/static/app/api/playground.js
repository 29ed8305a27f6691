/**
 * The WebSocket by hand: subscribe, look at what comes, pause.
 */

import { h, setAttribute, setText } from "../core/dom.js";
import { copyText, selectField, textField } from "../sections/fields.js";
import { messageList } from "./message_list.js";
import { createOwnSocket } from "./own_socket.js";
import { currentSymbol } from "./symbols.js";
import { CHANNELS, channelOf, faultOf } from "./wish.js";

const STATES = { connecting: "warn", open: "ok", closed: "idle" };
const TICK_MS = 500;

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { frame, store, url } = context;
  const set = (key) => (value) => url.set({ query: { [key]: value || null } }, { replace: true });
  const fields = {
    channel: selectField("Channel", CHANNELS.map(({ name }) => [name, name]), "ws-channel", set("ws")),
    symbols: textField("Symbols", { placeholder: "BTC_USDT,ETH_USDT or *", "data-testid": "ws-symbols" }, set("ws_symbols")),
    timeframes: textField("Timeframes", { placeholder: "1m,5m", size: "7" }, set("ws_tf")),
    venue: textField("Venue", { placeholder: "all", size: "8" }, set("ws_venue")),
    depth: textField("Depth", { placeholder: "20", size: "4", inputmode: "numeric" }, set("ws_depth")),
    conflate: textField("Conflate, ms", { placeholder: "as it comes", size: "9", inputmode: "numeric" }, set("ws_ms")),
    n: textField("Snapshot rows", { placeholder: "10", size: "4", inputmode: "numeric" }, set("ws_n")),
  };
  const badge = h("span", { class: "badge idle", role: "status", "data-testid": "ws-state" }, "not connected");
  const why = h("span", { class: "muted ws-why", "data-testid": "ws-why" });
  const counts = h("span", { class: "muted ws-counts", "data-testid": "ws-counts" });
  const button = (label, id, run, kind = "") => h("button", { class: `button ${kind}`, type: "button", "data-testid": `ws-${id}`, on: { click: run } }, label);
  const go = button("Subscribe", "subscribe", () => subscribe(), "primary");
  const leave = button("Disconnect", "disconnect", () => socket.close());
  const pause = button("Pause", "pause", () => list.pause(!list.counts().isPaused));
  const request = h("code", { "data-testid": "ws-request" });
  const list = messageList(context, () => frame.request(panel.element, draw));
  let wish = null;

  const socket = createOwnSocket(context, {
    onState(state, reason = "") {
      setText(badge, state === "closed" ? "not connected" : state);
      setAttribute(badge, "class", `badge ${STATES[state]}`);
      setText(why, reason);
      leave.disabled = state === "closed";
      if (state === "open" && wish) send(wish);
    },
    onText: (text) => list.add(text, false),
  });

  const send = (message) => {
    const sent = socket.send(message);
    if (sent) list.add(JSON.stringify(sent), true);
  };

  /* One wish at a time: the one before ends first, so that what comes is what was asked for. */
  function subscribe() {
    const next = asked();
    if (next.fault) {
      setText(why, next.fault);
      return;
    }
    setText(why, "");
    if (socket.isOpen() && wish) send({ op: "unsubscribe", channels: wish.channels });
    wish = next.message;
    list.pause(false);
    if (socket.isOpen()) send(wish);
    else socket.open();
  }

  function asked() {
    const { query } = url.get();
    const values = {
      channel: query.ws ?? "trades", symbols: query.ws_symbols ?? currentSymbol(context).symbol, timeframes: query.ws_tf ?? "",
      venue: query.ws_venue ?? "", depth: query.ws_depth ?? "", conflate: query.ws_ms ?? "", n: query.ws_n ?? "",
    };
    const fault = faultOf(values);
    return { values, fault, message: { op: "subscribe", channels: [channelOf(values)], snapshot: true, n: Number(values.n || 10) } };
  }

  function draw() {
    const { total, waiting, isPaused, per_s: rate } = list.counts();
    setText(counts, `${total.toLocaleString("en-US")} messages, ${rate.toFixed(rate < 10 ? 1 : 0)}/s${isPaused ? `, paused: ${waiting} not shown` : ""}`);
    setText(pause, isPaused ? "Go on" : "Pause");
    pause.setAttribute("aria-pressed", String(isPaused));
  }

  panel.body.append(
    h("form", { class: "filters ws-form", on: { submit: (event) => { event.preventDefault(); subscribe(); } } }, Object.values(fields).map(({ element }) => element)),
    h("div", { class: "ws-request" }, request, button("Copy", "copy", () => copyText(request.textContent, context, "Message"), "quiet")),
    h("div", { class: "filters" }, go, leave, pause, button("Clear", "clear", () => list.clear()), badge, why, counts),
    list.element,
  );
  leave.disabled = true;
  panel.note("a connection of its own");

  function show() {
    const { values, message } = asked();
    const channel = CHANNELS.find(({ name }) => name === values.channel) ?? CHANNELS[0];
    for (const [name, field] of Object.entries(fields)) field.show(values[name]);
    fields.timeframes.element.hidden = !channel.hasTimeframe;
    fields.depth.element.hidden = channel.name !== "book";
    fields.conflate.element.hidden = !channel.isConflatable;
    fields.symbols.element.hidden = fields.venue.element.hidden = channel.name === "actors";
    setText(request, JSON.stringify(message));
  }

  const timer = setInterval(() => frame.request(panel.element, draw), TICK_MS);
  const end = store.on("instruments", show);
  return {
    update: show,
    unmount() {
      end();
      clearInterval(timer);
      socket.close();
      list.close();
      for (const field of Object.values(fields)) field.close?.();
      frame.cancel(panel.element);
    },
  };
}

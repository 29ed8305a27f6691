/**
 * The chart panel: title with the instrument's state, tools, candles and panes.
 */

import { emptyState, h, setAttribute, setText } from "../core/dom.js";
import { STATES } from "../trade/market.js";
import { chartStateOf, createChooser } from "./chooser.js";
import { dayOf, rangeOfDay } from "./day.js";
import { createLegend } from "./legend.js";
import { marksOf } from "./markers.js";
import { createModel } from "./model.js";
import { createScene } from "./scene.js";
import { studiesOf } from "./studies.js";

const LIBRARY = "../../vendor/lightweight-charts@5.2.1/lightweight-charts.standalone.production.mjs";
const TRADINGVIEW = "https://www.tradingview.com/";
const TITLE_MS = 250;
const DRAW_MS = 100;
const PAST_OLDER_AT = -5; // of a day, what was before is asked for when somebody looks at it

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context & {market: any}} context
 */
export function mount(root, context) {
  const { format, frame, market, store, theme, url } = context;
  const title = h("h2", { class: "chart-symbol", "data-testid": "chart-symbol" });
  const venue = h("span", { class: "panel-note", "data-testid": "chart-venue" });
  const last = h("span", { class: "chart-last", "data-testid": "chart-last" });
  const badge = h("span", { class: "badge idle", "data-testid": "chart-state" });
  const canvas = h("div", { class: "chart-canvas", role: "img", "data-testid": "chart" });
  const over = h("div", { class: "chart-over" });
  const nothing = h("div", { class: "chart-nothing", hidden: true });
  const foot = h("a", { class: "chart-by", href: TRADINGVIEW, target: "_blank", rel: "noopener noreferrer", "aria-label": "Charts by TradingView", title: "Charts by TradingView Lightweight Charts™, Copyright (c) 2026 TradingView, Inc." }, "TradingView");
  const toLive = () => url.set({ query: { day: null } });
  const past = h("button", { class: "button chart-day", type: "button", hidden: true, title: "Only this UTC day is shown, nothing is live: back to live (End)", "data-testid": "chart-day", on: { click: toLive } });
  const chooser = createChooser(context, { onNow: () => (chosen?.day ? toLive() : scene?.chart.timeScale().scrollToRealTime()) });
  root.append(
    h("div", { class: "panel-head chart-head" }, title, venue, last, badge, past, chooser.element),
    h("div", { class: "panel-body chart-body" }, canvas, over, nothing, foot),
  );
  const legend = createLegend(over, context);

  let lib = null;
  let scene = null;
  let model = null;
  let sceneKey = "";
  let modelKey = "";
  let chosen = null;
  let known = [];
  let dirtyFrom = Infinity;
  let marksKey = "";
  let cross = { time: null, point: null };
  let isFitted = false;
  let isMoved = false; // by hand: from then on the day is not put in sight any more

  import(LIBRARY).then((module) => {
    lib = module;
    rebuild();
  }, (fault) => say("The chart library cannot be loaded", fault.message, "tapehub doctor"));

  function say(text, detail, command) {
    nothing.hidden = !text;
    if (text) nothing.replaceChildren(emptyState(text, detail, command));
  }

  function onChange(from) {
    dirtyFrom = Math.min(dirtyFrom, from);
    frame.request(root, draw, DRAW_MS);
  }

  function setModel() {
    const key = `${chosen.symbol}|${chosen.timeframe}|${chosen.venue}|${chosen.day?.text ?? ""}`;
    if (key === modelKey) return;
    modelKey = key;
    if (model?.day && !chosen.day) scene?.chart.timeScale().resetTimeScale();
    isFitted = isMoved = false;
    model?.close();
    model = null;
    known = [];
    say("");
    scene?.show(null);
    scene?.draw(0);
    if (!chosen.symbol) return;
    model = createModel(context, chosen, {
      onChange,
      onFault: (fault) => onFault(fault),
    });
    scene?.show(model);
    model.want(needs());
    scene?.chart.timeScale().applyOptions({ secondsVisible: format.timeframeSeconds(chosen.timeframe) < 60 });
  }

  function onFault(fault) {
    if (fault.code === "no_data" && chosen.day) {
      sayEmptyDay("Nothing older is stored either.");
      return; // what is past does not come by itself
    }
    if (fault.code === "no_data") say(`No ${chosen.timeframe} candles yet`, fault.message, `tapehub why ${chosen.symbol}`);
    else if (fault.code === "unknown_symbol") say(`${chosen.symbol} is not known here`, fault.message, "tapehub symbols");
    else say("Candles cannot be had", fault.message, fault.status === 0 ? "tapehub status" : `tapehub why ${chosen.symbol}`);
    const mine = modelKey;
    setTimeout(() => {
      if (mine !== modelKey) return;
      modelKey = "";
      setModel();
    }, 5000);
  }

  function sayEmptyDay(detail) {
    const { symbol, timeframe, day } = chosen;
    say(`No ${timeframe} candles of ${symbol} on ${day.text}`, `${detail} What was missed: tapehub gaps list --symbol ${symbol}`.trim(), `tapehub backfill rest ${symbol} --from ${day.text} --to ${day.next}`);
  }

  function needs() {
    const state = chartStateOf(chosen.query);
    return { flow: state.panes.includes("ofi"), features: true };
  }

  function rebuild() {
    if (!lib || !chosen) return;
    const state = chartStateOf(chosen.query);
    const studies = known.filter(({ id }) => state.studies.includes(id));
    const key = JSON.stringify([state.panes, studies.map(({ id, names }) => [id, names]), state.isLog, theme.name()]);
    chooser.show(state, known);
    if (key === sceneKey) return;
    sceneKey = key;
    const range = scene?.chart.timeScale().getVisibleLogicalRange();
    scene?.remove();
    const seconds = format.timeframeSeconds(chosen.timeframe) < 60;
    scene = createScene(canvas, lib, context, { ...state, studies, seconds }, {
      onCrosshair(time, point) {
        cross = { time, point };
        frame.request(legend, drawLegend);
      },
      onOlder: (from) => (!model?.day || (isMoved && from < PAST_OLDER_AT)) && model?.loadOlder(),
    });
    scene.show(model);
    legend.setLayers(scene.layers);
    marksKey = "";
    dirtyFrom = 0;
    draw();
    if (range && model?.bars.rows.length) scene.chart.timeScale().setVisibleLogicalRange(range);
    fitDay();
    placeSoon();
  }

  const placeSoon = () => requestAnimationFrame(() => requestAnimationFrame(() => scene && legend.place(scene.places())));

  function draw() {
    if (!scene || !model) return;
    const { rows } = model.bars;
    if (model.isLoaded) {
      if (model.firstOfDay() < rows.length) say("");
      else if (chosen.day) sayEmptyDay(rows.length ? `The one before is of ${format.dateTime(rows.at(-1).ts_open_ns).slice(0, 16)} UTC.` : "");
      else say(`No ${chosen.timeframe} candles yet`, "", `tapehub why ${chosen.symbol}`);
    }
    if (dirtyFrom === 0) {
      scene.setTick(store.get("instruments")?.get(chosen.symbol)?.tick_size ?? 0, rows.at(-1)?.close ?? 0);
      learnStudies();
    }
    if (dirtyFrom < rows.length || dirtyFrom === 0) scene.draw(dirtyFrom);
    dirtyFrom = Infinity;
    if (!isFitted) fitDay();
    const bands = model.bands();
    scene.setBands(bands);
    setAttribute(canvas, "data-bars", String(rows.length));
    setAttribute(canvas, "data-gaps", String(bands.length));
    drawMarks();
    drawLegend();
  }

  /* Again after the chart was made anew or got another size: the library forgets a range that it has not drawn yet. */
  function fitDay() {
    if (!scene || !model?.day || !model.isLoaded || !model.bars.rows.length || isMoved) return;
    isFitted = true;
    scene.chart.timeScale().setVisibleLogicalRange(rangeOfDay(model.firstOfDay(), model.bars.rows.length));
  }

  function learnStudies() {
    const found = studiesOf(model.names());
    if (!found.length || JSON.stringify(found) === JSON.stringify(known)) return;
    known = found;
    queueMicrotask(rebuild);
  }

  function drawMarks() {
    const events = store.get("events") ?? {};
    const { rows } = model.bars;
    const key = `${modelKey}|${events.version}|${rows.length}|${rows.at(-2)?.revision}`;
    if (key === marksKey || !rows.length) return;
    marksKey = key;
    scene.setMarkers(marksOf(model.bars, chosen.symbol, events, scene.colors, model.day?.to_ns));
  }

  function drawLegend() {
    const rows = model?.bars.rows ?? [];
    const at = cross.time === null ? rows.length - 1 : model?.bars.indexOf(cross.time) ?? -1;
    const decimals = format.decimalsOf(store.get("instruments")?.get(chosen.symbol)?.tick_size ?? 0, rows.at(-1)?.close);
    legend.show(model, at, decimals);
    legend.tipAt(cross.time === null ? null : rows[at], cross.point, decimals);
  }

  function drawTitle() {
    const quote = chosen?.symbol ? market.quoteOf(chosen.symbol, model?.venue() || chosen.venue) : undefined;
    const bar = model && model.firstOfDay() < model.bars.rows.length ? model.bars.rows.at(-1) : undefined;
    const decimals = format.decimalsOf(store.get("instruments")?.get(chosen?.symbol)?.tick_size ?? 0, bar?.close ?? quote?.mid);
    setText(title, chosen?.symbol || "No instrument");
    setText(venue, model?.venue() || chosen?.venue || "");
    setText(past, chosen?.day ? `day ${chosen.day.text} · back to live` : "");
    past.hidden = !chosen?.day;
    setText(last, bar ? format.price(bar.close, decimals) : quote && !chosen.day ? format.price(quote.mid, decimals) : "");
    const state = STATES[quote?.state ?? "none"] ?? STATES.none;
    const isLive = !chosen?.day && quote?.state === "fresh";
    badge.hidden = Boolean(chosen?.day); // the state of the feed is not that of the past
    setText(badge, chosen?.day ? "past" : quote && !isLive ? `${state.word} · ${format.age(market.age_s(quote))}` : state.word);
    setAttribute(badge, "class", `badge ${state.kind}`);
    const side = bar ? (bar.close >= bar.open ? "up" : "down") : "";
    setAttribute(last, "class", `chart-last ${isLive ? side : "muted"}`);
    setAttribute(canvas, "aria-label", `${chosen?.symbol ?? ""} ${chosen?.timeframe ?? ""} candles${chosen?.day ? ` of ${chosen.day.text}` : ""}, last ${last.textContent}, ${badge.textContent}`);
  }

  const timer = setInterval(() => frame.request(title, drawTitle), TITLE_MS);
  const sized = new ResizeObserver(() => {
    placeSoon();
    requestAnimationFrame(fitDay); // behind the library's own
  });
  sized.observe(canvas);
  canvas.addEventListener("pointerup", placeSoon);
  for (const event of ["pointerdown", "wheel"]) {
    canvas.addEventListener(event, () => { isMoved = true; }, { passive: true, capture: true });
  }
  const ends = [theme.on(rebuild), store.on("events", () => frame.request(root, draw)), store.on("instruments", () => { dirtyFrom = 0; })];

  return {
    update(next) {
      chosen = { ...next, day: dayOf(next.query) };
      setModel();
      model?.want(needs());
      rebuild();
      frame.request(title, drawTitle);
    },
    unmount() {
      for (const end of ends) end();
      clearInterval(timer);
      sized.disconnect();
      frame.cancel(root);
      frame.cancel(title);
      frame.cancel(legend);
      chooser.close();
      model?.close();
      scene?.remove();
    },
  };
}

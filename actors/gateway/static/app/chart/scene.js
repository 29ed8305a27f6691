/**
 * The chart of the library with its panes: made anew when panes, indicators, theme or scale change, else only fed.
 */

import { gapBands } from "./gaps.js";
import { cvdLayer, ofiLayer, studyLayer, volumeLayer } from "./layers.js";
import { candleOf, optionsOf, palette } from "./style.js";

export const PANES = [
  { id: "volume", label: "Volume", make: volumeLayer },
  { id: "cvd", label: "CVD", make: cvdLayer },
  { id: "ofi", label: "OFI", make: ofiLayer },
];
const CANDLES_SHARE = 3.4;
const OLDER_AT = 40;
const HISTORY = 4; // more rows than this are cheaper drawn anew

/**
 * @param {HTMLElement} box
 * @param {any} lib
 * @param {import("../main.js").Context} context
 * @param {{panes: string[], studies: import("./studies.js").Study[], isLog: boolean, seconds: boolean}} wanted
 * @param {{onCrosshair: (time: number|null, point: {x: number, y: number}|null) => void, onOlder: (from: number) => void}} tell
 */
export function createScene(box, lib, { theme, format }, wanted, { onCrosshair, onOlder }) {
  const colors = palette(theme);
  const font = getComputedStyle(document.body).fontFamily;
  const chart = lib.createChart(box, optionsOf(lib, colors, { ...wanted, font }));
  let decimals = 2;
  let model = null;
  let bands = [];
  let drawn = 0;
  const candles = chart.addSeries(lib.CandlestickSeries, {
    priceLineColor: colors.muted, priceLineStyle: 2, upColor: colors.up, downColor: colors.down, borderVisible: true,
  }, 0);
  const markers = lib.createSeriesMarkers(candles, []);
  const tools = { lib, chart, colors, format, decimals: () => decimals };
  const layers = makeLayers(tools, wanted);

  chart.panes().forEach((pane, at) => {
    pane.setStretchFactor(at === 0 ? CANDLES_SHARE : 1);
  });
  const shades = chart.panes().map((pane) => {
    const shade = gapBands(() => ({ bands, bars: model?.bars ?? null }), colors);
    pane.attachPrimitive(shade);
    return shade;
  });

  chart.subscribeCrosshairMove(({ time, point }) => onCrosshair(point && time !== undefined ? time : null, point ?? null));
  chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
    if (range && range.from < OLDER_AT && model?.bars.rows.length) onOlder(range.from);
  });

  return {
    chart,
    candles,
    layers,
    colors,
    /** @param {number} tick */
    setTick(tick, price) {
      decimals = format.decimalsOf(tick, price);
      const minMove = tick > 0 ? tick : 10 ** -decimals;
      candles.applyOptions({ priceFormat: { type: "custom", formatter: (value) => format.price(value, decimals), minMove } });
    },
    /** @param {any} next The model to be shown from here on, or null. */
    show(next) {
      model = next;
      bands = [];
    },
    /** Draws rows from an index on. @param {number} from 0: everything. */
    draw(from) {
      const { rows } = model?.bars ?? { rows: [] };
      if (from === 0 || from < drawn - HISTORY) {
        drawn = rows.length;
        candles.setData(rows.map((row) => candleOf(row, colors)));
        for (const layer of layers) if (model) layer.set(model);
        return;
      }
      /* The library takes the newest row and later ones; an earlier one must be said to be of the past. */
      for (let at = from; at < rows.length; at += 1) candles.update(candleOf(rows[at], colors), at < drawn - 1);
      for (const layer of layers) layer.tail(model, from, drawn);
      drawn = rows.length;
    },
    /** @param {{from: number, to: number, state: string}[]} next */
    setBands(next) {
      bands = next;
      for (const shade of shades) shade.redraw();
    },
    setMarkers: (list) => markers.setMarkers(list),
    /** Top and height of each pane within the box, px. */
    places() {
      const top = box.getBoundingClientRect().top;
      return chart.panes().map((pane) => {
        const place = pane.getHTMLElement()?.getBoundingClientRect();
        return { top: (place?.top ?? top) - top, height: place?.height ?? 0 };
      });
    },
    remove: () => chart.remove(),
  };
}

function makeLayers(tools, { panes, studies }) {
  const overlays = studies.filter(({ place }) => place === "overlay");
  const lower = studies.filter(({ place }) => place === "pane");
  const ofVolume = studies.filter(({ place }) => place === "volume");
  const layers = overlays.map((study, order) => studyLayer({ ...tools, pane: 0 }, study, order));
  let pane = 0;
  for (const { id, make } of PANES) {
    if (panes.includes(id)) layers.push(make({ ...tools, pane: ++pane, studies: id === "volume" ? ofVolume : [] }));
  }
  for (const study of lower) layers.push(studyLayer({ ...tools, pane: ++pane }, study, 1));
  return layers;
}

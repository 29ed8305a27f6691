/**
 * What is drawn besides the candles: each layer is a few series of the library that follow the model.
 *
 * A layer is `{pane, label, set(model), tail(model, from, drawn), values(index)}`: `set` fills all, `tail` only rows from
 * an index on (`drawn`: how many are drawn already), `values` gives the numbers of a row for the label of its pane.
 */

import { deltaOf } from "./bars.js";

const QUIET = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerVisible: false };

/**
 * A layer of series, each with a function from row to point.
 * @param {{series: any, point: (model: any, at: number) => any}[]} parts
 * @param {{pane: number, label: string, values: (model: any, at: number) => {text: string, color?: string}[]}} rest
 */
function layerOf(parts, rest) {
  return {
    ...rest,
    series: parts.map(({ series }) => series),
    set(model) {
      for (const { series, point } of parts) series.setData(model.bars.rows.map((row, at) => point(model, at)));
    },
    tail(model, from, drawn) {
      for (let at = from; at < model.bars.rows.length; at += 1) {
        for (const { series, point } of parts) series.update(point(model, at), at < drawn - 1);
      }
    },
  };
}

/** Volume, bought below and sold above; what nobody says of is grey. */
export function volumeLayer({ lib, chart, pane, colors, format, studies }) {
  const bars = (color) => chart.addSeries(lib.HistogramSeries, { ...QUIET, color, priceFormat: { type: "volume" }, base: 0 }, pane);
  const parts = [
    { series: bars(colors.strong), point: ({ bars: { rows } }, at) => ({ time: rows[at].time, value: rows[at].volume }) },
    { series: bars(colors.downDim), point: ({ bars: { rows } }, at) => ({ time: rows[at].time, value: rows[at].buy_volume + rows[at].sell_volume }) },
    { series: bars(colors.upDim), point: ({ bars: { rows } }, at) => ({ time: rows[at].time, value: rows[at].buy_volume }) },
  ];
  const names = studies.flatMap((study) => study.names);
  for (const name of names) parts.push(featureLine({ lib, chart, pane, name, color: colors.lines[0] }));
  return layerOf(parts, {
    pane,
    label: "Volume",
    values({ bars: { rows } }, at) {
      const { volume, buy_volume: buy, sell_volume: sell } = rows[at];
      return [
        { text: format.size(volume) },
        { text: `B ${format.size(buy)}`, color: "up" },
        { text: `S ${format.size(sell)}`, color: "down" },
      ];
    },
  });
}

/** Cumulated delta as a line, the delta of each candle as columns on a scale of their own. */
export function cvdLayer({ lib, chart, pane, colors, format }) {
  const delta = chart.addSeries(lib.HistogramSeries, { ...QUIET, priceFormat: { type: "volume" }, priceScaleId: "delta" }, pane);
  const line = chart.addSeries(lib.LineSeries, { ...QUIET, color: colors.accent, lineWidth: 1.5, priceFormat: { type: "volume" } }, pane);
  delta.priceScale().applyOptions({ scaleMargins: { top: 0.15, bottom: 0.05 } });
  const parts = [
    {
      series: delta,
      point({ bars: { rows } }, at) {
        const value = deltaOf(rows[at]);
        return { time: rows[at].time, value, color: value >= 0 ? colors.upDim : colors.downDim };
      },
    },
    { series: line, point: ({ bars: { rows, cvd } }, at) => ({ time: rows[at].time, value: cvd[at] }) },
  ];
  return layerOf(parts, {
    pane,
    label: "CVD",
    values({ bars: { rows, cvd } }, at) {
      const value = deltaOf(rows[at]);
      return [{ text: format.signed(cvd[at]) }, { text: `Δ ${format.signed(value)}`, color: value >= 0 ? "up" : "down" }];
    },
  });
}

/** Order-flow imbalance of each candle. */
export function ofiLayer({ lib, chart, pane, colors, format }) {
  const series = chart.addSeries(lib.HistogramSeries, { ...QUIET, priceFormat: { type: "volume" } }, pane);
  const point = (model, at) => {
    const { time } = model.bars.rows[at];
    const value = model.ofiOf(at);
    return value === undefined ? { time } : { time, value, color: value >= 0 ? colors.upDim : colors.downDim };
  };
  return layerOf([{ series, point }], {
    pane,
    label: "OFI",
    values(model, at) {
      const value = model.ofiOf(at);
      return [{ text: format.signed(value), color: value >= 0 ? "up" : "down" }];
    },
  });
}

function featureLine({ lib, chart, pane, name, color, width = 1.5, style = 0 }) {
  const series = chart.addSeries(lib.LineSeries, { ...QUIET, color, lineWidth: width, lineStyle: style }, pane);
  const point = (model, at) => {
    const { time } = model.bars.rows[at];
    const value = model.features.get(time)?.[name];
    return typeof value === "number" ? { time, value } : { time };
  };
  return { series, point };
}

/**
 * One indicator: lines over the candles, or lines and columns in a pane of its own.
 * @param {any} tools
 * @param {import("./studies.js").Study} study
 * @param {number} order For its colour.
 */
export function studyLayer({ lib, chart, pane, colors, format, decimals }, study, order) {
  const color = colors.lines[order % colors.lines.length];
  const parts = study.names.map((name, at) => {
    if (/hist/.test(name)) return histogram({ lib, chart, pane, name, colors });
    const isBand = /_(upper|lower)_/.test(name);
    const second = /signal|middle/.test(name);
    const shade = second ? colors.lines[(order + 1) % colors.lines.length] : color;
    return featureLine({ lib, chart, pane, name, color: isBand ? `${color}cc` : shade, width: isBand || at ? 1 : 1.5, style: second ? 2 : 0 });
  });
  if (study.place === "pane" && parts.length) {
    for (const price of study.levels) {
      parts[0].series.createPriceLine({ price, color: colors.strong, lineWidth: 1, lineStyle: 2, axisLabelVisible: false, title: "" });
    }
  }
  return layerOf(parts, {
    pane,
    label: study.label,
    study,
    color,
    values(model, at) {
      const values = model.features.get(model.bars.rows[at].time) ?? {};
      const write = (value) => (study.place === "overlay" ? format.price(value, decimals()) : format.isNumber(value) ? value.toFixed(2) : format.NONE);
      return study.names.map((name) => ({ text: write(values[name]) }));
    },
  });
}

function histogram({ lib, chart, pane, name, colors }) {
  const series = chart.addSeries(lib.HistogramSeries, { ...QUIET }, pane);
  const point = (model, at) => {
    const { time } = model.bars.rows[at];
    const value = model.features.get(time)?.[name];
    return typeof value === "number" ? { time, value, color: value >= 0 ? colors.upDim : colors.downDim } : { time };
  };
  return { series, point };
}

/**
 * Hatched bands over time that nobody saw, under the candles of every pane.
 */

const HATCH_PX = 6;
const LEAST_PX = 3;

/**
 * A primitive of the charting library.
 * @param {() => {bands: {from: number, to: number, state: string}[], bars: import("./bars.js").Bars|null}} source
 * @param {{gap: string, gapSoft: string, muted: string}} colors
 */
export function gapBands(source, colors) {
  let chart = null;
  let requestUpdate = () => {};

  const draw = (target) => target.useBitmapCoordinateSpace(({ context: pen, bitmapSize, horizontalPixelRatio: ratio }) => {
    const { bands, bars } = source();
    if (!bars?.rows.length) return;
    const scale = chart.timeScale();
    for (const { from, to, state } of bands) {
      const x = Math.round(coordinateOf(scale, bars.positionOf(from)) * ratio);
      const width = Math.max(LEAST_PX * ratio, Math.round(coordinateOf(scale, bars.positionOf(to)) * ratio) - x);
      if (x > bitmapSize.width || x + width < 0) continue;
      hatch(pen, x, width, bitmapSize.height, ratio, state === "filled" ? colors.muted : colors.gap, colors.gapSoft);
    }
  });

  const view = { zOrder: () => "bottom", renderer: () => ({ draw }) };
  return {
    attached(parameters) {
      ({ chart, requestUpdate } = parameters);
    },
    detached() {
      requestUpdate = () => {};
    },
    updateAllViews() {},
    paneViews: () => [view],
    redraw: () => requestUpdate(),
  };
}

/* The library knows whole rows only. */
function coordinateOf(scale, position) {
  const first = scale.logicalToCoordinate(0) ?? 0;
  const spacing = (scale.logicalToCoordinate(1) ?? first + 1) - first;
  return first + position * spacing;
}

function hatch(pen, x, width, height, ratio, line, fill) {
  pen.save();
  pen.beginPath();
  pen.rect(x, 0, width, height);
  pen.clip();
  pen.fillStyle = fill;
  pen.fillRect(x, 0, width, height);
  pen.strokeStyle = line;
  pen.globalAlpha = 0.28;
  pen.lineWidth = ratio;
  pen.beginPath();
  for (let at = x - height; at < x + width; at += HATCH_PX * ratio) {
    pen.moveTo(at, height);
    pen.lineTo(at + height, 0);
  }
  pen.stroke();
  pen.restore();
}

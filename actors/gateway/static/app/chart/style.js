/**
 * How a candle's status looks, and the options of the chart in the colours of the theme.
 *
 * closed: filled. open: hollow. quiet: a grey dash. stale: faint. gap: hollow and in the colour of gaps, over the
 * hatched band.
 */

const FAINT = "66";
const NOTHING = "rgba(0,0,0,0)";

/** @param {import("../core/theme.js").Theme} theme */
export function palette(theme) {
  const color = (name) => theme.color(`--${name}`);
  return {
    up: color("up-fill"), down: color("down-fill"), upDim: color("up-dim"), downDim: color("down-dim"), gap: color("gap"), muted: color("text-3"), text: color("text-2"),
    line: color("line"), strong: color("line-strong"), surface: color("surface"), raised: color("surface-3"),
    warn: color("warn"), bad: color("bad"), accent: color("accent"), gapSoft: color("gap-soft"),
    lines: [1, 2, 3, 4, 5, 6].map((number) => color(`line-${number}`)),
  };
}

/**
 * A candle as the library draws it. Pure.
 * @param {import("./bars.js").Bar} bar
 * @param {ReturnType<typeof palette>} colors
 */
export function candleOf(bar, colors) {
  const { time, open, high, low, close, status } = bar;
  const side = close >= open ? colors.up : colors.down;
  const point = { time, open, high, low, close };
  switch (status) {
    case "open":
      return { ...point, color: colors.surface, borderColor: side, wickColor: side };
    case "quiet":
      return { ...point, color: colors.muted, borderColor: colors.muted, wickColor: colors.muted };
    case "gap":
      return { ...point, color: NOTHING, borderColor: colors.gap, wickColor: colors.gap };
    case "stale":
      return { ...point, color: NOTHING, borderColor: side + FAINT, wickColor: side + FAINT };
    default:
      return { ...point, color: side, borderColor: side, wickColor: side };
  }
}

/**
 * @param {any} lib The charting library.
 * @param {ReturnType<typeof palette>} colors
 * @param {{font: string, isLog: boolean, seconds: boolean}} how
 */
export function optionsOf(lib, colors, { font, isLog, seconds }) {
  return {
    autoSize: true,
    layout: {
      background: { color: colors.surface },
      textColor: colors.text,
      fontFamily: font,
      fontSize: 11,
      /* The library's own logo brings a style element, which our content security policy refuses: the link that the
         licence wants stands in the chart's foot instead. */
      attributionLogo: false,
      panes: { separatorColor: colors.line, separatorHoverColor: colors.raised, enableResize: true },
    },
    grid: { vertLines: { color: colors.line }, horzLines: { color: colors.line } },
    crosshair: {
      mode: lib.CrosshairMode.Normal,
      vertLine: { color: colors.muted, width: 1, style: 2, labelBackgroundColor: colors.raised },
      horzLine: { color: colors.muted, width: 1, style: 2, labelBackgroundColor: colors.raised },
    },
    rightPriceScale: {
      borderColor: colors.line,
      mode: isLog ? lib.PriceScaleMode.Logarithmic : lib.PriceScaleMode.Normal,
      scaleMargins: { top: 0.1, bottom: 0.06 },
      minimumWidth: 68,
    },
    timeScale: {
      borderColor: colors.line, timeVisible: true, secondsVisible: seconds, rightOffset: 4, barSpacing: 7,
      minBarSpacing: 0.2, // a day of minutes fits a phone
    },
    localization: { locale: "en-GB", dateFormat: "yyyy-MM-dd" },
    kineticScroll: { mouse: false, touch: true },
  };
}

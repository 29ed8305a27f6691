/**
 * The way of the data as a drawing: venues, collectors, workers, hub and store, gateway; dead ways are marked.
 */

import { emptyState, h, replace, setAttribute } from "../core/dom.js";
import { actorLog } from "./actor_log.js";
import { graphOf, place } from "./map.js";
import { s } from "./marks.js";
import { kindOf } from "./state_log.js";

const RATES_MS = 3000;
const MOST_ASKED = 12;
const UPRIGHT_BELOW = 620;
const DRAW_MS = 1000;

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, frame, poll, store } = context;
  const actors = actorLog(context);
  const rates = new Map();
  const svg = s("svg", { class: "topology", role: "img", "data-testid": "topology" });
  const holder = h("div", { class: "scroll topology-place", tabindex: "0", role: "group", "aria-label": "Way of the data" }, svg);
  panel.body.append(holder);
  panel.note("frames a second; hub and store hear the collectors, too");
  let shown = "";

  function draw() {
    const rows = actors.rows();
    if (!rows.length) {
      if (shown !== "empty") replace(holder, emptyState("No actors yet", "", "tapehub status"));
      shown = "empty";
      return;
    }
    if (shown === "empty") replace(holder, svg);
    const graph = graphOf(rows, store.get("venues") ?? [], rates, kindOf);
    const room = holder.clientWidth - 24;
    const key = JSON.stringify([room, graph.nodes, graph.edges.map(({ rate, isDead }) => [rate, isDead])]);
    if (key === shown || room < 50) return;
    shown = key;
    const isUpright = room < UPRIGHT_BELOW;
    const size = place(graph.nodes, room, isUpright);
    setAttribute(svg, "viewBox", `0 0 ${size.width} ${size.height}`);
    setAttribute(svg, "width", String(size.width));
    setAttribute(svg, "height", String(size.height));
    setAttribute(svg, "aria-label", inWords(graph));
    svg.replaceChildren(
      ...graph.edges.flatMap((edge) => edgeOf(edge, size, isUpright)),
      ...graph.nodes.map((node) => nodeOf(node, size)),
      ...labelsOf(graph, size, isUpright),
    );
  }

  const soon = () => frame.request(panel.element, draw);
  const ends = [actors.on((changes) => changes.length && soon()), store.on("venues", soon)];
  const timer = setInterval(soon, DRAW_MS);
  const sized = new ResizeObserver(soon);
  sized.observe(holder);
  ends.push(poll(async () => {
    const names = actors.rows().filter((row) => row.kind === "collector" && row.is_alive).slice(0, MOST_ASKED);
    await Promise.all(names.map(async ({ name }) => {
      const { data } = await api.get(`actors/${encodeURIComponent(name)}`);
      const rate = data.status?.rates?.frames_per_s;
      if (typeof rate === "number") rates.set(name, rate);
    }));
  }, RATES_MS));
  soon();
  return {
    update: soon,
    unmount() {
      for (const end of ends) end();
      clearInterval(timer);
      sized.disconnect();
      frame.cancel(panel.element);
    },
  };
}

function edgeOf({ from, to, isDead, rate }, { node }, isUpright) {
  const [x1, y1] = isUpright ? [from.x, from.y + node.height / 2] : [from.x + node.width / 2, from.y];
  const [x2, y2] = isUpright ? [to.x, to.y - node.height / 2] : [to.x - node.width / 2, to.y];
  const [xm, ym] = [(x1 + x2) / 2, (y1 + y2) / 2];
  const d = isUpright ? `M${x1} ${y1}C${x1} ${ym} ${x2} ${ym} ${x2} ${y2}` : `M${x1} ${y1}C${xm} ${y1} ${xm} ${y2} ${x2} ${y2}`;
  const width = isDead ? 1.4 : 1 + Math.min(3, Math.log10(1 + (rate ?? 0)));
  const path = s("path", { class: `edge ${isDead ? "dead" : ""}`, d, "stroke-width": width.toFixed(1) });
  if (!isDead) return [path];
  return [path, s("path", { class: "edge-cross", d: `M${xm - 4} ${ym - 4}l8 8m0-8l-8 8` })];
}

function nodeOf(node, size) {
  const { width, height } = size.node;
  const left = node.x - width / 2;
  const top = node.y - height / 2;
  const most = Math.max(6, Math.floor((width - 24) / 6));
  const label = node.label.length > most ? `${node.label.slice(0, most - 1)}…` : node.label;
  return s(
    "g",
    { class: `node ${node.mark}`, "data-testid": "topology-node", "data-node": node.id },
    s("title", {}, document.createTextNode(`${node.label}: ${node.state}${node.out === null ? "" : `, ${node.out.toFixed(0)} frames/s`}`)),
    s("rect", { class: "node-box", x: left, y: top, width, height, rx: 4 }),
    markOf(node.mark, left + 12, node.y - 6),
    s("text", { class: "node-label", x: left + 22, y: node.y - 2 }, document.createTextNode(label)),
    s("text", { class: "node-state", x: left + 22, y: node.y + 11 }, document.createTextNode(node.state)),
  );
}

/* A shape for each state, as badges have. */
function markOf(mark, x, y) {
  if (mark === "bad") return s("rect", { class: "node-mark", x: x - 4, y: y - 4, width: 8, height: 8 });
  if (mark === "warn") return s("path", { class: "node-mark", d: `M${x} ${y - 5}l5 5l-5 5l-5-5z` });
  return s("circle", { class: `node-mark ${mark === "idle" ? "hollow" : ""}`, cx: x, cy: y, r: 4 });
}

/* What a node sends, once, where its edges begin: edges of one node all carry the same. */
function labelsOf({ nodes, edges }, { node: { width, height } }, isUpright) {
  return nodes.filter((node) => edges.some(({ from, rate }) => from === node && rate !== null)).map((node) => {
    const isDead = edges.every(({ from, isDead: dead }) => from !== node || dead);
    const text = isDead ? "0/s" : `${(node.out ?? 0).toFixed(node.out > 0 && node.out < 10 ? 1 : 0)}/s`;
    const at = isUpright ? { x: node.x + 6, y: node.y + height / 2 + 12 } : { x: node.x + width / 2 + 4, y: node.y - 6 };
    return s("text", { class: "edge-rate", ...at, "data-testid": "edge-rate" }, document.createTextNode(text));
  });
}

/** The drawing for who cannot see it. */
function inWords({ nodes, edges }) {
  const dead = nodes.filter(({ mark }) => mark === "bad").map(({ label }) => label);
  const ways = nodes.map((node) => {
    const to = edges.filter(({ from }) => from === node).map((edge) => edge.to.label);
    return to.length ? `${node.label} (${node.state}) to ${to.join(", ")}` : `${node.label} (${node.state})`;
  });
  return `${dead.length ? `Down: ${dead.join(", ")}. ` : "All ways are open. "}${ways.join("; ")}`;
}

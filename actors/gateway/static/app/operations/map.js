/**
 * Who feeds whom, from the actors' kinds and the venues' names: layers of nodes, edges between neighbours. Pure.
 */

/* Left to right; kinds that are not here stand with the workers. */
const LAYERS = [
  { id: "venues", kinds: ["venue"] },
  { id: "collectors", kinds: ["collector", "feeder"] },
  { id: "workers", kinds: ["aggregator", "orderflow", "detector"] },
  { id: "keepers", kinds: ["hub", "persistence", "journal"] },
  { id: "gateways", kinds: ["gateway"] },
];
const FEEDS = [["venues", "collectors"], ["collectors", "workers"], ["workers", "keepers"], ["keepers", "gateways"]];

/**
 * @typedef {object} Node
 * @property {string} id @property {string} label @property {string} kind @property {string} state
 * @property {"ok"|"warn"|"bad"|"idle"} mark @property {number|null} out Frames a second that it sends on.
 * @property {string} layer @property {number} x @property {number} y
 */

/**
 * @param {any[]} rows Of /actors. @param {any[]} venues Of /venues. @param {Map<string, number>} rates Frames a second
 *   that a collector receives. @param {(state: string) => "ok"|"warn"|"bad"|"idle"} kindOf
 * @returns {{nodes: Node[], edges: {from: Node, to: Node, rate: number|null, isDead: boolean}[]}}
 */
export function graphOf(rows, venues, rates, kindOf) {
  const nodes = [];
  const simulators = rows.filter((row) => row.kind === "simulator");
  for (const venue of venues) {
    nodes.push({
      id: `${venue.venue}|${venue.publisher}`, label: venue.venue, kind: "venue", layer: "venues", publisher: venue.publisher,
      state: venue.is_connected ? "connected" : "not connected", mark: venue.is_connected ? "ok" : "bad", out: rates.get(venue.publisher) ?? null,
    });
  }
  for (const row of rows) {
    if (simulators.includes(row)) continue;
    const layer = LAYERS.find(({ kinds }) => kinds.includes(row.kind))?.id ?? "workers";
    nodes.push({
      id: row.name, label: row.name, kind: row.kind, layer, state: row.state, mark: kindOf(row.state),
      out: row.is_alive ? row.frames_out_per_s : null,
    });
  }
  const edges = [];
  for (const [left, right] of FEEDS) {
    for (const from of nodes.filter((node) => node.layer === left)) {
      for (const to of nodes.filter((node) => node.layer === right)) {
        if (from.publisher && from.publisher !== to.id) continue;
        if (from.kind === "journal" || from.kind === "persistence") continue; // they answer questions, nobody is fed by them
        const isDead = from.mark === "bad" || to.mark === "bad";
        edges.push({ from, to, rate: isDead ? 0 : from.layer === "keepers" ? null : from.out, isDead });
      }
    }
  }
  return { nodes, edges };
}

/**
 * Gives every node its place.
 * @param {Node[]} nodes @param {number} width @param {boolean} isUpright Layers are rows, as on a phone.
 * @returns {{width: number, height: number, node: {width: number, height: number}}}
 */
export function place(nodes, width, isUpright) {
  const layers = LAYERS.map(({ id }) => nodes.filter((node) => node.layer === id)).filter((layer) => layer.length);
  const most = Math.max(1, ...layers.map((layer) => layer.length));
  if (isUpright) {
    const room = Math.max(width, most * 108);
    const size = { width: Math.min(150, room / most - 8), height: 34 };
    const step = 66;
    layers.forEach((layer, row) => layer.forEach((node, at) => {
      node.x = (room / layer.length) * (at + 0.5);
      node.y = 22 + row * step;
    }));
    return { width: room, height: 44 + (layers.length - 1) * step, node: size };
  }
  const size = { width: Math.min(156, width / layers.length - 44), height: 34 };
  const step = 50;
  const height = Math.max(180, most * step + 12);
  const gap = (width - size.width - 4) / Math.max(1, layers.length - 1);
  layers.forEach((layer, column) => layer.forEach((node, at) => {
    node.x = 2 + size.width / 2 + column * gap;
    node.y = height / 2 + (at - (layer.length - 1) / 2) * Math.min(step + 16, height / layer.length);
  }));
  return { width, height, node: size };
}

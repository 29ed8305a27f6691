/**
 * Each question as an address, with curl, with the Python client, with plain HTTP from Python, and at the shell. Pure.
 */

import { quoted } from "../sections/fields.js";

/**
 * @typedef {object} Question
 * @property {string} id @property {string} label
 * @property {(symbol: string) => string} path Below /api/v1/.
 * @property {(symbol: string) => string[]} python Lines with `hub`.
 * @property {(symbol: string) => string} shell
 */

const enc = encodeURIComponent;
const py = (text) => JSON.stringify(text);

/** @type {Question[]} */
export const QUESTIONS = [
  {
    id: "quote", label: "Newest quote", path: (s) => `quotes/${enc(s)}`,
    python: (s) => [`tick = hub.tick(${py(s)})`, "print(tick.bid, tick.ask, tick.age_s, tick.state)"], shell: (s) => `tapehub snap tick ${quoted(s)}`,
  },
  {
    id: "bars", label: "Candles", path: (s) => `bars/${enc(s)}?tf=1m&limit=500`,
    python: (s) => [`candles = hub.candles(${py(s)}, "1m", 500)`, "print(candles.close[-3:], candles.state)"], shell: (s) => `tapehub snap candles ${quoted(s)}`,
  },
  {
    id: "book", label: "Order book", path: (s) => `book/${enc(s)}?depth=20`,
    python: (s) => [`book = hub.book(${py(s)}, 20)`, "print(book.bids[:3], book.asks[:3])"], shell: (s) => `tapehub snap book ${quoted(s)}`,
  },
  {
    id: "bbo", label: "Best of all venues", path: (s) => `bbo/${enc(s)}`,
    python: (s) => [`bbo = hub.bbo(${py(s)})`, "print(bbo)"], shell: (s) => `tapehub snap bbo ${quoted(s)}`,
  },
  {
    id: "trades", label: "Last trades", path: (s) => `trades/${enc(s)}?limit=100`,
    python: (s) => [`trades = hub.trades(${py(s)}, 100)`, "print(len(trades), trades.state)"], shell: (s) => `tapehub snap trades ${quoted(s)}`,
  },
  {
    id: "indicators", label: "Indicators", path: (s) => `indicators/${enc(s)}?tf=1m&limit=100`,
    python: (s) => [`features = hub.features(${py(s)}, "1m")`, "print(features.values)"], shell: (s) => `tapehub snap features ${quoted(s)}`,
  },
  {
    id: "flow", label: "Order flow", path: (s) => `orderflow/${enc(s)}?window_s=60`,
    python: (s) => [`flow = hub.order_flow(${py(s)}, 60)`, "print(flow.values)"], shell: (s) => `tapehub snap flow ${quoted(s)} --window 60`,
  },
  {
    id: "gaps", label: "Gaps", path: (s) => `gaps?symbol=${enc(s)}`,
    python: (s) => [`for gap in hub.gaps(symbol=${py(s)}):`, "    print(gap.state, gap.cause, gap.from_ts_ns)"], shell: () => "tapehub gaps list",
  },
  {
    id: "stream", label: "Live trades", path: (s) => `trades/${enc(s)}?limit=10`,
    python: (s) => [`for trade in hub.stream("trade.", snapshot=10):`, `    if trade.symbol == ${py(s)}:`, "        print(trade.price, trade.size)"], shell: () => "tapehub tap trade.",
  },
];

export const LANGUAGES = [["curl", "curl"], ["python", "Python client"], ["http", "Python, HTTP"], ["shell", "Shell"]];

/**
 * @param {Question} question @param {string} language @param {{symbol: string, venue: string, origin: string, needsToken: boolean}} about
 * @returns {string}
 */
export function snippetOf(question, language, { symbol, venue, origin, needsToken }) {
  const base = `${origin}/api/v1/${question.path(symbol)}`;
  const address = venue && question.id !== "bbo" ? `${base}${base.includes("?") ? "&" : "?"}venue=${enc(venue)}` : base;
  if (language === "curl") return `curl -s ${needsToken ? '-H "Authorization: Bearer $TAPEHUB_TOKEN" ' : ""}${quoted(address)}`;
  if (language === "python") return ["from tapehub import Hub", "", "with Hub() as hub:", ...question.python(symbol).map((line) => `    ${line}`)].join("\n");
  if (language === "shell") return question.shell(symbol);
  const headers = needsToken ? ["import os", ""] : [];
  const token = needsToken ? ', headers={"Authorization": f"Bearer {os.environ[\'TAPEHUB_TOKEN\']}"}' : "";
  return [...headers, "import httpx", "", `answer = httpx.get(${py(address)}${token})`, "answer.raise_for_status()", 'print(answer.json()["data"])'].join("\n");
}

/**
 * A question about the current symbol, in the language one writes, and what it answers now.
 */

import { ApiError } from "../core/api.js";
import { h, replace, setText } from "../core/dom.js";
import { parseExact } from "../data/sql_ask.js";
import { copyBlock, selectField, textField } from "../sections/fields.js";
import { LANGUAGES, QUESTIONS, snippetOf } from "./questions.js";
import { currentSymbol } from "./symbols.js";

const MOST_SHOWN = 6000;

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, format, store, url } = context;
  const set = (key) => (value) => url.set({ query: { [key]: value || null } }, { replace: true });
  const symbol = textField("Symbol", { list: "api-symbols", "data-testid": "api-symbol", size: "14" }, set("api_symbol"));
  const symbols = h("datalist", { id: "api-symbols" });
  const question = selectField("Question", QUESTIONS.map(({ id, label }) => [id, label]), "api-question", set("api_ask"));
  const buttons = LANGUAGES.map(([id, label]) => h("button", { class: "button", type: "button", dataset: { id }, "data-testid": `api-language-${id}`, on: { click: () => set("api_in")(id) } }, label));
  const snippet = copyBlock(context, "Snippet", "api-snippet");
  const run = h("button", { class: "button", type: "button", "data-testid": "api-try", on: { click: () => ask() } }, "Try it");
  const told = h("span", { class: "muted api-told", role: "status", "data-testid": "api-told" });
  const answer = h("pre", { class: "copy-text api-answer", tabindex: "0", "aria-label": "Answer", "data-testid": "api-answer", hidden: true });
  panel.body.append(h("div", { class: "scroll api-place", tabindex: "0", role: "group", "aria-label": "Ask" },
    h("div", { class: "api-fields" }, symbol.element, symbols, question.element, h("div", { class: "segmented", role: "group", "aria-label": "Language" }, buttons)),
    snippet.element,
    h("div", { class: "api-fields" }, run, told),
    answer));

  const chosen = () => QUESTIONS.find(({ id }) => id === url.get().query.api_ask) ?? QUESTIONS[0];
  const language = () => (LANGUAGES.some(([id]) => id === url.get().query.api_in) ? url.get().query.api_in : "curl");

  async function ask() {
    const about = currentSymbol(context);
    const begun_ms = performance.now();
    run.disabled = true;
    answer.hidden = false;
    try {
      const text = await pretty(chosen().path(about.symbol));
      replace(answer, text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}\n… ${format.bytes(text.length)} in all` : text);
      setText(told, `200 in ${format.lag((performance.now() - begun_ms) / 1000)}`);
    } catch (error) {
      replace(answer, error.problem ? JSON.stringify(error.problem, null, 2) : String(error.message));
      setText(told, `${error.status || "no answer"} in ${format.lag((performance.now() - begun_ms) / 1000)}`);
    } finally {
      run.disabled = false;
    }
  }

  /* Whole numbers as they came: a JavaScript number does not hold nanoseconds. */
  async function pretty(path) {
    const reply = await fetch(`/api/v1/${path}`, { headers: { Accept: "application/json", ...api.headers() }, cache: "no-store" });
    const raw = await reply.text();
    if (!reply.ok) throw new ApiError(reply.status, parseExact(raw));
    return JSON.stringify(JSON.parse(raw, (_key, value, source) => (typeof value === "number" && source?.source && JSON.rawJSON ? JSON.rawJSON(source.source) : value)), null, 2);
  }

  function show() {
    const { symbol: name, venue } = currentSymbol(context);
    symbol.show(name);
    question.show(chosen().id);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.id === language()));
    const needsToken = Boolean(store.get("whoami")?.needs_token || api.token());
    snippet.show(snippetOf(chosen(), language(), { symbol: name || "BTC_USDT", venue, origin: location.origin, needsToken }));
    panel.note(name ? `about ${name}` : "");
  }

  const ends = [
    store.on("instruments", (rows) => {
      symbols.replaceChildren(...[...(rows?.keys() ?? [])].map((one) => h("option", { value: one })));
      show();
    }),
    store.on("whoami", show),
  ];
  return {
    update: show,
    unmount() {
      for (const end of ends) end();
      symbol.close();
    },
  };
}

/**
 * Whom we ask and may not ask too much: venues with their time, breakers, budgets of requests.
 */

import { emptyState, h, replace, setText, styleOf } from "../core/dom.js";
import { scroller } from "../sections/sections.js";

const EVERY_MS = 2000;
const TICK_MS = 500;
const NEARLY = 0.8;
const STATES = { closed: ["ok", "ok"], half_open: ["warn", "on trial"], open: ["bad", "resting"] };

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, frame, poll, store } = context;
  const place = scroller("Venues and limits");
  panel.body.append(place);
  let providers = null;
  let fault = null;
  let heard_ms = 0;
  /** @type {{element: HTMLElement, until_ms: number}[]} Countdowns to the next trial. */
  let waits = [];

  const draw = () => frame.request(panel.element, () => {
    const venues = store.get("venues") ?? [];
    waits = [];
    const blocks = [
      ...venues.map((venue) => venueBlock(venue, context)),
      ...(providers ?? []).map((provider) => providerBlock(provider, heard_ms, waits)),
    ];
    if (blocks.length) replace(place, h("ul", { class: "limits", "data-testid": "providers" }, blocks));
    else if (fault) replace(place, emptyState("Providers cannot be had", fault.message, "tapehub status"));
    else if (providers) replace(place, emptyState("Nobody is asked", "No collector is configured.", "tapehub config template"));
    count();
  });

  function count() {
    for (const { element, until_ms } of waits) {
      const left_s = (until_ms - performance.now()) / 1000;
      setText(element, left_s > 0 ? `next trial in ${context.format.duration(left_s)}` : "next trial now");
    }
  }

  const ends = [
    poll(async () => {
      try {
        const answer = await api.get("providers");
        providers = answer.data;
        heard_ms = performance.now();
        fault = null;
      } catch (error) {
        fault = error;
        throw error;
      } finally {
        draw();
      }
    }, EVERY_MS),
    store.on("venues", draw),
  ];
  const timer = setInterval(count, TICK_MS);
  return {
    update: draw,
    unmount() {
      for (const end of ends) end();
      clearInterval(timer);
      frame.cancel(panel.element);
    },
  };
}

function venueBlock(venue, { format }) {
  const isUp = venue.is_connected;
  return h(
    "li",
    { class: "limit", "data-testid": "venue-row" },
    h("div", { class: "limit-head" },
      h("strong", {}, venue.venue),
      h("span", { class: `badge ${isUp ? "ok" : "bad"}` }, isUp ? "connected" : "not connected"),
      h("span", { class: "limit-note muted" }, `behind ${format.lag(venue.behind_s)}, heard ${format.age(venue.silent_s)} ago`)),
    h("p", { class: "limit-by muted" }, venue.publisher),
  );
}

function providerBlock(provider, heard_ms, waits) {
  const [kind, word] = STATES[provider.state] ?? ["warn", provider.state];
  const next = h("span", { class: "limit-note" });
  if (provider.next_s > 0) waits.push({ element: next, until_ms: heard_ms + provider.next_s * 1000 });
  return h(
    "li",
    { class: "limit", "data-testid": "provider-row" },
    h("div", { class: "limit-head" },
      h("strong", {}, provider.provider),
      h("span", { class: `badge ${kind}`, title: `breaker ${provider.state.replace("_", " ")}` }, word),
      next,
      provider.failures ? h("span", { class: "limit-note warn-text" }, `${provider.failures} failures`) : null),
    provider.reason ? h("p", { class: "limit-reason warn-text" }, provider.reason) : null,
    h("dl", { class: "budgets" }, provider.calls.map((call) => budget(call))),
    h("p", { class: "limit-by muted" }, provider.actor),
  );
}

function budget({ window, used, limit }) {
  const share = limit > 0 ? Math.min(1, used / limit) : 0;
  const fill = h("div", { class: `meter-fill ${share >= 1 ? "bad" : share >= NEARLY ? "warn" : ""}` });
  styleOf(fill, "--share", share.toFixed(4));
  return h("div", { class: "budget" }, h("dt", {}, window), h("dd", {}, h("div", { class: "meter", "aria-hidden": "true" }, fill), h("span", { class: "budget-text" }, `${used} of ${limit}`)));
}

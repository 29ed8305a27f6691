/**
 * Where everything is written down.
 */

import { h } from "../core/dom.js";
import { copyBlock } from "../sections/fields.js";

const LINKS = [
  ["/docs/", "Reference", "Every route with its parameters, tried out in the browser"],
  ["/openapi.json", "OpenAPI", "The same for generators of clients"],
  ["/metrics", "Metrics", "For Prometheus"],
  ["/health/ready", "Health", "200 where questions can be answered, else 503 with the reason"],
];
const RULES = [
  ["Times", "int64 nanoseconds since 1970 UTC, names end with _ns; ?time=iso gives RFC 3339"],
  ["Numbers", "JSON numbers; ?numbers=string gives exact decimal text"],
  ["Layout", "?layout=columns gives one array for each name"],
  ["Forms", "Accept or ?format=: json, ndjson, csv, arrow, msgpack"],
  ["Age", "age_s and state stand beside every answer; what is too old is refused with 409 unless ?allow_stale=true"],
  ["Pages", "next_cursor goes into ?cursor= of the next question"],
  ["Errors", "application/problem+json: code, detail with what to do next, request_id"],
  ["Tokens", "Authorization: Bearer …; scopes read, push, admin; browsers ask for a ticket for the WebSocket"],
];

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { store } = context;
  const who = h("p", { class: "api-who muted", "data-testid": "api-whoami" });
  const socket = copyBlock(context, "WebSocket", "api-websocket");
  socket.show(`websocat ${location.origin.replace(/^http/, "ws")}/ws/v1\n{"op":"subscribe","id":1,"channels":[{"name":"trades","symbols":["*"]}],"snapshot":true,"n":10}`);
  panel.body.append(h("div", { class: "scroll api-place", tabindex: "0", role: "group", "aria-label": "Reference" },
    h("ul", { class: "api-links" }, LINKS.map(([address, label, text]) => h("li", {}, h("a", { href: address, "data-testid": `api-link-${label.toLowerCase()}` }, label), h("span", { class: "muted" }, text)))),
    who,
    h("dl", { class: "api-rules" }, RULES.map(([name, text]) => h("div", {}, h("dt", {}, name), h("dd", {}, text)))),
    socket.element));
  const end = store.on("whoami", (whoami) => {
    if (whoami) who.textContent = `You are ${whoami.name || "nobody in particular"} and may: ${(whoami.scopes ?? []).join(", ") || "nothing"}${whoami.needs_token ? "" : "; this gateway wants no tokens"}.`;
  });
  return { update() {}, unmount: end };
}

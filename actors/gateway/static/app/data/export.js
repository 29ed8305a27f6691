/**
 * Stored rows as a file: a form, the commands that do the same, a download.
 */

import { h, setText } from "../core/dom.js";
import { copyBlock, selectField, textField } from "../sections/fields.js";
import { download } from "./download.js";
import { ALL, FORMATS, TABLES, commandOf, curlOf, fileOf, hasTimeframe, pathOf, timeFault, wantedOf } from "./export_words.js";

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, format, say, store, url } = context;
  const set = (key) => (value) => url.set({ query: { [key]: value || null } }, { replace: true });
  const fields = {
    table: selectField("Table", TABLES.map((one) => [one, one]), "export-table", set("x_table")),
    symbol: textField("Symbol", { placeholder: "all", list: "export-symbols", "data-testid": "export-symbol" }, set("x_symbol")),
    venue: selectField("Venue", [["", "all"]], "export-venue", set("x_venue")),
    timeframe: selectField("Candles", ["1s", "1m", "5m", "15m", "1h", "4h", "1d"].map((one) => [one, one]), "export-timeframe", set("x_tf")),
    from: textField("From", { placeholder: "the first row; or 1h, 2026-11-20", "data-testid": "export-from", "aria-describedby": "export-fault" }, (value) => set("x_from")(value || ALL)),
    to: textField("To", { placeholder: "now", "data-testid": "export-to", "aria-describedby": "export-fault" }, set("x_to")),
    format: selectField("Format", FORMATS.map((one) => [one, one]), "export-format", set("x_format")),
    times: selectField("Times", [["ns", "ns since 1970"], ["iso", "RFC 3339"]], "export-times", set("x_times")),
  };
  const symbols = h("datalist", { id: "export-symbols" });
  const fault = h("p", { id: "export-fault", class: "export-fault bad-text", role: "status", "data-testid": "export-fault" });
  const send = h("button", { class: "button primary", type: "submit", "data-testid": "export-download" }, "Download");
  const stop = h("button", { class: "button", type: "button", hidden: true, on: { click: () => running?.abort() } }, "Stop");
  const progress = h("span", { class: "muted", role: "status", "data-testid": "export-progress" });
  const form = h("form", { class: "export-form" }, Object.values(fields).map(({ element }) => element), symbols, h("div", { class: "export-go" }, send, stop, progress), fault);
  const [address, curl, command] = [["Address", "export-url"], ["curl", "export-curl"], ["On the machine of the hub", "export-command"]].map(([label, id]) => copyBlock(context, label, id));
  panel.body.append(h("div", { class: "scroll export-place", tabindex: "0", role: "group", "aria-label": "Export" }, form, address.element, curl.element, command.element));
  panel.note("stored rows, in order of time");
  /** @type {AbortController|null} */
  let running = null;

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wanted = wantedOf(url.get().query);
    if (running || timeFault(wanted.from) || timeFault(wanted.to)) return;
    running = new AbortController();
    send.disabled = true;
    stop.hidden = false;
    setText(fault, "");
    setText(progress, "asking…");
    try {
      const bytes = await download(pathOf(wanted), fileOf(wanted), {
        headers: api.headers(), signal: running.signal, onBytes: (count) => setText(progress, format.bytes(count)),
      });
      setText(progress, `${fileOf(wanted)}, ${format.bytes(bytes)}`);
      say(`${fileOf(wanted)} is downloaded`);
    } catch (error) {
      setText(progress, "");
      const isStopped = running?.signal.aborted;
      setText(fault, isStopped ? "Stopped" : error.name === "ApiError" ? error.message : "It broke off: the file would not have been whole. tapehub logs gateway.1");
    } finally {
      running = null;
      send.disabled = false;
      stop.hidden = true;
    }
  });

  const ends = [
    store.on("instruments", (rows) => symbols.replaceChildren(...[...(rows?.keys() ?? [])].map((symbol) => h("option", { value: symbol })))),
    store.on("venues", (rows) => fields.venue.offer([["", "all"], ...[...new Set((rows ?? []).map(({ venue }) => venue))].map((one) => [one, one])])),
    store.on("whoami", () => show()),
  ];

  function show() {
    const wanted = wantedOf(url.get().query);
    for (const [name, field] of Object.entries(fields)) field.show(wanted[name]);
    fields.timeframe.select.disabled = !hasTimeframe(wanted.table);
    address.show(`${location.origin}${pathOf(wanted)}`);
    curl.show(curlOf(wanted, location.origin, Boolean(store.get("whoami")?.needs_token || api.token())));
    command.show(commandOf(wanted));
    const wrong = ["from", "to"].filter((name) => timeFault(wanted[name]));
    for (const name of ["from", "to"]) fields[name].input.setAttribute("aria-invalid", String(wrong.includes(name)));
    setText(fault, wrong.length ? `${wrong[0]}: ${timeFault(wanted[wrong[0]])}` : "");
    send.disabled = wrong.length > 0 || running !== null;
  }

  return {
    update: show,
    unmount() {
      for (const end of ends) end();
      running?.abort();
      for (const name of ["symbol", "from", "to"]) fields[name].close();
    },
  };
}

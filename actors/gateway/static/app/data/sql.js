/**
 * SQL over what is stored: read only, for administrators, each question in the audit log.
 */

import { emptyState, h, setText } from "../core/dom.js";
import { copyText, may, selectField, whyNot } from "../sections/fields.js";
import { csvOf } from "./csv.js";
import { save } from "./download.js";
import { EXAMPLES, FIRST_SQL } from "./examples.js";
import { resultTable } from "./result_table.js";
import { askSql } from "./sql_ask.js";

const LIMITS = [["100", "100 rows"], ["1000", "1,000 rows"], ["10000", "10,000 rows"]];
const FIRST_LIMIT = "1000";

/**
 * @param {import("../sections/sections.js").Panel} panel
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(panel, context) {
  const { api, format, store, url } = context;
  const area = h("textarea", { class: "field sql-text", rows: "5", spellcheck: "false", autocapitalize: "off", "aria-label": "SQL, Control and Enter runs it", "data-testid": "sql-text", on: { change: () => keep(), keydown: onKey } });
  const run = h("button", { class: "button primary", type: "button", title: "Ctrl+Enter", "data-testid": "sql-run", on: { click: () => ask() } }, "Run");
  const stop = h("button", { class: "button", type: "button", hidden: true, "data-testid": "sql-stop", on: { click: () => running?.abort() } }, "Stop");
  const limit = selectField("At most", LIMITS, "sql-limit", (value) => url.set({ query: { sql_limit: value === FIRST_LIMIT ? null : value } }, { replace: true }));
  const example = selectField("Example", [["", "choose…"], ...EXAMPLES.map(({ label }) => [label, label])], "sql-example", (label) => {
    const found = EXAMPLES.find((one) => one.label === label);
    if (!found) return;
    area.value = found.sql;
    keep();
    area.focus();
  });
  const copy = h("button", { class: "button quiet", type: "button", disabled: true, "data-testid": "sql-copy", on: { click: () => result && copyText(asCsv(), context, "CSV") } }, "Copy as CSV");
  const keepFile = h("button", { class: "button quiet", type: "button", disabled: true, on: { click: () => result && save(new Blob([asCsv()], { type: "text/csv" }), "query.csv") } }, "Save");
  const told = h("span", { class: "sql-told", role: "status", "data-testid": "sql-told" });
  const fault = h("pre", { class: "sql-fault bad-text", role: "alert", "data-testid": "sql-fault", hidden: true });
  const only = h("p", { class: "sql-only warn-text", hidden: true, "data-testid": "sql-only" });
  const shown = resultTable(context);
  const none = h("div", { class: "sql-none" }, emptyState("No answer yet", "Ctrl+Enter asks. It reads only; every question is in the audit log.", "tapehub query \"SHOW TABLES\""));
  shown.element.hidden = true;
  panel.body.append(
    h("div", { class: "sql-ask" }, area, h("div", { class: "filters" }, run, stop, limit.element, example.element, told, copy, keepFile), only),
    fault, shown.element, none,
  );
  panel.note("read only, administrators");
  /** @type {import("./sql_ask.js").Result|null} */
  let result = null;
  /** @type {AbortController|null} */
  let running = null;

  const asCsv = () => csvOf(result.columns.map(({ name }) => name), result.rows);
  const keep = () => url.set({ query: { sql: area.value.trim() && area.value !== FIRST_SQL ? area.value : null } }, { replace: true });

  function onKey(event) {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    ask();
  }

  async function ask() {
    if (running || run.disabled || !area.value.trim()) return;
    keep();
    running = new AbortController();
    const begun_ms = performance.now();
    const timer = setInterval(() => setText(told, `asking, ${format.duration((performance.now() - begun_ms) / 1000)}`), 100);
    stop.hidden = false;
    fault.hidden = true;
    panel.body.setAttribute("aria-busy", "true");
    try {
      result = await askSql(api, { sql: area.value, limit: Number(limit.select.value) }, running.signal);
      shown.element.hidden = false;
      none.hidden = true;
      shown.show(result);
      const count = result.rows.length;
      clearInterval(timer);
      setText(told, `${count.toLocaleString("en-US")} row${count === 1 ? "" : "s"}${result.is_truncated ? ", cut: there are more" : ""}, ${format.duration(result.elapsed_s)}`);
      told.classList.toggle("warn-text", result.is_truncated);
    } catch (error) {
      clearInterval(timer);
      const isStopped = running.signal.aborted;
      setText(told, isStopped ? "stopped" : "");
      fault.hidden = isStopped;
      fault.textContent = error.message;
    } finally {
      clearInterval(timer);
      running = null;
      stop.hidden = true;
      copy.disabled = keepFile.disabled = !result;
      panel.body.removeAttribute("aria-busy");
    }
  }

  const end = store.on("whoami", (whoami) => {
    const isAllowed = may(whoami, "admin");
    run.disabled = !isAllowed;
    only.hidden = isAllowed;
    setText(only, whyNot(whoami, "admin"));
  });

  return {
    update({ query }) {
      if (document.activeElement !== area) area.value = query.sql ?? FIRST_SQL;
      limit.show(query.sql_limit ?? FIRST_LIMIT);
    },
    unmount() {
      end();
      running?.abort();
    },
  };
}

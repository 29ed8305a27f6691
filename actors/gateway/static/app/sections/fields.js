/**
 * Form fields whose values are part of the address, and text that can be copied.
 */

import { h } from "../core/dom.js";

/**
 * A labelled choice.
 * @param {string} label @param {[string, string][]} options Value and text. @param {string} testid
 * @param {(value: string) => void} onChange
 */
export function selectField(label, options, testid, onChange) {
  const select = h("select", { class: "select", "data-testid": testid, on: { change: () => onChange(select.value) } });
  const field = {
    element: h("label", { class: "labelled" }, h("span", { class: "labelled-text" }, label), select),
    select,
    /** @param {[string, string][]} wanted */
    offer(wanted) {
      const key = wanted.map(([value]) => value).join("\n");
      if (field.offered === key) return;
      field.offered = key;
      const value = field.wanted ?? select.value;
      select.replaceChildren(...wanted.map(([one, text]) => h("option", { value: one }, text)));
      field.show(value);
    },
    /** A value that the list does not have (yet) is put into it: the address counts. @param {string} value */
    show(value) {
      field.wanted = value;
      if (value && ![...select.options].some((one) => one.value === value)) select.append(h("option", { value }, value));
      if (select.value !== value) select.value = value;
    },
  };
  field.offer(options);
  return field;
}

/**
 * A labelled line of text; `onChange` comes a moment after the last key.
 * @param {string} label @param {Record<string, any>} properties Of the input. @param {(value: string) => void} onChange
 */
export function textField(label, properties, onChange) {
  let timer = 0;
  const tell = () => {
    clearTimeout(timer);
    onChange(input.value.trim());
  };
  const input = h("input", {
    class: "field", type: "text", spellcheck: "false", autocomplete: "off", ...properties,
    on: {
      input: () => {
        clearTimeout(timer);
        timer = setTimeout(tell, 200);
      },
      change: tell,
    },
  });
  return {
    element: h("label", { class: "labelled" }, h("span", { class: "labelled-text" }, label), input),
    input,
    show(value) {
      if (document.activeElement !== input && input.value !== value) input.value = value;
    },
    close: () => clearTimeout(timer),
  };
}

/**
 * Puts text on the clipboard, also where the page is not in a secure context.
 * @param {string} text @param {import("../main.js").Context} context @param {string} what For the notice.
 */
export async function copyText(text, { say }, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h("textarea", { class: "sr-only", "aria-hidden": "true" });
    area.value = text;
    document.body.append(area);
    area.select();
    const isDone = document.execCommand("copy");
    area.remove();
    if (!isDone) {
      say(`${what} could not be copied: the browser forbids it`, "warn");
      return;
    }
  }
  say(`${what} copied`);
}

/**
 * A block of text with a button that copies it.
 * @param {import("../main.js").Context} context @param {string} label @param {string} testid
 */
export function copyBlock(context, label, testid) {
  const code = h("code", { "data-testid": testid });
  const button = h("button", {
    class: "button quiet", type: "button", "aria-label": `Copy: ${label}`, "data-testid": `${testid}-copy`,
    on: { click: () => copyText(code.textContent, context, label) },
  }, "Copy");
  const scroll = h("pre", { class: "copy-text", tabindex: "0", "aria-label": label }, code);
  return {
    element: h("div", { class: "copy-block" }, h("div", { class: "copy-head" }, h("span", {}, label), button), scroll),
    show(text) {
      if (code.textContent !== text) code.textContent = text;
    },
  };
}

/** Whether the token may do it; unknown counts as yes, the server decides. @param {any} whoami @param {string} scope */
export const may = (whoami, scope) => !whoami || (whoami.scopes ?? []).includes(scope);

/** Why something is off, for whoever lacks a scope. @param {any} whoami @param {string} scope */
export function whyNot(whoami, scope) {
  return may(whoami, scope) ? "" : `Needs a token with the scope ${scope}; ${whoami.name || "yours"} has ${(whoami.scopes ?? []).join(", ") || "none"}`;
}

/** Text that a POSIX shell takes as it is. Pure. @param {string} text */
export const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** A count: 1,234,567. Pure. @param {number|null|undefined} value */
export const whole = (value) => (typeof value === "number" ? value.toLocaleString("en-US") : "–");

/**
 * Keys: everything that a mouse does has one, and `?` lists them from here.
 */

/**
 * @typedef {object} Binding
 * @property {string[]} keys As `KeyboardEvent.key` says: "/", "Escape", " ", "ArrowUp"; "Alt+1" with a modifier.
 * @property {string} label For the list of keys.
 * @property {string} [group] Heading in the list.
 * @property {(event: KeyboardEvent) => void|boolean} run `false`: not taken, the next binding may.
 */

/**
 * @typedef {object} Keyboard
 * @property {(binding: Binding) => () => void} bind The newest binding of a key comes first.
 * @property {() => Binding[]} list
 */

const EDITABLE = "input, textarea, select, [contenteditable]";

/** @returns {Keyboard} */
export function createKeyboard() {
  /** @type {Binding[]} */
  const bindings = [];
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const isTyping = event.target instanceof Element && event.target.closest(EDITABLE) !== null;
    if (isTyping || document.querySelector("dialog[open]")) return; // fields and dialogs have keys of their own
    const name = nameOf(event);
    const isButton = event.target instanceof Element && event.target.closest("button, a, summary") !== null;
    if (isButton && (name === " " || name === "Enter")) return;
    for (const binding of [...bindings].reverse()) {
      if (!binding.keys.includes(name) && !binding.keys.includes("*")) continue;
      if (binding.run(event) === false) continue;
      event.preventDefault();
      return;
    }
  });
  return {
    bind(binding) {
      bindings.push(binding);
      return () => bindings.splice(bindings.indexOf(binding), 1);
    },
    list: () => bindings.filter((binding) => binding.label),
  };
}

/** What was pressed, with Alt and Ctrl named. Pure. @param {KeyboardEvent} event */
export function nameOf(event) {
  const parts = [];
  if (event.ctrlKey) parts.push("Ctrl");
  if (event.metaKey) parts.push("Meta");
  if (event.altKey) parts.push("Alt");
  parts.push(event.key);
  return parts.join("+");
}

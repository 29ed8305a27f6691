/**
 * For whoever writes a program: the same questions in several languages, the WebSocket by hand, the reference.
 */

import { mountSections } from "../sections/sections.js";
import { mount as mountPlayground } from "./playground.js";
import { mount as mountReference } from "./reference.js";
import { mount as mountSnippets } from "./snippets.js";

/** @type {import("../sections/sections.js").Section[]} */
const SECTIONS = [
  { id: "snippets", label: "Ask", mount: mountSnippets },
  { id: "playground", label: "WebSocket", mount: mountPlayground },
  { id: "reference", label: "Reference", mount: mountReference },
];

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(root, context) {
  return mountSections(root, context, { title: "API", className: "api", sections: SECTIONS });
}

/**
 * Short notices at the bottom of the page; a screen reader hears them.
 */

import { h } from "./dom.js";

const SHOWN_MS = 6000;
const MOST = 4;

/**
 * @param {HTMLElement} root
 * @returns {(text: string, kind?: "info"|"warn"|"bad") => void}
 */
export function createNotices(root) {
  return (text, kind = "info") => {
    const notice = h("div", { class: `notice ${kind}`, "data-testid": "notice", text });
    root.append(notice);
    while (root.children.length > MOST) root.firstElementChild.remove();
    setTimeout(() => notice.remove(), SHOWN_MS);
  };
}

/**
 * Views that are made of panels: a row of links to them, the panels in a grid, on a phone one at a time.
 * The first part of the address names one: `#/operations/gaps`.
 */

import { h, setAttribute, setText } from "../core/dom.js";

/**
 * @typedef {object} Panel What a section is given.
 * @property {HTMLElement} element
 * @property {HTMLElement} body
 * @property {HTMLElement} tools Right end of its head.
 * @property {(text: string) => void} note A few words beside its title.
 */

/**
 * @typedef {object} Section
 * @property {string} id In the address, and `data-testid="section-<id>"`.
 * @property {string} label
 * @property {(panel: Panel, context: import("../main.js").Context) => import("../core/tabs.js").View} mount
 */

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 * @param {{title: string, className: string, sections: Section[], lead?: HTMLElement}} options `lead`: stands above the
 *   panels and stays in sight.
 * @returns {import("../core/tabs.js").View}
 */
export function mountSections(root, context, { title, className, sections, lead }) {
  const { keyboard, url } = context;
  const tab = url.get().tab;
  const links = sections.map(({ id, label }) =>
    h("a", { class: "section-link", "data-testid": `section-link-${id}` }, label));
  const nav = h("nav", { class: "section-nav", "aria-label": `Parts of ${title}` }, links);
  const grid = h("div", { class: "section-grid" });
  const frame = h("div", { class: `sections ${className}` }, h("h1", { class: "sr-only" }, title), h("div", { class: "section-top" }, lead, nav), grid);
  root.append(frame);
  const panels = sections.map((section) => panelOf(section));
  grid.append(...panels.map(({ element }) => element));
  const views = sections.map((section, at) => section.mount(panels[at], context));

  const chosen = () => Math.max(0, sections.findIndex(({ id }) => id === url.get().path[0]));
  const step = (by) => {
    const next = (chosen() + by + sections.length) % sections.length;
    url.set({ path: [sections[next].id] });
    panels[next].element.focus({ preventScroll: true });
  };
  const ends = [
    keyboard.bind({ keys: ["]"], label: "Next part", group: title, run: () => step(1) }),
    keyboard.bind({ keys: ["["], label: "Previous part", group: title, run: () => step(-1) }),
  ];
  let shown = "";

  return {
    update(route) {
      const at = chosen();
      const asked = route.path[0] ?? "";
      frame.dataset.section = sections[at].id;
      links.forEach((link, index) => {
        setAttribute(link, "href", url.link({ tab, path: [sections[index].id] }));
        setAttribute(link, "aria-current", index === at ? "true" : null);
      });
      panels.forEach(({ element }, index) => element.classList.toggle("is-chosen", index === at));
      for (const view of views) view.update(route);
      if (asked !== shown && asked) {
        panels[at].element.scrollIntoView({ block: "nearest" });
        links[at].scrollIntoView({ block: "nearest", inline: "nearest" });
      }
      shown = asked;
    },
    unmount() {
      for (const end of ends) end();
      for (const view of views) view.unmount();
    },
  };
}

/** @param {Section} section @returns {Panel} */
function panelOf({ id, label }) {
  const note = h("span", { class: "panel-note" });
  const tools = h("div", { class: "panel-tools" });
  const body = h("div", { class: "panel-body section-body" });
  const element = h(
    "section",
    { class: `panel section section-${id}`, tabindex: "-1", "aria-labelledby": `section-title-${id}`, "data-testid": `section-${id}` },
    h("div", { class: "panel-head" }, h("h2", { id: `section-title-${id}` }, label), note, tools),
    body,
  );
  return { element, body, tools, note: (text) => setText(note, text) };
}

/**
 * A region that scrolls; it can be reached by keyboard, as it must be to be read.
 * @param {string} label @param {...any} children
 */
export function scroller(label, ...children) {
  return h("div", { class: "scroll section-scroll", tabindex: "0", role: "group", "aria-label": label }, children);
}

/**
 * A table with its heads.
 * @param {string} label For screen readers. @param {{text: string, class?: string, title?: string}[]} columns
 * @param {string} testid
 * @returns {{table: HTMLElement, body: HTMLElement}}
 */
export function tableOf(label, columns, testid) {
  const body = h("tbody");
  const heads = columns.map(({ text, class: kind = "", title }) =>
    h("th", { scope: "col", class: kind, title }, text || h("span", { class: "sr-only" }, title ?? "")));
  const table = h("table", { class: "table", "aria-label": label, "data-testid": testid }, h("thead", {}, h("tr", {}, heads)), body);
  return { table, body };
}

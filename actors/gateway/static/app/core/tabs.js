/**
 * The views of the page. A view is a module with `mount`; it is loaded when it is first looked at.
 */

import { emptyState, h, replace } from "./dom.js";

/**
 * @typedef {object} View
 * @property {(route: import("./url.js").Route) => void} update The address changed within the tab.
 * @property {() => void} unmount Ends subscriptions, polls, key bindings; the element is emptied for it.
 */

/** @typedef {{id: string, label: string, key: string, css: string[], load: () => Promise<{mount: Function}>}} Tab */

/** @type {Tab[]} */
export const TABS = [
  {
    id: "trade",
    label: "Trade",
    key: "Alt+1",
    css: [],
    load: () => import("../trade/view.js"),
  },
  {
    id: "operations",
    label: "Operations",
    key: "Alt+2",
    css: ["css/sections.css", "css/operations.css"],
    load: () => import("../operations/view.js"),
  },
  {
    id: "data",
    label: "Data",
    key: "Alt+3",
    css: ["css/sections.css", "css/data.css"],
    load: () => import("../data/view.js"),
  },
  {
    id: "api",
    label: "API",
    key: "Alt+4",
    css: ["css/sections.css", "css/api.css"],
    load: () => import("../api/view.js"),
  },
];

/**
 * Shows the tab that the address names, and changes it.
 * @param {HTMLElement} root Where views are mounted.
 * @param {import("../main.js").Context} context
 */
export function runTabs(root, context) {
  let shown = "";
  /** @type {View|null} */
  let view = null;
  let turn = 0;

  async function show(route) {
    const tab = TABS.find(({ id }) => id === route.tab) ?? TABS[0];
    if (tab.id === shown) {
      view?.update(context.url.get());
      return;
    }
    const mine = ++turn;
    shown = tab.id;
    document.documentElement.dataset.tab = tab.id;
    document.title = tab.id === "trade" ? "tapehub" : `${tab.label} · tapehub`;
    view?.unmount();
    view = null;
    replace(root);
    try {
      const [module] = await Promise.all([tab.load(), ...tab.css.map(loadStyle)]);
      if (mine !== turn) return;
      view = module.mount(root, context);
      view.update(context.url.get());
    } catch (error) {
      console.error(error);
      if (mine !== turn) return;
      shown = "";
      reloadOnceBack(context.store);
      replace(root, emptyState(`${tab.label} cannot be shown`, String(error?.message ?? error), "tapehub doctor"));
    }
  }

  context.url.on(show);
  show(context.url.get());
  for (const { id, label, key } of TABS) {
    context.keyboard.bind({ keys: [key], label, group: "Tabs", run: () => context.url.set({ tab: id }) });
  }
}

/**
 * A view could not be loaded: the whole page is, when the gateway is there again. A browser remembers a module that failed;
 * what the page shows stands in its address.
 * @param {import("./store.js").Store} store
 */
function reloadOnceBack(store) {
  const before = store.get("connection");
  store.on("connection", (connection) => {
    if (connection !== before && connection.state === "live") location.reload();
  });
}

/** Loads a style sheet of our own, once. @param {string} address */
export function loadStyle(address) {
  if (document.querySelector(`link[href="${address}"]`)) return Promise.resolve();
  return new Promise((resolve) => {
    const link = h("link", { rel: "stylesheet", href: address, on: { load: resolve, error: resolve } });
    document.head.append(link);
  });
}

/**
 * Links to the tabs, for the header and, on a phone, the bottom.
 * @param {import("../main.js").Context} context
 * @returns {HTMLElement}
 */
export function tabLinks({ url }) {
  const links = TABS.map((tab) => ({
    tab,
    element: h("a", { class: "tab", "data-testid": `tab-${tab.id}`, title: `${tab.label} (${tab.key})` }, tab.label),
  }));
  const mark = () => {
    const now = url.get().tab;
    for (const { tab, element } of links) {
      element.href = url.link({ tab: tab.id });
      if (tab.id === now) element.setAttribute("aria-current", "page");
      else element.removeAttribute("aria-current");
    }
  };
  url.on(mark);
  mark();
  return h("nav", { class: "tabs", "aria-label": "Views" }, links.map(({ element }) => element));
}

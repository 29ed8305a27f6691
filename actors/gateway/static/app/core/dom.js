/**
 * Elements without HTML text: everything that is shown goes in as text nodes, so no data can become markup.
 */

/**
 * Makes an element. Properties: `class`, `text`, `dataset`, `aria-*`, `role`, `on` ({event: handler}), any attribute;
 * `false`, `null` and `undefined` leave an attribute out.
 * @param {string} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node|string|number|null|undefined|Array<any>)} children
 * @returns {HTMLElement}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) apply(element, name, value);
  add(element, children);
  return element;
}

function apply(element, name, value) {
  if (value === false || value === null || value === undefined) return;
  if (name === "class") element.className = value;
  else if (name === "text") element.textContent = value;
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (name === "on") for (const [event, run] of Object.entries(value)) element.addEventListener(event, run);
  else if (name === "style") throw new Error("no inline styles: use a class, or styleOf() for a measure");
  else element.setAttribute(name, value === true ? "" : String(value));
}

function add(element, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) add(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

/**
 * Changes text only where it differs: an unchanged cell costs no layout.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.shown === text) return;
  element.shown = text;
  const node = element.firstChild;
  if (node?.nodeType === Node.TEXT_NODE && node === element.lastChild) node.data = text; // keeps the node: cheaper
  else element.textContent = text;
}

/**
 * Changes an attribute only where it differs; `null` removes it.
 * @param {Element} element
 * @param {string} name
 * @param {string|null} value
 */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/**
 * A measure that only data knows, through the CSS object model, which the content security policy permits.
 * @param {HTMLElement} element
 * @param {string} property
 * @param {string} value
 */
export function styleOf(element, property, value) {
  if (element.style.getPropertyValue(property) !== value) element.style.setProperty(property, value);
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * A line icon of 16 by 16, drawn in the colour of the text around it and hidden from screen readers.
 * @param {string} path SVG path data.
 * @returns {SVGElement}
 */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/**
 * What stands where there is nothing to show: why, and the command that tells more.
 * @param {string} title
 * @param {string} [detail]
 * @param {string} [command]
 * @returns {HTMLElement}
 */
export function emptyState(title, detail = "", command = "") {
  return h(
    "div",
    { class: "empty", role: "status", "data-testid": "empty-state" },
    h("p", { class: "empty-title", text: title }),
    detail ? h("p", { class: "empty-detail", text: detail }) : null,
    command ? h("p", { class: "empty-command" }, h("code", { text: command })) : null,
  );
}

/**
 * Empties an element and fills it anew.
 * @param {Element} element
 * @param {...any} children
 */
export function replace(element, ...children) {
  element.textContent = "";
  add(element, children);
}

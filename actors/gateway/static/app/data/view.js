/**
 * What there is, how complete it is, and how to take it along.
 */

import { mountSections } from "../sections/sections.js";
import { mount as mountCoverage } from "./coverage.js";
import { mount as mountExport } from "./export.js";
import { mount as mountInstruments } from "./instruments.js";
import { mount as mountSql } from "./sql.js";

/** @type {import("../sections/sections.js").Section[]} */
const SECTIONS = [
  { id: "instruments", label: "Instruments", mount: mountInstruments },
  { id: "coverage", label: "Coverage", mount: mountCoverage },
  { id: "export", label: "Export", mount: mountExport },
  { id: "sql", label: "SQL", mount: mountSql },
];

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(root, context) {
  return mountSections(root, context, { title: "Data", className: "data", sections: SECTIONS });
}

/**
 * The operator's view: what is broken, since when, what to press.
 */

import { mountSections } from "../sections/sections.js";
import { mount as mountActors } from "./actors.js";
import { mount as mountAudit } from "./audit.js";
import { mount as mountChanges } from "./changes.js";
import { mount as mountGaps } from "./gaps.js";
import { mount as mountLimits } from "./limits.js";
import { mount as mountLogs } from "./logs.js";
import { mount as mountStorage } from "./storage.js";
import { createSummary } from "./summary.js";
import { mount as mountTopology } from "./topology.js";

/** @type {import("../sections/sections.js").Section[]} */
const SECTIONS = [
  { id: "actors", label: "Actors", mount: mountActors },
  { id: "topology", label: "Way of the data", mount: mountTopology },
  { id: "changes", label: "What happened", mount: mountChanges },
  { id: "gaps", label: "Gaps", mount: mountGaps },
  { id: "limits", label: "Venues and limits", mount: mountLimits },
  { id: "logs", label: "Logs", mount: mountLogs },
  { id: "storage", label: "Storage", mount: mountStorage },
  { id: "audit", label: "Audit", mount: mountAudit },
];

/**
 * @param {HTMLElement} root
 * @param {import("../main.js").Context} context
 * @returns {import("../core/tabs.js").View}
 */
export function mount(root, context) {
  const summary = createSummary(context);
  const view = mountSections(root, context, { title: "Operations", className: "operations", sections: SECTIONS, lead: summary.element });
  return {
    update: view.update,
    unmount() {
      view.unmount();
      summary.close();
    },
  };
}

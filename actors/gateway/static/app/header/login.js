/**
 * Asks for the token when the server wants one. It stays in this tab's session and goes nowhere else.
 */

import { h } from "../core/dom.js";

/** @param {import("../main.js").Context} context */
export function mountLogin({ api, socket, store, say }) {
  const field = h("input", {
    class: "field", id: "login-token", type: "password", autocomplete: "current-password", required: true,
    spellcheck: "false", "data-testid": "login-token", "aria-describedby": "login-fault login-note",
  });
  const fault = h("p", { id: "login-fault", class: "login-fault", role: "alert", "data-testid": "login-fault" });
  const send = h("button", { class: "button primary", type: "submit", "data-testid": "login-send" }, "Continue");
  const form = h(
    "form",
    { class: "dialog-body login-form", method: "dialog" },
    h("label", { for: "login-token" }, "Token"),
    field,
    fault,
    h("p", { id: "login-note", class: "muted" }, "Kept for this tab only. Tokens stand in the settings: ", h("code", {}, "actors.gateway.1.edge.tokens")),
    send,
  );
  const dialog = h(
    "dialog",
    { class: "login", "aria-labelledby": "login-title", "data-testid": "login" },
    h("div", { class: "dialog-head" }, h("h2", { id: "login-title" }, "This gateway wants a token")),
    form,
  );
  document.body.append(dialog);

  const open = () => {
    if (dialog.open) return;
    fault.textContent = api.token() ? "The token was not accepted." : "";
    field.value = "";
    dialog.showModal();
    field.focus();
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    api.setToken(field.value.trim());
    try {
      const who = await api.get("whoami");
      store.set("whoami", who.data ?? who);
      dialog.close();
      say("Welcome.");
      socket.connect();
    } catch (error) {
      fault.textContent = error.status === 401 ? "The token was not accepted." : error.message;
    } finally {
      send.disabled = false;
    }
  });
  api.onUnauthorized(open);
  store.on("connection", (connection) => connection?.state === "unauthorized" && open());
  store.on("login", open);
}

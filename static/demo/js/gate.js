// The profile gate: an e-mail address opens every profile, and names the session's events.

import { member, signIn } from "./account.js";

const gate = document.querySelector("[data-gate]");

function open() {
  gate.hidden = true;
  document.querySelector("[data-opened]").hidden = false;
}

document.querySelector("[data-gate-form]").addEventListener("submit", (event) => {
  event.preventDefault();
  const email = event.target.email.value.trim();
  window.tracker?.linkEmail(email);
  signIn(email);
  open();
});

if (member()) open();

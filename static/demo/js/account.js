// Who is signed in, as the profile gate left it; signing out begins a new tracked session.

const KEY = "farwend_member";

export const member = () => localStorage.getItem(KEY);

export function signIn(email) {
  localStorage.setItem(KEY, email);
  show();
}

function signOut() {
  localStorage.removeItem(KEY);
  window.tracker?.resetSession();
  location.reload();
}

function show() {
  document.querySelector("[data-member]").hidden = !member();
  document.querySelector("[data-member-email]").textContent = member() ?? "";
}

document.querySelector("[data-sign-out]").addEventListener("click", signOut);
addEventListener("storage", show); // another tab signed in or out
show();

// Comforts of the admin panel; every page works without them: the reader's time zone, keys, and short addresses.
"use strict";

const root = document.documentElement;

// moments are written by the server, in the zone that this cookie names
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.split("; ").includes(`zone=${zone}`)) {
  document.cookie = `zone=${zone}; path=/; max-age=31536000; SameSite=Lax`;
  if (zone !== root.dataset.zone && document.cookie.includes(`zone=${zone}`)) location.reload();
}

// fields that say nothing do not stand in the address
for (const form of document.querySelectorAll("form[data-lean]")) {
  form.addEventListener("submit", () => {
    for (const field of form.elements) field.disabled = field.name !== "" && field.value === "";
  });
}
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form[data-lean] :disabled")) field.disabled = false;
});

const rows = () => [...document.querySelectorAll(".rows-go tbody tr a:first-of-type")].filter((link, place, all) =>
  all.findIndex((other) => other.closest("tr") === link.closest("tr")) === place);

function step(by) {
  const links = rows();
  const here = links.findIndex((link) => link.closest("tr").contains(document.activeElement));
  const next = here < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(here + by, 0), links.length - 1);
  links[next]?.focus();
}

let wentAt = 0;

document.addEventListener("keydown", (event) => {
  const writes = event.target.closest("input, textarea, select");
  if (event.key === "Escape" && writes) writes.blur();
  if (writes || event.ctrlKey || event.metaKey || event.altKey) return;
  const room = Date.now() - wentAt < 1500 && document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  wentAt = event.key === "g" ? Date.now() : 0;
  if (room) {
    room.click();
  } else if (event.key === "/") {
    event.preventDefault();
    document.getElementById("find")?.focus();
  } else if (event.key === "j") {
    step(1);
  } else if (event.key === "k") {
    step(-1);
  }
});

// a draft's letters come into their frames by themselves, one after the other: a form is sent to one place at a time
const letters = [...document.querySelectorAll("button[data-frame]")];

function showNextLetter() {
  const button = letters.shift();
  if (!button) return;
  document.querySelector(`iframe[name="${button.formTarget}"]`).addEventListener("load", showNextLetter, { once: true });
  button.form.requestSubmit(button);
}

showNextLetter();
if (document.getElementById("preview")) document.getElementById("preview").scrollIntoView();

// The search box: suggestions come by htmx as a list of links; here they are reached by arrow keys, said to those who
// cannot see them, and put away. Without this the box is a form like any other.
"use strict";

for (const form of document.querySelectorAll("[data-search]")) {
  const input = form.querySelector("input");
  const list = form.querySelector(".suggestions");
  const said = form.querySelector("[data-search-said]");
  const links = () => [...list.querySelectorAll("a")];

  const close = () => {
    list.replaceChildren();
    said.textContent = "";
  };

  new MutationObserver(() => {
    const found = list.querySelector("[data-said]");
    said.textContent = found ? found.dataset.said : "";
    // an answer may come when its reader has gone elsewhere
    if (found && !form.contains(document.activeElement)) close();
  }).observe(list, { childList: true });

  form.addEventListener("keydown", (event) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    if (event.key === "Escape" && all.length) {
      event.preventDefault();
      input.focus();
      close();
    } else if (event.key === "ArrowDown" && all.length) {
      event.preventDefault();
      all[Math.min(at + 1, all.length - 1)].focus();
    } else if (event.key === "ArrowUp" && at >= 0) {
      event.preventDefault();
      (at ? all[at - 1] : input).focus();
    }
  });

  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) close();
  });

  input.addEventListener("input", () => {
    if (!input.value.trim()) close();
  });
}

// when more films were put in place of the button that asked for them, the keyboard goes on at the first of them
let before = 0;

document.addEventListener("htmx:before:request", (event) => {
  if (event.target.matches?.("[data-more]")) before = document.querySelectorAll("#films > .card").length;
});

document.addEventListener("htmx:after:swap", () => {
  const first = before && document.querySelectorAll("#films > .card")[before];
  before = 0;
  if (first) first.querySelector("a").focus({ preventScroll: true });
});

// Comforts; every page works without them: moments in the reader's own time zone, and buttons that go quiet
// once pressed (what may count only once is kept so by the server).
"use strict";

const forms = {
  moment: { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" },
  day: { day: "numeric", month: "long", year: "numeric" },
};

for (const time of document.querySelectorAll("time[data-form]")) {
  const at = new Date(time.dateTime);
  time.title = time.textContent;
  time.textContent = at.toLocaleString(document.documentElement.lang === "ru" ? "ru" : "en-GB", forms[time.dataset.form]);
}

// the reader's own zone, where none was chosen yet
for (const field of document.querySelectorAll("input[data-own-zone]")) {
  field.value = Intl.DateTimeFormat().resolvedOptions().timeZone || field.value;
}

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    form.classList.add("sent");
  });
}

// a page brought back by the "back" button may be used again
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form.sent")) {
    delete form.dataset.sent;
    form.classList.remove("sent");
  }
});

"use strict";
// Searches, filters and sorts the table that the page already holds. Rows are only ever moved, never made from text, so nothing
// that a registry wrote can become markup here.
const byId = (id) => document.getElementById(id);

function colours() {
  const theme = byId("theme"), system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const showTheme = () => theme.setAttribute("aria-pressed", String(isDark()));
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try {
      localStorage.setItem(THEME, root.dataset.theme);
    } catch {
      // Kept for this page only.
    }
    showTheme();
  });
  system.addEventListener("change", showTheme);
  showTheme();
}

function images(table) {
  const PAGE = 200; // rows in the document at first, and per step when scrolling
  const body = table.tBodies[0], more = byId("more"), none = byId("none"), count = byId("count");
  const search = byId("search"), kind = byId("kind"), reason = byId("reason"), repository = byId("repository");
  const states = [...document.querySelectorAll(".states input")];
  const whole = new Intl.NumberFormat("en");

  const entries = [...body.rows].map((row, place) => {
    const [image, fate, , age, size] = row.cells;
    const code = image.querySelector("code");
    const number = (cell) => Number(cell.firstElementChild?.getAttribute("value") ?? NaN);
    return {
      row, place,
      text: `${row.textContent} ${code.title}`.toLowerCase(),
      states: row.className.split(" "),
      kind: row.dataset.kind, reasons: row.dataset.reasons.split(" "), repository: row.dataset.repository,
      image: code.textContent, fate: fate.textContent, age: number(age), size: number(size),
    };
  });
  body.replaceChildren();
  table.classList.add("ready");

  let found = entries, shown = 0, sorting = null;

  function extend(rows = PAGE) {
    body.append(...found.slice(shown, shown + rows).map((entry) => entry.row));
    shown = Math.min(shown + rows, found.length);
    more.hidden = shown >= found.length;
  }

  function compare(one, other) {
    const a = one[sorting.key], b = other[sorting.key];
    if (typeof a === "string") return sorting.sign * a.localeCompare(b, "en", { numeric: true }) || one.place - other.place;
    // What is not known comes last, whichever way the rest is sorted.
    return Number.isNaN(a) - Number.isNaN(b) || sorting.sign * (a - b) || one.place - other.place;
  }

  function update() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = states.find((input) => input.checked).value;
    found = entries.filter((entry) =>
      (!state || entry.states.includes(state)) &&
      (!kind.value || entry.kind === kind.value) &&
      (!reason.value || entry.reasons.includes(reason.value)) &&
      (!repository.value || entry.repository === repository.value) &&
      words.every((word) => entry.text.includes(word)));
    if (sorting) found.sort(compare);
    body.replaceChildren();
    shown = 0;
    extend();
    none.hidden = found.length > 0;
    const all = whole.format(entries.length);
    count.textContent = found.length === entries.length ? `${all} items` : `${whole.format(found.length)} of ${all} items`;
    remember(state);
  }

  // The filters live in the address, so that a view can be shared and survives a reload.
  function remember(state) {
    const values = { q: search.value, state, kind: kind.value, reason: reason.value, repository: repository.value };
    const kept = new URLSearchParams(Object.entries(values).filter(([, value]) => value));
    try {
      history.replaceState(null, "", `#${kept}`);
    } catch {
      // Some sandboxes forbid it; the page works without.
    }
  }

  function recall() {
    const kept = new URLSearchParams(location.hash.slice(1));
    search.value = kept.get("q") ?? "";
    for (const [select, name] of [[kind, "kind"], [reason, "reason"], [repository, "repository"]]) {
      const value = kept.get(name) ?? "";
      if ([...select.options].some((option) => option.value === value)) select.value = value;
    }
    const state = states.find((input) => input.value === kept.get("state"));
    if (state) state.checked = true;
  }

  function sortBy(head, key, numeric) {
    const descending = numeric ? sorting?.key !== key || sorting.sign > 0 : sorting?.key === key && sorting.sign > 0;
    sorting = { key, sign: descending ? -1 : 1 };
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    update();
  }

  function button(cell, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.append(...cell.childNodes);
    made.addEventListener("click", act);
    cell.append(made);
  }

  for (const head of table.tHead.rows[0].cells) {
    const key = head.dataset.key;
    if (key) button(head, () => sortBy(head, key, key === "age" || key === "size"));
  }
  for (const cell of document.querySelectorAll(".sizes [data-repository]")) {
    button(cell, () => {
      repository.value = repository.value === cell.dataset.repository ? "" : cell.dataset.repository;
      update();
      byId("images").scrollIntoView();
    });
  }
  search.addEventListener("input", update);
  for (const control of [kind, reason, repository, ...states]) control.addEventListener("change", update);
  more.addEventListener("click", () => extend());
  new IntersectionObserver((seen) => {
    if (seen.some((entry) => entry.isIntersecting) && shown < found.length) extend();
  }, { rootMargin: "600px" }).observe(more);
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input[type=search], select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      search.focus();
    }
  });
  // Paper cannot be scrolled: it gets every row that the filters let through.
  addEventListener("beforeprint", () => extend(found.length));

  const controls = document.querySelector(".controls");
  new ResizeObserver(() => table.style.setProperty("--bar", `${controls.offsetHeight}px`)).observe(controls);

  recall();
  update();
}

colours();
if (byId("rows")) images(byId("rows"));

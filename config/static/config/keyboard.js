/* Makes what unfold's templates only let be clicked, and only show as a picture, usable by keyboard and by
   reader: elements with a click handler become buttons, icons are hidden from readers, and what then has no
   name gets one. Watches for what is added later. */
"use strict";

(() => {
  /* What an icon says where it is all that an element shows; by its name in Material Symbols. */
  const SAID = {
    add: "Add",
    chevron_left: "Back",
    close: "Close the menu",
    computer: "Theme",
    dark_mode: "Theme",
    delete: "Delete",
    dock_to_right: "Show or hide the menu",
    edit: "Change",
    expand_more: "Show or hide the details",
    filter_list: "Filters",
    light_mode: "Theme",
    more_horiz: "More",
    more_vert: "More",
    package_2: "Parcelwire",
    search: "Search",
    visibility: "Show the password",
    visibility_off: "Hide the password",
  };
  const CLICKED = "[x-on\\:click], [x-on\\:click\\.prevent]";
  const OPERABLE = "a[href], button, input, select, textarea, summary, label";
  const ICON = ".material-symbols-outlined";
  const STYLES = { attributes: true, attributeFilter: ["style"] };
  const TOGGLE = /^(\w+) = !\1\b/;

  function set(element, attribute, value) {
    if (!element.hasAttribute(attribute)) element.setAttribute(attribute, value);
  }

  function inside(root, selector) {
    const found = [...root.querySelectorAll(selector)];
    return root.matches?.(selector) ? [root, ...found] : found;
  }

  /* A cell and a heading stay what they are: what they hold becomes the button. */
  function buttonOf(element) {
    if (element.matches("td")) return element.querySelector(ICON);
    if (!element.matches("h1, h2, h3, h4")) return element;
    const inner = element.querySelector(":scope > .staff-fold") ?? document.createElement("span");
    if (!inner.isConnected) {
      inner.className = "staff-fold";
      inner.append(...element.childNodes);
      element.append(inner);
    }
    return inner;
  }

  function makeButton(element) {
    if (element.matches(OPERABLE) || element.id === "changelist-filter-close") return;
    const target = element.querySelector(OPERABLE) ? null : buttonOf(element);
    if (!target) return;
    set(target, "role", "button");
    set(target, "tabindex", "0");
  }

  function sayWhetherOpen(element) {
    const name = TOGGLE.exec(element.getAttribute("x-on:click") ?? "")?.[1];
    if (!name) return;
    const target = buttonOf(element) ?? element;
    Alpine.effect(() => target.setAttribute("aria-expanded", String(Boolean(Alpine.$data(element)[name]))));
  }

  function textOf(element) {
    const copy = element.cloneNode(true);
    for (const icon of copy.querySelectorAll(ICON)) icon.remove();
    return copy.matches(ICON) ? "" : copy.textContent.trim();
  }

  function name(element) {
    if (element.hasAttribute("aria-label") || element.title || textOf(element)) return;
    const icon = element.matches(ICON) ? element : element.querySelector(ICON);
    if (!icon || element.querySelector("img, input")) return;
    const word = icon.textContent.trim();
    element.setAttribute("aria-label", SAID[word] ?? word.replaceAll("_", " "));
  }

  /* A picture with a title, such as unfold's yes and no, is read as its title. */
  function readAsPicture(icon) {
    const around = icon.parentElement;
    if (around?.title && !around.matches(OPERABLE) && !textOf(around)) {
      set(around, "role", "img");
      set(around, "aria-label", around.title);
    }
  }

  function mend(root) {
    inside(root, CLICKED).forEach(makeButton);
    inside(root, `a[href], button, [role=button]`).forEach(name);
    for (const icon of inside(root, ICON)) {
      if (!icon.matches("[role=button]")) icon.setAttribute("aria-hidden", "true");
      readAsPicture(icon);
    }
    for (const choice of inside(root, ".select2-selection__rendered")) nameChoice(choice);
    for (const box of inside(root, "[x-data='searchCommand()'], #modal-content")) makeDialog(box);
    for (const hint of inside(root, ".help-tooltip")) set(hint, "role", "img");
    for (const link of inside(root, "#nav-sidebar a.active")) link.setAttribute("aria-current", "page");
    for (const menu of inside(root, "nav:not([aria-label])")) menu.setAttribute("aria-label", nameOfMenu(menu));
  }

  /* Select2 puts its own field beside a select, and does not take over the label. */
  function nameChoice(choice) {
    const select = choice.closest(".select2-container")?.parentElement?.querySelector("select[id]");
    const label = select?.labels?.[0]?.textContent.replace(/[:*\s]+$/, "").trim();
    set(choice, "aria-label", label || select?.name || "Choice");
  }

  function makeDialog(box) {
    set(box, "role", "dialog");
    set(box, "aria-modal", "true");
    set(box, "aria-label", box.id === "modal-content" ? "Question" : "Search");
    const field = box.querySelector("#search-input-command");
    if (field) new MutationObserver(() => box.checkVisibility() && field.focus()).observe(box, STYLES);
  }

  function nameOfMenu(menu) {
    if (menu.id === "nav-sidebar-inner") return "Menu";
    return menu.id.startsWith("tabs-") ? "Tabs" : "Choices";
  }

  /* Simplebar makes a region of each element that it lets be scrolled: each needs a name of its own. */
  function nameRegions() {
    const used = new Map();
    for (const region of document.querySelectorAll("[data-simplebar]")) {
      const kind = region.closest("nav") ? "Menu" : region.closest("#changelist-filter") ? "Filters" : "Content";
      const count = (used.get(kind) ?? 0) + 1;
      used.set(kind, count);
      set(region, "data-simplebar-aria-label", count > 1 ? `${kind}, part ${count}` : kind);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    nameRegions();
    mend(document.body);
    new MutationObserver((changes) => {
      for (const change of changes) {
        for (const node of change.addedNodes) if (node instanceof Element) mend(node);
      }
    }).observe(document.body, { childList: true, subtree: true });
  });

  document.addEventListener("alpine:initialized", () => {
    document.querySelectorAll("[x-on\\:click]").forEach(sayWhetherOpen);
  });

  document.addEventListener("keydown", (event) => {
    if ((event.key === "Enter" || event.key === " ") && event.target.matches("[role=button]:not(a[href], button)")) {
      event.preventDefault();
      event.target.click();
    }
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "modal-content") event.target.querySelector("input:not([type=hidden]), select, textarea, button, a[href]")?.focus();
  });
})();

/* Lets Alpine, which unfold ships in its ordinary build, run under a content policy without eval, and lets what
   is written as a style attribute by a script take effect without allowing such attributes. */
"use strict";

/* What expressions may name beside the data of their elements: unfold's own functions and these objects. */
const knownToExpressions = {
  localStorage: () => localStorage,
  window: () => ({ location: window.location }),
  moveRecords: () => moveRecords,
  getCurrentTab: () => getCurrentTab,
  searchCommand: () => searchCommand,
  searchDropdown: () => searchDropdown,
  searchForm: () => searchForm,
  sortRecords: () => sortRecords,
  theme: () => theme,
};

document.addEventListener("alpine:init", () => {
  const compiled = new Map();

  function compile(text) {
    if (!compiled.has(text)) compiled.set(text, compileExpression(text));
    return compiled.get(text);
  }

  function scopeOf(data) {
    return {
      self: data,
      read(name) {
        if (name in data) return data[name];
        if (Object.hasOwn(knownToExpressions, name)) return knownToExpressions[name]();
        throw new ReferenceError(`${name} is not defined`);
      },
      write: (name, value) => (data[name] = value),
    };
  }

  function report(error, element, expression) {
    error.message = `${error.message} (in ${expression})`;
    console.warn(error.message, element);
    setTimeout(() => {
      throw error;
    }, 0);
  }

  /* As Alpine's own evaluator does, a function that comes out is called. */
  function hand(value, receiver, data, params) {
    const result = typeof value === "function" ? value.apply(data, params) : value;
    if (result instanceof Promise) result.then(receiver);
    else receiver(result);
  }

  Alpine.setEvaluator((element, expression) => {
    const own = {
      $el: element,
      $dispatch: (name, detail = {}) =>
        element.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true })),
    };
    return (receiver = () => {}, { scope = {}, params = [] } = {}) => {
      const data = Alpine.mergeProxies([scope, own, ...Alpine.closestDataStack(element)]);
      try {
        const value = typeof expression === "function" ? expression : compile(expression)(scopeOf(data));
        hand(value, receiver, data, params);
      } catch (error) {
        report(error, element, expression);
      }
    };
  });
});

/* Alpine and others write whole style attributes; through the CSSOM the same is allowed. */
const setAnyAttribute = Element.prototype.setAttribute;
Element.prototype.setAttribute = function (name, value) {
  if (name.toLowerCase() === "style" && this.style) this.style.cssText = value;
  else setAnyAttribute.call(this, name, value);
};

/* What a template can only say as a style (a width in percent, say) stands in data-style. */
function applyStyles(root) {
  for (const element of root.querySelectorAll("[data-style]")) element.style.cssText = element.dataset.style;
}
document.addEventListener("DOMContentLoaded", () => applyStyles(document));
document.addEventListener("htmx:load", (event) => applyStyles(event.target));

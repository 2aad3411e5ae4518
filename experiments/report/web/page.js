// Draws every interactive part that this page holds. Each part is a function of its own file, `afterzero.parts.NAME`; what it
// needs stands beside it as JSON. A part that fails says so in its place and leaves the rest of the page as it is.
"use strict";
window.afterzero ??= {parts: {}};

addEventListener("DOMContentLoaded", () => {
  for (const root of document.querySelectorAll("section[data-part]")) {
    const name = root.dataset.part;
    try {
      afterzero.parts[name](root, JSON.parse(document.getElementById(`${name}-data`).textContent));
    } catch (error) {
      const said = document.createElement("p");
      said.textContent = `This part could not be drawn: ${error.message}`;
      root.append(said);
      console.error(error);
    }
  }
});

// What scrolls in itself must be reached by the keyboard; what does not must not be in its way.
addEventListener("DOMContentLoaded", () => {
  const watch = new ResizeObserver((entries) => {
    for (const {target} of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const one of document.querySelectorAll("figure, .wide")) watch.observe(one);
});

// Paper has no button: what is folded is printed too, and folded again afterwards. Figures must not wait for being scrolled to.
addEventListener("beforeprint", () => {
  for (const one of document.querySelectorAll("details:not([open])")) {
    one.dataset.folded = "";
    one.open = true;
  }
  for (const one of document.querySelectorAll("img[loading=lazy]")) one.loading = "eager";
});
addEventListener("afterprint", () => {
  for (const one of document.querySelectorAll("details[data-folded]")) {
    delete one.dataset.folded;
    one.open = false;
  }
});

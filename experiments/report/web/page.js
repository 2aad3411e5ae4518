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

// A slider through numbered steps, with buttons to play and to go one step; arrow keys, Home and End work on the slider.
// afterzero.stepper(place, {label, count, at, pause, show, said}) fills `place` and calls show(step) for each step; said(step) is
// what screen readers hear. `pause` are milliseconds between steps while it plays; who asks for less motion gets longer ones.
"use strict";
window.afterzero ??= {parts: {}};

afterzero.stepper = (place, {label, count, at = 0, pause = 120, show, said}) => {
  const less = matchMedia("(prefers-reduced-motion: reduce)");
  const make = (name, text, settings = {}) => Object.assign(document.createElement(name), {textContent: text, ...settings});
  const play = make("button", "▶ Play", {type: "button", className: "stepper-play"});
  const back = make("button", "‹", {type: "button"});
  const on = make("button", "›", {type: "button"});
  const slider = make("input", "", {type: "range", min: 0, step: 1});
  slider.setAttribute("aria-label", label);
  back.setAttribute("aria-label", `${label}: one step back`);
  on.setAttribute("aria-label", `${label}: one step on`);
  play.setAttribute("aria-label", `${label}: play`);
  place.classList.add("stepper");
  place.append(play, back, on, slider);
  let timer = 0;

  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ Play";
    play.setAttribute("aria-label", `${label}: play`);
  };
  const set = (step) => {
    at = Math.max(0, Math.min(count - 1, step));
    slider.value = at;
    back.disabled = at === 0;
    on.disabled = at === count - 1;
    show(at);
    slider.setAttribute("aria-valuetext", said(at));
  };
  const start = () => {
    if (at === count - 1) set(0);
    play.textContent = "⏸ Pause";
    play.setAttribute("aria-label", `${label}: pause`);
    timer = setInterval(() => (at === count - 1 ? stop() : set(at + 1)), less.matches ? Math.max(1000, pause) : pause);
  };
  play.addEventListener("click", () => (timer ? stop() : start()));
  back.addEventListener("click", () => { stop(); set(at - 1); });
  on.addEventListener("click", () => { stop(); set(at + 1); });
  slider.addEventListener("input", () => { stop(); set(Number(slider.value)); });

  const length = (steps) => { count = steps; slider.max = steps - 1; };
  length(count);
  set(at);
  return {get at() { return at; }, get count() { return count; }, set, stop,
          // Other steps in place of these: stays at the end where it stood there.
          renew(steps) { const end = at === count - 1; length(steps); set(end ? steps - 1 : at); }};
};

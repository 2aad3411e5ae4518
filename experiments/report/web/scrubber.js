"use strict";
/* The scrubber: one slider, on a log scale of epochs, moves two recorded trainings of the same network on the same points. */
window.afterzero ??= {parts: {}};
{
  const STEPS = 10000;  // of the slider
  const PAPER = 480;  // pixels that a lane is wide on the narrowest paper, A5
  const FRAMES_A_SECOND = 6;  // at 1 ×
  const NAMES = {cross_entropy: "Cross-entropy", hinge: "Hinge", squared_error: "Squared error"};
  const SIDES = ["left", "right"];

  /* What `report/scrubber.py: packed` made: frames of `width` bytes, each told by what it adds to the one before. */
  afterzero.unpackFrames = async (text, width) => {
    const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    const frames = new Uint8Array(await new Response(stream).arrayBuffer());
    for (let i = width; i < frames.length; i++) frames[i] += frames[i - width];
    return frames;
  };

  const lowest = values => values.reduce((best, value, i) => value < values[best] ? i : best, 0);
  const number = epoch => epoch.toLocaleString("en").replace(",", "\u202f");
  const percent = share => `${afterzero.scrubNumber(100 * share)} %`;
  const title = run => run.level ? `Flooding at ${run.level}` : NAMES[run.loss];

  /* What is to be seen of one run at a frame, in words. */
  afterzero.scrubWords = (run, epochs, frame) => {
    const {train_error: errors, train_loss: trained, test_loss: tested, test_error: tests} = run.curves;
    const words = [], best = lowest(tested), ratio = tested[frame] / tested[best];
    if (errors[frame] > 0) words.push(`training error ${percent(errors[frame])}`);
    else words.push(`training error 0${epochs[frame] === run.zero ? " for the first time" : `, first at epoch ${number(run.zero)}`}`);
    if (run.level && trained[frame] < 1.1 * run.level) words.push(`the training loss is held at ${run.level}`);
    if (frame === best) words.push("the test loss is at its lowest");
    else {
      const shown = ratio < 9.95 ? ratio.toFixed(1) : ratio.toFixed(0);
      words.push(`test loss ${shown === "1.0" ? "hardly above" : `${shown} ×`} its lowest (${
        frame < best ? "still to come, at" : "at"} epoch ${number(epochs[best])})`);
    }
    words.push(`${percent(tests[frame])} of new points are classified wrongly`);
    return `${words.join("; ")}.`;
  };

  afterzero.parts.scrubber = (root, data) => {
    if (data.missing) return;
    const find = selector => root.querySelector(selector);
    const {epochs} = data, last = epochs.length - 1, scale = Math.log(epochs[last]);
    const share = epoch => Math.log(epoch) / scale;
    const [slider, play, speed, live] = [".scrub-slider", ".scrub-play", ".scrub-speed", "[aria-live]"].map(find);
    const panels = SIDES.map(side => find(`.scrub-panel[data-side="${side}"]`));
    const lanes = SIDES.map(side => find(`.scrub-lane[data-side="${side}"]`));
    const fields = panels.map(panel => panel.querySelector(".scrub-field"));
    const charts = panels.map((panel, i) => afterzero.scrubCharts(panel, data, i ? "--green" : "--red", seek));
    const state = {frame: last, between: 0, playing: false};
    const unpacked = new Map();  // of the runs that were looked at
    let shown = [], set = null, asked = 0;

    const nearest = epoch => lowest(epochs.map(one => Math.abs(share(one) - share(epoch))));
    function seek(epoch) { stop(); go(nearest(epoch)); }
    const calm = matchMedia("(prefers-reduced-motion: reduce)");

    function chosen() {
      const value = name => find(`input[name="scrub-${name}"]:checked`)?.value;
      const noise = Number(value("noise")), loss = value("loss"), level = loss === "flooding" ? Number(value("level")) : 0;
      find(".scrub-levels").disabled = loss !== "flooding";
      const run = (loss, level) => data.runs.find(
        one => one.noise === data.noises[noise] && one.loss === loss && one.level === level);
      set = data.sets[noise];
      return [run("cross_entropy", 0), run(loss === "flooding" ? "cross_entropy" : loss, level)];
    }

    async function load(run) {
      if (!unpacked.has(run)) {
        unpacked.set(run, Promise.all([afterzero.unpackFrames(run.fields, data.size ** 2),
                                       afterzero.unpackFrames(run.margins, set.labels.length)]));
      }
      const [field, margins] = await unpacked.get(run);
      return {run, field, margins};
    }

    async function choose() {
      const turn = ++asked;
      let found;
      try {
        found = await Promise.all(chosen().map(load));
      } catch (error) {
        find(".scrub-said").textContent = `The recordings cannot be unpacked by this browser: ${error.message}`;
        throw error;
      }
      if (turn !== asked) return;  // somebody chose again meanwhile
      shown = found;
      const room = afterzero.scrubLimits(shown.map(one => one.run));
      shown.forEach(({run, margins}, i) => {
        panels[i].querySelector(".scrub-title").textContent = title(run);
        charts[i].show(run, margins, set, room);
      });
      mark();
      draw();
    }

    function mark(narrowest) {
      shown.forEach(({run}, i) => afterzero.scrubMarks(lanes[i], {
        title: title(run), rules: data.rules, run, share, narrowest,
        jump: epoch => { stop(); go(Math.max(0, epochs.findIndex(one => one >= epoch))); }}));
    }

    /* The bytes of a field between two frames, while playing; at a frame, those of the frame. */
    function fieldAt(field) {
      const cells = data.size ** 2, here = field.subarray(state.frame * cells, (state.frame + 1) * cells);
      if (!state.between || state.frame === last) return here;
      const next = field.subarray((state.frame + 1) * cells, (state.frame + 2) * cells);
      return here.map((value, i) => Math.round(value + state.between * (next[i] - value)));
    }

    function draw() {
      if (!shown.length) return;
      drawFields();
      const epoch = epochs[state.frame];
      slider.value = Math.round(STEPS * share(epoch));
      slider.setAttribute("aria-valuetext", `epoch ${number(epoch)}`);
      shown.forEach(({run}, i) => {
        charts[i].at(state.frame);
        panels[i].querySelector(".scrub-epoch").textContent = `epoch ${number(epoch)}`;
        panels[i].querySelector(".scrub-said").textContent = sentence(run);
      });
      if (!state.playing) describe();
    }

    function drawFields() {
      shown.forEach(({field}, i) => afterzero.drawField(fields[i], {
        size: data.size, values: fieldAt(field), squeeze: data.squeeze, points: set.points, labels: set.labels,
        wrong: set.wrong, box: [-data.reach, data.reach, -data.reach, data.reach]}));
    }

    function sentence(run) {
      const words = afterzero.scrubWords(run, epochs, state.frame);
      return words[0].toUpperCase() + words.slice(1);
    }

    /* For screen readers, when the picture rests. */
    function describe() {
      const epoch = epochs[state.frame], wrong = set.wrong.filter(Boolean).length;
      live.textContent = shown.map(({run}) => `Epoch ${epoch}, ${title(run)}: ${sentence(run)}`).join(" ");
      shown.forEach(({run}, i) => fields[i].setAttribute("aria-label",
        `Decision field of ${title(run)} at epoch ${epoch}, with ${set.labels.length} training points, ${
          wrong || "none"} of them with a wrong label`));
    }

    function go(frame) {
      Object.assign(state, {frame: Math.min(last, Math.max(0, frame)), between: 0});
      draw();
    }

    function stop() {
      if (!state.playing) return;
      state.playing = false;
      press();
      go(state.frame);
    }

    function press() {
      play.setAttribute("aria-label", state.playing ? "Pause" : "Play");
      play.toggleAttribute("data-playing", state.playing);
    }

    function toggle() {
      if (state.playing) return stop();
      if (state.frame === last) go(0);
      state.playing = true;
      press();
      let before = performance.now();
      const tick = now => {
        if (!state.playing || !root.isConnected) return;
        // A tab that was hidden goes on where it was.
        const steps = Math.min(now - before, 250) / 1000 * FRAMES_A_SECOND * Number(speed.value);
        before = now;
        state.between += steps;
        if (state.between >= 1) {
          state.frame = Math.min(last, state.frame + Math.floor(state.between));
          state.between %= 1;
          if (state.frame === last) return stop();
          const {between} = state;
          if (calm.matches) state.between = 0;
          draw();
          state.between = between;
        } else if (!calm.matches) drawFields();
        requestAnimationFrame(tick);
      };
      requestAnimationFrame(tick);
    }

    /* Make a choice for somebody, and show how it goes from the beginning. */
    async function look(number) {
      const [, noise, loss, level] = data.looks[number];
      stop();
      for (const [name, value] of [["noise", data.noises.indexOf(noise)], ["loss", loss], ["level", level]]) {
        const input = find(`input[name="scrub-${name}"][value="${value}"]`);
        if (input) input.checked = true;
      }
      await choose();
      go(0);
      if (!state.playing) toggle();
    }

    const KEYS = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5, Home: -last, End: last};
    slider.addEventListener("keydown", event => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === " ") toggle();
      else if (event.key in KEYS) { stop(); go(state.frame + KEYS[event.key]); }
      else return;
      event.preventDefault();
    });
    slider.addEventListener("input", () => seek(Math.exp(scale * Number(slider.value) / STEPS)));
    play.addEventListener("click", toggle);
    for (const input of root.querySelectorAll(".scrub-choices input")) input.addEventListener("change", choose);
    for (const button of root.querySelectorAll("[data-look]")) button.addEventListener("click", () => look(button.dataset.look));

    const ticks = find(".scrub-ticks");
    for (let epoch = 1; epoch <= epochs[last]; epoch *= 10) {
      const tick = document.createElement("span");
      tick.textContent = number(epoch);
      tick.style.left = `calc(${afterzero.scrubAt(share(epoch))})`;
      ticks.append(tick);
    }
    let wide = 0;
    new ResizeObserver(() => {
      if (root.clientWidth === wide) return;
      wide = root.clientWidth;
      charts.forEach(one => one.resize());
      mark();
      draw();
    }).observe(root);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      charts.forEach(one => one.recolour());
      draw();
    });
    addEventListener("beforeprint", () => mark(PAPER));
    addEventListener("afterprint", () => mark());
    choose();
  };
}

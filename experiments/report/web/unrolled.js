// A recurrent network unrolled over a word: states, answers, and the gradient on its way back through time. data: languages,
// and networks, each with moments of its training (M) and words; of a word's T letters `states` and `gradients` hold
// (M, D, T, H) signed bytes in base64, D directions. The slider first reads, one letter a step, and then goes back: 2T steps,
// and one before all.
"use strict";
window.afterzero ??= {parts: {}};

afterzero.parts.unrolled = (root, data) => {
  if (data.missing) return; // the template says what to do
  const find = (name) => root.querySelector(`.unrolled-${name}`);
  const number = (value) => value === 0 || value >= 0.01 && value < 1000 ? String(Number(value.toPrecision(2)))
    : value.toExponential(1).replace("e-", "e−");
  const percent = (share) => share >= 0.1 ? `${Math.round(100 * share)}`
    : share >= 0.001 ? `${Number((100 * share).toPrecision(1))}` : share > 0 ? "<0.1" : "0";
  const make = (parent, name, classes = "", text = "") => {
    const made = parent.appendChild(document.createElement(name));
    if (classes) made.className = classes;
    made.textContent = text;
    return made;
  };
  const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
  const below = (number) => [...String(number)].map((digit) => String.fromCodePoint(0x2080 + Number(digit))).join("");
  const languages = data.languages.map(capital);
  const bytes = (text) => Int8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const rgb = (name) => {
    const text = getComputedStyle(root).getPropertyValue(`--${name}`).trim();
    return [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
  };

  // --- what is chosen, and where the slider stands ---

  const chosen = {network: 0, word: 0, moment: 0, direction: 0};
  let steps = null;
  const network = () => data.networks[chosen.network], word = () => network().words[chosen.word];
  const letters = () => [...word().text], backwards = () => chosen.direction === 1;
  // Of a step: whether the gradient goes back, and the letter (from 0) that it is at; -1 before the first.
  const at_step = (step) => {
    const T = letters().length, back = step > T, taken = back ? 2 * T - step : step - 1; // in the order in which steps are taken
    return {back, taken, letter: taken < 0 ? -1 : backwards() ? T - 1 - taken : taken, T};
  };
  const taken_of = (letter) => backwards() ? letters().length - 1 - letter : letter;
  const sizes = () => word().sizes[chosen.moment][chosen.direction], said = () => word().said[chosen.moment][chosen.direction];
  const share = (letter, moment = chosen.moment) => { // of the gradient at the step taken last
    const along = word().sizes[moment][chosen.direction], last = along[backwards() ? 0 : letters().length - 1];
    return last > 0 ? along[letter] / last : 0;
  };

  // --- the grid: one column a letter, and in every row a frame around the one where the slider stands ---

  const grid = find("grid"), rows = {}, frames = [];
  const row = (name, title, kind, element = "div") => {
    if (title) make(grid, "p", "unrolled-title", title);
    const around = make(grid, "div", "unrolled-row");
    rows[name] = make(around, element, kind);
    frames.push(make(around, "div", "unrolled-column"));
  };
  row("letters", "Letters", "unrolled-cells unrolled-word");
  row("answers", "What the network says of the letters read so far, were they the whole word", "unrolled-cells unrolled-bars");
  const keys = make(grid, "ul", "unrolled-keys");
  languages.forEach((name, k) => {
    const item = make(keys, "li");
    make(item, "i", `unrolled-answer-${k}`);
    item.append(name);
  });
  row("states", "States hₜ: a line for each hidden unit, from −1 (blue) to 1 (orange)", "", "canvas");
  row("bars", "|dhₜ|, in percent of what it is at the step taken last", "unrolled-cells unrolled-bars");
  row("sizes", "", "unrolled-cells unrolled-sizes");
  row("gradients", "dhₜ, unit by unit: were its state larger, the loss would be smaller (blue) or larger (orange); relative to the largest", "", "canvas");
  for (const name of ["states", "gradients"]) rows[name].setAttribute("role", "img");

  const paint = (canvas, values, visible, words) => {
    const T = letters().length, H = network().hidden;
    const from = T * H * (chosen.moment * word().said[0].length + chosen.direction);
    canvas.width = T;
    canvas.height = H;
    const context = canvas.getContext("2d", {willReadFrequently: true}), image = context.createImageData(T, H), hues = [rgb("blue"), rgb("orange")];
    for (let t = 0; t < T; t++) {
      if (!visible(t)) continue; // stays transparent
      for (let j = 0; j < H; j++) {
        const value = values[from + t * H + j], hue = hues[value < 0 ? 0 : 1], pixel = 4 * (j * T + t);
        for (let c = 0; c < 3; c++) image.data[pixel + c] = hue[c];
        image.data[pixel + 3] = Math.round(255 * Math.min(1, Math.abs(value) / 127));
      }
    }
    context.putImageData(image, 0, 0);
    canvas.setAttribute("aria-label", words);
  };

  const fill = () => { // the cells of another word
    const T = letters().length;
    grid.style.setProperty("--count", T);
    for (const name of ["letters", "answers", "bars", "sizes"]) rows[name].replaceChildren();
    letters().forEach((letter) => {
      make(rows.letters, "span", "", letter);
      const answers = make(rows.answers, "span"), bars = make(rows.bars, "span");
      languages.forEach((_, k) => make(answers, "i", `unrolled-answer-${k}`));
      make(bars, "i", "unrolled-size");
      make(rows.sizes, "span");
    });
    word().read ??= {states: bytes(word().states), gradients: bytes(word().gradients)};
  };

  const show = (step) => {
    const {back, taken, letter} = at_step(step);
    const read = (t) => back || taken_of(t) <= taken, reached = (t) => back && taken_of(t) >= taken;
    const largest = Math.max(...letters().map((_, t) => share(t)), 1e-30);
    letters().forEach((_, t) => {
      rows.letters.children[t].classList.toggle("unrolled-later", !read(t));
      [...rows.answers.children[t].children].forEach((bar, k) => { bar.style.height = read(t) ? `${said()[t][k] / 10}%` : "0"; });
      rows.bars.children[t].firstChild.style.height = reached(t) ? `${100 * share(t) / largest}%` : "0";
      rows.sizes.children[t].textContent = reached(t) ? percent(share(t)) : "";
    });
    for (const frame of frames) frame.hidden = letter < 0;
    grid.style.setProperty("--at", letter);
    const words = told(step);
    find("now").textContent = words;
    find("end").textContent = ended();
    paint(rows.states, word().read.states, read, `States of ${network().hidden} hidden units. ${words}`);
    paint(rows.gradients, word().read.gradients, reached, `Gradients of ${network().hidden} hidden units. ${words}`);
  };

  // --- words, computed from the data ---

  const best = (letter) => said()[letter].map((p, k) => [p / 1000, languages[k]]).sort((a, b) => b[0] - a[0])
    .slice(0, 2).filter(([p]) => p >= 0.01).map(([p, name]) => `${name} ${percent(p)} %`).join(", ");
  const told = (step) => {
    const {back, taken, letter, T} = at_step(step), away = backwards() ? -1 : 1; // from one step to the next
    if (letter < 0) return `Nothing is read yet: the state is 0. Of ${T} letters the ${backwards() ? "last" : "first"} comes first.`;
    const [before, t, after] = [-away, 0, away].map((by) => below(letter + 1 + by)), name = letters()[letter];
    if (!back) {
      const read = (backwards() ? letters().slice(letter) : letters().slice(0, letter + 1)).join("");
      return `Step ${taken + 1} of ${T} reads “${name}”: h${t} = tanh(W_xh[${name}] + ${taken ? `h${before} W_hh` : "0"} + b_h). ` +
        `Of “${read}” alone the network says: ${best(letter)}.`;
    }
    const how = taken === T - 1 ? `dh${t} = (p − y) W_hyᵀ comes from the output`
      : `dh${t} = dz${after} W_hhᵀ comes from “${letters()[letter + away]}”`;
    return `Back at “${name}”: ${how}; |dh${t}| = ${number(sizes()[letter])}, ${percent(share(letter))} % of that at the step ` +
      "taken last.";
  };
  const ended = () => {
    const {text, choice, language, loss} = word(), T = letters().length, first = backwards() ? T - 1 : 0;
    const {name, epoch, train, held} = network().moments[chosen.moment], left = share(first);
    const about = `“${text}” is ${capital(language)}, ${choice}. ${capital(name)} (epoch ${epoch}; right: ` +
      `${(100 * train).toFixed(1)} % of the training words, ${(100 * held).toFixed(1)} % of those held out) its loss is ` +
      `${number(loss[chosen.moment])} nats.`;
    if (T === 1 || !left) return about;
    const verdict = left < 0.1 ? "the gradient vanishes on its way" : left <= 1.5 ? "the gradient reaches it"
      : "the gradient grows on its way";
    const others = network().moments.map((one, m) => `${percent(share(first, m))} % at epoch ${one.epoch}`).join(", ");
    return `${about} Each step back multiplies |dh| by ${number(left ** (1 / (T - 1)))} on average, so that ${percent(left)} % ` +
      `arrive at the step taken first: ${verdict}. By epoch: ${others}.`;
  };

  // --- controls ---

  const choice = (name, title, options) => {
    const pair = make(find("choices"), "div"), label = make(pair, "label", "", title), select = make(pair, "select");
    select.id = label.htmlFor = `unrolled-${name}`;
    select.addEventListener("change", () => { chosen[name] = Number(select.value); renew(name); });
    return {select, fill: () => {
      select.replaceChildren(...options().map((text, n) => new Option(text, n, false, n === chosen[name])));
      select.disabled = options().length < 2;
    }};
  };
  const choices = {
    network: choice("network", "Network", () => data.networks.map((one) => one.title)),
    word: choice("word", "Word", () => network().words.map((one) => `${one.text} (${capital(one.language)}, ${one.choice})`)),
    moment: choice("moment", "Epoch", () => network().moments.map((one) => `${one.epoch}: ${one.name}`)),
    direction: choice("direction", "Direction", () => ["forwards", "in reverse"].slice(0, word().said[0].length)),
  };
  // Another network has words and moments of its own: the same word and moment stay where it has them.
  const renew = (changed) => {
    if (changed === "network") {
      const [old, then] = [choices.word, choices.moment].map((one) => one.select.selectedOptions[0].textContent);
      const again = (some, match, place) => {
        const n = some.findIndex(match);
        return n < 0 ? Math.min(place, some.length - 1) : n;
      };
      chosen.word = again(network().words, (one) => old.startsWith(`${one.text} (`), chosen.word);
      chosen.moment = again(network().moments, (one) => then.endsWith(`: ${one.name}`), chosen.moment);
      chosen.direction = Math.min(chosen.direction, word().said[0].length - 1);
    }
    Object.values(choices).forEach((one) => one.fill());
    fill();
    steps.renew(2 * letters().length + 1);
  };

  chosen.word = Math.min(1, network().words.length - 1);
  Object.values(choices).forEach((one) => one.fill());
  fill();
  steps = afterzero.stepper(find("steps"), {label: "Steps", count: 2 * letters().length + 1, at: 2 * letters().length,
                                            pause: 700, show, said: told});
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(steps.at));
};

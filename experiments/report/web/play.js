"use strict";
/* The page of `play`: settings become orders for the server, frames that come back are drawn. After each frame that it has
   drawn the page asks for the next one, so that a slow or hidden page gets fewer frames and none waits in a queue. */
window.afterzero ??= {parts: {}};

addEventListener("DOMContentLoaded", () => {
  const $ = id => document.getElementById(id);
  const form = $("choices"), KEPT = "afterzero play";  // settings survive a reload, a tab's own
  const names = Object.keys(JSON.parse($("defaults").textContent).defaults);
  const charts = afterzero.playCharts({losses: $("losses"), errors: $("errors"), margins: $("margins")});
  let socket = null, frame = null, data = null, training = false, asked = null, played = null, told = "", drawn = [], charted = 0;

  const percent = share => `${(100 * share).toFixed(1)} %`;
  const figure = value => value == null ? "–" : value >= 1e4 || (value > 0 && value < 1e-3) ? value.toExponential(1) : String(+value.toPrecision(3));

  // --- saying ---

  function say(text, bad = false) {
    if (text === told) return;  // or screen readers would hear it again
    told = text;
    $("state").textContent = text;
    $("state").classList.toggle("bad", bad);
  }

  function refuse(name = "", text = "") {
    for (const one of [...names, "speed"]) {
      const field = form.elements[one], said = $(`${one}-refused`), hint = $(`${one}-hint`) ? `${one}-hint` : "";
      const here = one === name;
      said.hidden = !here;
      said.textContent = here ? text : "";
      here ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
      const described = [hint, here ? said.id : ""].join(" ").trim();
      described ? field.setAttribute("aria-describedby", described) : field.removeAttribute("aria-describedby");
    }
    if (text) say(text, true);
  }

  // --- orders ---

  const alive = () => socket?.readyState === WebSocket.OPEN;
  const send = order => { if (alive()) socket.send(JSON.stringify(order)); };
  const shown = () => Object.fromEntries(names.map(name => [name, form.elements[name].selectedOptions?.[0].text ?? form.elements[name].value]));
  const chosen = () => Object.fromEntries(names.map(name => [name, form.elements[name].value]));

  function keep() {
    try { sessionStorage.setItem(KEPT, JSON.stringify({...chosen(), speed: form.elements.speed.value})); } catch { /* forbidden */ }
  }

  function begin(goOn = false) {
    keep();
    refuse();
    asked = shown();
    send({do: "begin", choices: chosen()});
    send({do: "speed", speed: form.elements.speed.value});
    if (goOn) send({do: "train"});
  }

  function connect(then) {
    socket = new WebSocket(`ws://${location.host}${location.pathname}live`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => { then(); send({do: "frame"}); };
    socket.onmessage = ({data}) => typeof data === "string" ? heard(JSON.parse(data)) : seen(data);
    socket.onclose = ({code}) => {
      training = false;
      pressed();
      if (frame) tables();  // its figures are those of the lines that can be saved
      if (told.startsWith("tabs:")) return;
      say(code === 1001 ? "The server has ended, and the run with it. Start it again with: afterzero play" :
        // A server that ends while a message is on its way to it takes its own last word along.
        "The server has ended, or the connection to it, and the run as well. Reset begins another one, if it is still there.",
      true);
    };
  }

  function heard(said) {
    if (said.error) said.name && form.elements[said.name] ? refuse(said.name, `${said.error}${frame ? "; the run there is goes on without" : ""}`) : say(said.error, true);
    else if (said.accepted) played = asked;
    else if (said.waiting) say(said.waiting);
  }

  // --- frames ---

  function seen(message) {
    const length = new DataView(message).getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(new Uint8Array(message, 4, length)));
    if (head.failed) { say(`This run failed: ${head.failed}`, true); send({do: "frame"}); return; }
    frame = {...head, field: new Uint8Array(message, 4 + length)};
    if (head.data) {
      data = head.data;
      charts.clear();
      charted = 0;
    }
    charts.add(head.rows);
    requestAnimationFrame(() => { draw(); send({do: "frame"}); });
  }

  function draw() {
    const now = performance.now();
    drawn = [...drawn.filter(then => now - then < 1000), now];
    drawField();
    training = frame.training && alive();  // the server may have ended since it sent this frame
    if (now - charted > 90 || !training) {  // curves need no more than ten pictures a second
      charted = now;
      charts.show({zero: frame.zero?.epoch ?? null, level: +(played?.level ?? 0), stops: frame.rules.flatMap(r => r.stopped?.epoch ?? []),
                   margins: frame.margins.right ? frame.margins : null});
      tables();
    }
    $("frames").textContent = training ? `${drawn.length} frames a second.` : "";
    document.body.dataset.frames = drawn.length;
    pressed();
    if (alive()) speak();  // else its end is what there is to read
  }

  function drawField() {
    if (!frame?.field.length || !data) return;
    const {points, labels, wrong} = data[$("points").value];
    afterzero.drawField($("field"), {size: Math.sqrt(frame.field.length), values: frame.field, squeeze: frame.squeeze, box: data.box, points,
                                     labels, wrong});
  }

  function pressed() {
    $("train").setAttribute("aria-pressed", String(training));
    $("stop").setAttribute("aria-pressed", String(!training));
  }

  function cells(row, values) {
    values.forEach((value, i) => { if (row.cells[i].textContent !== value) row.cells[i].textContent = value; });
  }

  function tables() {
    const {worth, rules} = frame, now = worth.now;
    $("now-epoch").textContent = frame.epoch;
    $("now-train").textContent = now ? percent(now.train_error) : "–";
    $("now-test").textContent = now ? percent(now.test_error) : "–";
    $("now-loss").textContent = now ? figure(now.test_loss) : "–";
    $("says").textContent = worth.says.replaceAll(" %", "\u00a0%");
    const said = at => at ? [String(at.epoch), percent(at.train_error), percent(at.test_error), figure(at.test_loss)] : ["–", "–", "–", "–"];
    for (const name of ["now", "zero", "best"]) cells($(`worth-${name}`), [$(`worth-${name}`).cells[0].textContent, ...said(worth[name])]);
    for (const {rule, stopped, returned} of rules) {
      const row = document.querySelector(`tr[data-rule="${rule}"]`), [epoch, , error, loss] = said(returned);
      row.classList.toggle("stopped", !!stopped);
      cells(row, [rule, row.cells[1].textContent, stopped ? String(stopped.epoch) : "not yet", epoch, error, loss]);
    }
  }

  function speak() {
    const text = frame.message ? frame.message :
      training ? (frame.zero ? `Zero training error at epoch ${frame.zero.epoch}. Keep training, or stop here?` : "Training.") :
      frame.epoch ? `Stopped at epoch ${frame.epoch}.` : "Ready: keep training begins.";
    if (!document.querySelector("[aria-invalid]")) say(text, !!frame.message);  // what was refused stays to be read
    if (!training) {
      const {now} = frame.worth;
      $("field").setAttribute("aria-label", `Decision field after ${frame.epoch} epochs` + (now ? `: ${percent(now.train_error)} of the training set and ${percent(now.test_error)} of the test set lie on the wrong side of the boundary` : ", before training"));
      if (frame.margins.right) $("margins").setAttribute("aria-label", `Histogram of the margins of the training set: smallest ${figure(frame.margins.smallest)}, median ${figure(frame.margins.median)}`);
      if (now) $("losses").setAttribute("aria-label", `Loss over epochs: training ${figure(now.train_loss)}, validation ${figure(now.val_loss)}, test ${figure(now.test_loss)} now`);
      if (now) $("errors").setAttribute("aria-label", `Error over epochs: training ${percent(now.train_error)}, test ${percent(now.test_error)} now`);
    }
  }

  function caption() {
    const {data, samples, noise, hidden, activation, loss, level, optimizer, rate, batch, seed} = played ?? shown();
    return `One run: ${data}, ${samples} training samples, wrong labels ${percent(+noise)}; network 2-${hidden ? `${hidden}-` : ""}2, ${activation}; ${loss}` +
      `${+level ? `, flood level ${level}` : ""}; ${optimizer}, rate ${rate}, batch ${batch}, seed ${seed}.\n${frame?.worth.says ?? ""}\n` +
      "Dashed: training set, dotted: validation set, solid: " +
      "test set; dashed upright: first zero training error; short strokes: a stopping rule stopped. Disc: class 0, square: class 1; rings, and bars as dark or light as this text: wrong labels.";
  }

  // --- controls ---

  const act = {train: () => send({do: "train"}), stop: () => send({do: "stop"}), step: () => send({do: "step"}),
               reset: () => alive() ? begin() : connect(() => begin()),
               lines: () => frame ? afterzero.showLines(frame.lines) : say("There are no lines yet: no run has begun.", true),
               picture: () => afterzero.savePicture({field: $("field"), caption: caption(), title: `afterzero play, epoch ${frame?.epoch ?? 0}`,
                 charts: Object.entries({losses: "Loss over epochs", errors: "Error over epochs", margins: "Margins of the training set"}).map(([name, head]) => [head, charts.pictures()[name]])})};
  for (const [id, action] of Object.entries(act)) $(id).addEventListener("click", action);
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("change", ({target}) => {
    if (target.name === "speed") { keep(); send({do: "speed", speed: target.value}); } else begin(training);
  });
  $("points").addEventListener("change", drawField);
  addEventListener("keydown", event => {
    if (event.key !== " " || event.repeat || event.target.closest("button, input, select, summary, dialog, [tabindex]")) return;
    event.preventDefault();
    training ? act.stop() : act.train();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { charts.restyle(); drawField(); });
  new ResizeObserver(drawField).observe($("field"));

  if (innerWidth < 1088) $("settings").open = false;
  try {
    for (const [name, value] of Object.entries(JSON.parse(sessionStorage.getItem(KEPT) ?? "{}"))) if (form.elements[name]) form.elements[name].value = value;
  } catch { /* what is kept there is not ours */ }
  connect(() => begin());
});

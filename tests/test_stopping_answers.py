"""What the command says of a log: the sentences, checked by hand on small runs, in both directions."""
import json

import numpy as np
import pytest

from stopping.__main__ import main
from stopping.answers import findings, verdict
from stopping.logs import read_logs
from stopping.noise import change, samples_at_least, within_scatter


def read(folder, text):
    (folder / "log.csv").write_text(text)
    [log] = read_logs([folder / "log.csv"])
    return log.with_own_names()


TURNED = ("epoch,accuracy,loss,val_accuracy,val_loss\n0,0.5,1,0.5,1\n1,0.75,0.8,0.6,0.8\n"
          "2,1,0.7,0.65,0.85\n3,1,0.6,{},0.9\n")


def test_the_loss_turned_while_the_error_fell(tmp_path):
    log = read(tmp_path, TURNED.format(0.7))
    # multiples of 0.05: 20 samples; one right and one wrong more: 1.96 sqrt((9/22 13/22 + 7/22 15/22) 22) / 20 = 0.311
    assert verdict(log) == ("No: val_loss was lowest at epoch 1 and got no better after it; val_error's fall from 0.4 there "
                            "to 0.3 is no more than chance explains (±0.31, at least 20 validation samples).")
    found = findings(log)
    assert found["zero training error"] == ("Training accuracy reached 100 %, to the digits of the log, at epoch 2; since "
                                            "then val_loss went from 0.85 to 0.9 and val_error went from 0.35 to 0.3.")
    assert found["turn"].endswith("(0.3) and 0.3 at the end: the loss turned, and the error changed by no more than chance "
                                  "explains.")
    assert found["past the best"] == "By val_loss the run went on for 2 of its 4 checks after its best."
    assert "at least 20 validation samples" in found["noise"] and "±0.31; on the same samples" in found["noise"]
    assert "change by -0.1 from the lowest val_loss to the end is no more than chance" in found["noise"]


def test_the_error_fell_by_more_than_chance(tmp_path):
    log = read(tmp_path, TURNED.format(0.975))  # 40 samples: 1.96 sqrt((17/42 25/42 + 2/42 40/42) 42) / 40 = 0.170
    assert verdict(log) == ("It depends on what counts: val_loss was lowest at epoch 1, while val_error went on "
                            "falling, from 0.4 there to 0.025, more than chance explains (±0.17, at least 40 validation "
                            "samples).")
    assert findings(log)["turn"].endswith("the loss turned and the error went on falling.")


def test_the_error_alone(tmp_path):
    rows = "epoch,val_error\n1,{0}\n2,{1}\n3,{2}\n"  # 53 samples, 22.3 and 22.8 of them wrong
    for scale in (1, 100):  # percent, too
        text = rows.format(*(round(scale * error, 9) for error in (0.58, 0.42, 0.43)))
        said = verdict(read(tmp_path, text))
        assert said.startswith("It makes no difference that this log can show: val_error was lowest at epoch 2 (")
        assert said.endswith(f"no more than chance explains (±{0.19 * scale:g}, at least 53 validation samples).")
        text = rows.format(*[scale * 0.5] * 3)
        assert verdict(read(tmp_path, text)).endswith("val_error was lowest at epoch 1 and is as low at the end.")
        text = rows.format(*(round(scale * error, 9) for error in (0.43, 0.42, 0.68)))
        assert verdict(read(tmp_path, text)) == (
            "No: after epoch 2 val_error got no better; the network of that check is the one to keep.")


def test_what_a_curve_does_from_check_to_check_is_no_turn(tmp_path):
    def said(losses):
        return verdict(read(tmp_path, "epoch,val_loss\n" + "".join(f"{n},{loss}\n" for n, loss in enumerate(losses, 1))))
    flat = [9, *[1.1, 1.2] * 4, 1.05, *[1.1, 1.2] * 6]
    assert said(flat) == ("It makes no difference that this log can show: val_loss was lowest at epoch 10, and at the end "
                          "it is higher by no more than it scatters.")
    # Second differences of 0.2: scatter 0.2 / 1.652 = 0.121; of 23 checks sqrt(2 log 23) + 1.645 = 4.149 times that: 0.502.
    assert said([*flat, 1.54]).startswith("It makes no difference") and said([*flat, 1.56]).startswith("No: after epoch 10")
    assert said([*flat, 0.95]).startswith("It makes no difference that this log can show: val_loss is lowest at the end")
    assert said([9 - n / 9 for n in range(40)]).startswith("Yes")
    late = [9 - n / 100 for n in range(570)] + [3.3 + n / 10 for n in range(30)]  # it turns within the last 5 %
    assert said(late).startswith("No: after epoch 571 val_loss got no better")
    assert "for 29 of its 600 checks" in findings(read(tmp_path, "epoch,val_loss\n" + "".join(
        f"{n},{loss}\n" for n, loss in enumerate(late, 1))))["past the best"]
    assert said([1] * 20).endswith("this log can show: val_loss was lowest at epoch 1 and is as low at the end.")
    assert said([1]) == "The log cannot tell whether going on helped: it has one check."


def test_the_error_rose_too(tmp_path):
    log = read(tmp_path, TURNED.format(0.1))
    assert verdict(log) == "No: after epoch 1 val_loss got no better; the network of that check is the one to keep."
    assert findings(log)["turn"].endswith("the loss turned, and the error rose too.")


def test_a_change_that_is_no_noise(tmp_path):
    rows = "".join(f"{n},{1 + n},{accuracy}\n" for n, accuracy in enumerate((0.9, 0.899, 0.898, 0.7)))
    found = findings(read(tmp_path, "epoch,val_loss,val_acc\n" + rows))
    assert "at least 683 validation samples" in found["noise"] and "is more than chance explains" in found["noise"]


def test_still_improving(tmp_path):
    log = read(tmp_path, "epoch,loss,val_loss\n1,3,3\n2,2,2\n3,1,1\n")
    assert verdict(log).startswith("Yes: val_loss was lowest at the end or close to it (epoch 3)")
    assert findings(log)["turn"] == "val_loss is lowest at the end (1): it has not turned."
    assert findings(log)["not judged"] == ("The log does not say whether training reached 100 %, how many validation "
                                           "samples are wrong.")


@pytest.mark.parametrize("losses, said", [
    ((3, 2, 1, 2, 3, 4, 3, 2, 0.5), "it rose from 1 at epoch 2 to 4 at epoch 5, and fell again."),
    ((3, 2, 1, 2, "", 4, 3, 2, 1), "it rose from 1 at epoch 2 to 4 at epoch 5, and fell again."),
    ((3, 2, 1, 2, 3, 4, 3, 2, 1 + 1e-13), "it rose from 1 at epoch 2 to 4 at epoch 5, and fell again."),  # rounded
    ((3, 2, 1, 4, 0.9, 0.8, 0.7, 0.6, 0.5), "it has not turned."),  # one check
    ((3, 2, 1, 1.02, 1.04, 1.03, 1.02, 1.01, 0.5), "it has not turned.")])  # hardly
def test_a_loss_that_rose_on_its_way_to_the_end(tmp_path, losses, said):
    log = read(tmp_path, "epoch,val_loss\n" + "".join(f"{n},{loss}\n" for n, loss in enumerate(losses)))
    assert findings(log)["turn"].endswith(f": {said}")


def test_divergence_and_no_validation(tmp_path):
    log = read(tmp_path, "epoch,loss,val_loss\n1,3,3\n2,nan,2\n")
    assert verdict(log) == "No: the run diverged."
    assert findings(log)["divergence"] == "train_loss is nan at epoch 2: the run diverged."
    log = read(tmp_path, "epoch,loss,val_loss\n1,3,3\n2,nan,2\n3,1,1\n")  # a batch of mixed precision, for one
    assert verdict(log).startswith("Yes")
    assert findings(log)["divergence"] == "train_loss is nan at epoch 2: a number again later."
    log = read(tmp_path, "epoch,loss,val_loss\n1,3,3\n2,2,nan\n3,1,inf\n")
    assert verdict(log) == "No: the run diverged." and findings(log)["turn"] == (
        "val_loss is lowest at epoch 1 (3) and no number after epoch 1.")
    assert verdict(read(tmp_path, "epoch,loss,val_loss\n1,3,3\n2,,2\n")).startswith("Yes")
    assert verdict(read(tmp_path, "epoch,loss\n1,3\n2,2\n")).startswith("The log cannot tell")


@pytest.mark.parametrize("val, said", [
    ([0.1] * 4, "at 100 % of the checks, throughout"), ([0.1, 2, 2, 2], "early only (1 check)"),
    ([0.1, 2, 2, 0.1], "at 2 of 4 checks, now and then"), ([2] * 4, None)])
def test_validation_better_than_training(tmp_path, val, said):
    found = findings(read(tmp_path, "epoch,loss,val_loss\n" + "".join(f"{n},1,{value}\n" for n, value in enumerate(val))))
    assert said in found["validation better than training"] if said else "validation better than training" not in found


def test_runs_that_lack_something_are_compared_in_what_all_have(tmp_path, capsys):
    full, blank = "epoch,val_loss,val_acc\n1,2,0.5\n2,1,0.6\n3,3,0.6\n", "epoch,val_loss,val_acc\n1,2,\n2,1,\n3,3,\n"
    none = "epoch,loss\n1,2\n2,1\n"
    for name, text in (("full", full), ("blank", blank), ("none", none)):
        (tmp_path / name).write_text(text)
    assert main(["replay", str(tmp_path / "full"), str(tmp_path / "blank")]) == 0
    whole = capsys.readouterr().out.partition("All 2 runs together")[2]
    assert "val_loss changes" in whole and "val_error" not in whole
    assert main(["replay", str(tmp_path / "full"), str(tmp_path / "none")]) == 0
    assert "together" not in capsys.readouterr().out


def test_shares_are_never_rounded_to_all(tmp_path):
    for accuracy, said in ((0.69999999, "70 %"), (0.9999999, "99.99999 %")):
        found = findings(read(tmp_path, f"epoch,loss,accuracy\n1,1,0.5\n2,1,{accuracy}\n"))
        assert found["zero training error"] == f"Training accuracy never reached 100 %; its highest is {said}."


def test_several_runs_are_paired(tmp_path, capsys, monkeypatch):
    """Student's interval of the differences within runs: 0.1, 0.2 and 0.3 have mean 0.2 and 4.303 * 0.1 / sqrt(3)."""
    rows = "".join(f"1,2,0.5\n2,1,{0.6}\n3,3,{0.6 - fall:.2f}\n" for fall in (0.1, 0.2, 0.3))
    (tmp_path / "log.csv").write_text("epoch,val_loss,val_acc\n" + rows)
    drawn = []
    monkeypatch.setattr("stopping.command.draw", lambda criteria, log, path: drawn.append((log.reading.run, path)))
    assert main(["replay", str(tmp_path / "log.csv"), "--runs", "all", "--criterion", "Patience(1)",
                 "--figure", str(tmp_path / "out.png")]) == 0
    lines = capsys.readouterr().out.splitlines()
    whole = lines[lines.index(next(line for line in lines if line.startswith("All 3 runs together"))):]
    assert whole[1] == ("val_loss changes from the lowest val_loss to the end by +2 ± 0: never below, so that this says how "
                        "much and not whether.")
    assert whole[2] == "val_error changes from the lowest val_loss to the end by +0.2 ± 0.25: no more than chance explains."
    assert whole[4].split() == ["Patience(1)", "0", "-2", "0", "yes"]
    assert drawn == [(n, str(tmp_path / f"out-{n}.png")) for n in (1, 2, 3)]
    assert whole[5] == f"drawn: {', '.join(path for _, path in drawn)}"
    assert main(["replay", str(tmp_path / "log.csv"), "--runs", "all", "--json"]) == 0
    documents = json.loads(capsys.readouterr().out)
    assert [document["run"] for document in documents] == [1, 2, 3]
    assert documents[0]["together"]["changes"]["val_error"]["half"] == pytest.approx(4.303 * 0.1 / 3 ** 0.5)


def test_a_log_given_twice_is_one_run(tmp_path, capsys):
    """Else its differences would have no scatter, and all be more than chance."""
    (tmp_path / "log.csv").write_text("epoch,val_loss\n1,2\n2,1\n3,nan\n4,3\n" * 2 + "epoch,val_loss\n1,2\n2,1\n3,4\n")
    log = str(tmp_path / "log.csv")
    for arguments, runs in (([log, log, "--runs", "1"], 0), ([log, "--runs", "all"], 2)):
        assert main(["replay", *arguments]) == 0
        said = capsys.readouterr().out
        assert said.count("note: the same numbers as in run 1 of those given: they count once") == 1
        assert said.count(f"All {runs} runs together") == said.count("together") == (runs > 0)


def test_the_number_of_samples_by_the_steps():
    assert samples_at_least(np.array([0.5, 0.25])) == 4 and samples_at_least(np.array([0.5, 0.5])) is None
    rng = np.random.default_rng(0)
    for samples in (10, 53, 150, 1000, 3000, 5100, 60_000):
        for digits in (2, 3, 4, 16):  # as accuracies are written: of 5100 samples two neighbours may look 1/10000 apart
            errors = np.round(rng.integers(0, samples, 200) / samples, digits)
            assert (samples_at_least(errors) or 1) <= samples


def test_a_few_errors_less_are_no_proof():
    """4 of 100 wrong and 0 of 100: Fisher's exact test has p = 0.12; 9 and 0: p = 0.003."""
    for wrong, is_noise in ((4, True), (9, False)):
        found = change({"val_error": np.array([0.3737, 0.0102, wrong / 100, 0])}, 2, 3)
        assert found.samples > 90 and found.is_noise == is_noise


def test_noise_about_a_level_is_no_turn():
    rng = np.random.default_rng(0)
    t = np.linspace(0.02, 1, 200)
    turned = 0.3 * t - 0.1 * np.log(t) + 0.01 * rng.normal(size=(50, 200))  # it ends 0.09 above its best
    assert not any(within_scatter(curve, int(curve.argmin()), 199) for curve in turned)
    flat = rng.normal(size=(100, 200))
    assert np.mean([within_scatter(curve, int(curve.argmin()), 199) for curve in flat]) > 0.9


def test_json(tmp_path, capsys):
    read(tmp_path, TURNED.format(0.7))
    assert main(["replay", str(tmp_path / "log.csv"), "--json", "--criterion", "GL(5)", "--criterion", "Patience(9)"]) == 0
    [document] = json.loads(capsys.readouterr().out)
    assert document["checks"] == 4 and document["recognised"]["train_loss"] == "loss"
    assert document["answer"].startswith("No: val_loss was lowest at epoch 1")
    assert [rule["stops at check"] for rule in document["rules"]] == [3, None]
    assert document["rules"][0]["its epoch"] == 1 and document["rules"][0]["val_loss above best"] == 0
    assert document["rules"][0]["above end"] == pytest.approx(-0.1)


def test_the_default_panel_asks_what_the_log_has(tmp_path, capsys):
    read(tmp_path, "epoch,loss\n1,3\n2,2\n")
    assert main(["replay", str(tmp_path / "log.csv")]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[:2] == ["Divergence()", "never"]


def test_metrics_that_no_rule_of_the_panel_watches_are_named(tmp_path, capsys):
    read(tmp_path, "epoch,train_loss,val_auc,val_f1\n1,3,0.5,0.5\n2,2,0.6,0.5\n")
    assert main(["replay", str(tmp_path / "log.csv")]) == 0
    note = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("note: 'val_auc', 'val_f1': "))
    rule = note.partition('--criterion "')[2].rstrip('"')
    assert rule == "Patience(10, 'val_auc', mode='max')"
    assert main(["replay", str(tmp_path / "log.csv"), "--criterion", rule]) == 0
    assert "note: " not in capsys.readouterr().out


def test_rules_of_ratios_are_left_out_of_the_panel_where_losses_are_negative(tmp_path, capsys):
    read(tmp_path, "epoch,loss,val_loss\n1,3,-2\n2,-2,-3\n3,-3,-2\n")  # log-likelihoods, for one
    assert main(["replay", str(tmp_path / "log.csv")]) == 0
    said = capsys.readouterr().out
    assert "note: GL(5) is not asked: it takes ratios of val_loss, which is negative at times" in said
    assert [line.split("(")[0] for line in said.splitlines()[-4:]] == ["Patience", "UP", "AdaptivePatience", "Divergence"]


def test_figures_of_odd_names_and_lone_points(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,loss,_$x^{,\u2603 \u4e2d\n1,1,1,1\n2,1,,nan\n3,1,2,2\n", encoding="utf-8")
    rules = [f"Patience({n}, '_$x^{{')" for n in range(1, 10)] + ["Patience(3, '\u2603 \u4e2d')"]
    arguments = [part for rule in rules for part in ("--criterion", rule)]
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fonts without some characters
        assert main(["replay", str(tmp_path / "log.csv"), *arguments, "--figure", str(tmp_path / "out.png")]) == 0
    assert (tmp_path / "out.png").stat().st_size > 10_000


# --- hostile input ---

@pytest.mark.parametrize("text, message", [
    ("[" * 100_000, "nested too deeply"), ('{"a":' * 100_000, "nested too deeply"), ("[]", "got no records"),
    ("{}", "got {}"),
    ("[1, 2", "got no rows"), ('{"loss": [1, [2]]}', "accepted: records, or a list"),
    ('{"loss": [1, 2], "val_loss": [1]}', "got 1 entries of 'val_loss' and 2 of 'loss'"),
    ('{"loss": ["high"]}', "column 'loss': got 'high', accepted: a number"), ('{"loss": [1e400]}', None),
    ('{"epoch": 1}\n[1]\n', "line 2: got"), ('{"epoch": 1}\nx\n', "line 2: got no JSON"), ("", "got no rows"),
    ("\n\n", "got no rows"),
    ("a\0b,c\n1,2\n", "got"), ("val_loss\n", "got no rows"), ('{"loss": ' + "9" * 5000 + "}\n", "got {'loss': inf}")])
def test_hostile_logs_are_refused_in_one_short_line(tmp_path, text, message, capsys):
    (tmp_path / "log.csv").write_text(text)
    status = main(["replay", str(tmp_path / "log.csv")])
    captured = capsys.readouterr()
    assert status == (0 if message is None else 2)
    if message is not None:
        assert message in captured.err and captured.err.count("\n") == 1 and len(captured.err) < 900
        assert "\0" not in captured.err


def test_ten_thousand_columns_make_a_short_message(tmp_path, capsys):
    (tmp_path / "log.csv").write_text(",".join(f"c{n}" for n in range(10_000)) + "\n" + ",".join("1" * 10_000) + "\n")
    assert main(["replay", str(tmp_path / "log.csv"), "--criterion", "Patience(3)"]) == 2
    assert "and 9988 more" in (said := capsys.readouterr().err) and len(said) < 600


def test_a_thousand_parts(tmp_path, capsys):
    from stopping import GL, Or, replay
    parts = [GL(n) for n in range(1, 1025)]
    while len(parts) > 1:  # by halves: a chain of more than 300 is refused
        parts = [Or(a, b) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    assert replay(parts[0], {"val_loss": [1.0, 1.5]}).stopped_step == 2
    read(tmp_path, "epoch,val_loss\n1,1\n2,2\n")
    assert main(["replay", str(tmp_path / "log.csv"), "--criterion", " | ".join(["GL(5)"] * 1000)]) == 2
    assert "got 7997 characters, accepted: at most" in capsys.readouterr().err


def test_one_check(tmp_path, capsys):
    read(tmp_path, "epoch,loss,val_loss\n1,1,1\n")
    assert main(["replay", str(tmp_path / "log.csv"), "--criterion", "Patience(3)"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("log.csv: 1 check")

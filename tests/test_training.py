"""The protocol: the loss, the clip, the schedule, and a run that is stopped and goes on."""

import signal
import sys
from itertools import count, islice

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from nets import CASES
from test_refinement import run, small_corpus, small_training

from lightrnn_gluon.config import RefinementConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.likelihood import chunk_words
from lightrnn_gluon.progress import Progress, Within, times_left
from lightrnn_gluon.refinement import Refinement
from lightrnn_gluon.sampling import SamplerConfig
from lightrnn_gluon.training import _derived_seed


class Killed(Exception):
    """Ends a run with nothing more done."""


@pytest.fixture
def stoppable():
    """SIGTERM is answered as the command line has it."""
    handler = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    yield
    signal.signal(signal.SIGTERM, handler)


def case_settings(case):
    """The settings of a training of one of nets.CASES."""
    model, options = CASES[case]
    return dict(model=model, options=options, rounds_after=[1, 2] if model == "lightrnn" else [])


@pytest.mark.parametrize(
    ("case", "optimizer", "sampler"),
    [
        ("lightrnn", "adam", "sentences"),
        ("lightrnn", "adam", "streams"),
        ("lightrnn", "sgd", "sentences"),
        ("lightrnn", "sgd", "streams"),
        ("full softmax tied", "adam", "streams"),
        ("hsm", "adam", "sentences"),
        ("hsm", "sgd", "streams"),
        ("c_hsm", "adam", "streams"),
        ("blackout", "adam", "sentences"),
        ("blackout", "sgd", "streams"),
        ("adaptive softmax, two tails", "adam", "sentences"),
    ],
)
def test_a_run_that_is_stopped_again_and_again_ends_as_if_it_had_not_been(
    tmp_path, monkeypatch, stoppable, case, optimizer, sampler
):
    refined = case == "lightrnn"
    changes = dict(
        optimizer=optimizer, learning_rate={"adam": 0.01, "sgd": 0.5}[optimizer], halve_after=2,
        sampler=SamplerConfig(sampler, 8, 6), epochs=4 if refined else 3, evaluations=2,
        **case_settings(case),
    )  # fmt: skip
    check_stops(tmp_path, monkeypatch, places=[7, 30, 44], changes=changes)


def test_a_run_whose_rounds_take_their_costs_from_training_is_stopped_and_goes_on(
    tmp_path, monkeypatch, stoppable
):
    refinement = RefinementConfig(costs="training")
    check_stops(tmp_path, monkeypatch, places=[10, 60], changes=dict(refinement=refinement))


def check_stops(tmp_path, monkeypatch, places, changes):
    """A run stopped by signals after so many events each, and one that is killed there, against a whole one.

    Events are steps, evaluations and rounds.
    """
    corpus = small_corpus(tmp_path)
    whole = small_training(tmp_path, corpus, "whole", **changes)
    run(whole)
    stopped = interrupted(tmp_path, corpus, "stopped", places, changes, stop)
    monkeypatch.setattr("lightrnn_gluon.training.SAVE_EVERY", 0.0)
    killed = interrupted(tmp_path, corpus, "killed", places, changes, kill)
    for training in (stopped, killed):
        expected = whole.net.values()
        for name, array in training.net.values().items():
            assert array.tobytes() == expected[name].tobytes(), name
        assert untimed(training) == untimed(whole)


def untimed(training):
    return [
        [{key: value for key, value in record.items() if "seconds" not in key} for record in records]
        for records in (training.progress.curve, training.progress.rounds)
    ]


def stop():
    signal.raise_signal(signal.SIGTERM)


def kill():
    raise Killed


def interrupted(tmp_path, corpus, name, places, changes, interrupt):
    """A run that has ended, `interrupt` having been called in it after so many events, in one run each."""
    for place in [*places, None]:
        events = count()

        def event(place=place, events=events):
            if next(events) == place:
                interrupt()

        training = small_training(tmp_path, corpus, name, **changes)
        evaluate = training.valid_perplexity
        training.valid_perplexity = lambda evaluate=evaluate, event=event: (event(), evaluate(), event())[1]
        refinement = Refinement(training.config)

        def after_epoch(training, event=event, refinement=refinement):
            event()
            refinement.after_epoch(training)
            event()

        def after_step(training, chunk, event=event, refinement=refinement):
            refinement.after_step(training, chunk)
            event()

        try:
            training.run(after_epoch, after_step)
        except (SystemExit, Killed):
            assert place is not None
    assert training.progress.epoch == training.config.epochs
    return training


def test_a_signal_is_held_back_until_a_step_is_done(tmp_path, monkeypatch, stoppable):
    training, done = small_training(tmp_path, small_corpus(tmp_path)), []
    step = training.updates.step

    def interrupted_step(*arguments):
        stop()
        done.append(step(*arguments))
        return done[-1]

    monkeypatch.setattr(training.updates, "step", interrupted_step)
    with pytest.raises(SystemExit):
        run(training)
    assert len(done) == training.progress.step == training.progress.within.chunks == 1


def test_a_run_that_diverges_goes_back_with_half_the_rate(tmp_path, caplog):
    training = small_training(tmp_path, small_corpus(tmp_path), optimizer="sgd", learning_rate=0.5)
    failures = {50, 60}

    def fail(training, chunk):
        if training.progress.step in failures:
            failures.remove(training.progress.step)
            for parameter in training.net.trained().values():
                parameter.set_data(parameter.data() * np.nan)

    with caplog.at_level("INFO", "lightrnn_gluon"):
        training.run(lambda training: None, fail)
    rates = [point["learning_rate"] for point in training.progress.curve]
    assert (rates[0], rates[1], len(rates)) == (0.5, 0.125, 4)
    assert [record.message for record in caplog.records if "diverged" in record.message] == [
        f"LightRNN: training has diverged: going back to epoch 1 and 0 steps, with the rate halved to {rate}"
        for rate in (0.25, 0.125)
    ]
    assert training.progress.setbacks == 2
    assert np.isfinite(training.valid_perplexity())


def test_the_model_is_that_of_the_best_validation_epoch(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path), learning_rate=0.05, epochs=12, dropout=0.0)
    run(training)
    best = min(point["valid_perplexity"] for point in training.progress.curve)
    assert training.progress.curve[-1]["valid_perplexity"] > best  # it has overfitted by then
    assert training.valid_perplexity() == best


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    corpus = small_corpus(tmp_path)
    run(small_training(tmp_path, corpus, epochs=1))
    with pytest.raises(UserError, match=r"a run of another config\.dropout, config\.hidden: remove"):
        small_training(tmp_path, corpus, epochs=1, dropout=0.1, hidden=11)


def first_seed(training):
    return _derived_seed(training.config.seed, "step", 0)


def gradients_of_first_step(training, chunk):
    """Of the loss summed over time and averaged over the batch of 8, as dense arrays; and that loss."""
    net = training.net
    inputs, targets = chunk_words(chunk, mx.cpu())
    mx.random.seed(first_seed(training))
    with autograd.record():
        values, *_ = net.objective(inputs, targets, *net.begin(inputs[0]))
        loss = (values * mx.nd.array(chunk.mask)).sum() / 8
    loss.backward()
    return {name: p.grad().asnumpy() for name, p in net.trained().items()}, float(loss.asscalar())


@pytest.mark.parametrize("clip", [0.05, 1e6])
@pytest.mark.parametrize("case", CASES)
def test_one_sgd_step_is_the_clipped_gradient_of_the_summed_and_averaged_loss(tmp_path, case, clip):
    corpus = small_corpus(tmp_path)
    settings = dict(optimizer="sgd", learning_rate=0.5, clip=clip, dropout=0.0, layers=1)
    training = small_training(tmp_path, corpus, **{**settings, **case_settings(case)})
    net = training.net
    chunk = next(iter(training.sampler.epoch(0)))
    gradients, loss = gradients_of_first_step(training, chunk)
    before = {name: p.data().asnumpy() for name, p in net.trained().items()}
    norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients.values()))
    assert 0.05 < norm < 1e6
    _, (total,), tokens = training.updates.step(chunk, [], first_seed(training))
    assert (total.asscalar(), tokens) == (pytest.approx(8 * loss, rel=1e-5), chunk.tokens)
    for name, parameter in net.trained().items():
        expected = before[name] - 0.5 * gradients[name] * min(1, clip / norm)
        np.testing.assert_allclose(parameter.data().asnumpy(), expected, atol=1e-6)


def rows_in_chunk(net, chunk, samples):
    """Which rows of the parameters with sparse gradients a chunk can have touched, by name."""
    read, predicted = np.unique(chunk.inputs), np.unique(chunk.targets)
    match type(net).__name__:
        case "HSM" | "CHSM":
            places = net.output.word_softmax.bias.shape[1]
            classes = np.unique(net.output.cell_of.data().asnumpy()[predicted] // places)
            output = {f"output.word_softmax.{part}": classes for part in ("weight", "bias")}
        case "BlackOut":
            output = {f"output.{part}": np.union1d(predicted, samples) for part in ("weight", "bias")}
        case _:
            output = {}
    return ({} if type(net).__name__ == "CHSM" else {"input.weight": read}) | output


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("case", ["full softmax", "hsm", "c_hsm", "blackout", "adaptive softmax, two tails"])
def test_a_step_leaves_rows_alone_that_are_not_in_its_chunk(tmp_path, monkeypatch, case, optimizer):
    corpus = small_corpus(tmp_path)
    sampler, small = SamplerConfig("streams", 2, 3), {"blackout": {"samples": 3}}
    settings = case_settings(case) | dict(optimizer=optimizer, sampler=sampler, layers=1)
    settings["options"] = small.get(case, settings["options"])
    training = small_training(tmp_path, corpus, **settings)
    net, drawn = training.net, [[]]
    if case == "blackout":
        forward = type(net.sampled_output).forward

        def record(self, states, targets, samples, log_q):
            drawn.append(samples.asnumpy())
            return forward(self, states, targets, samples, log_q)

        monkeypatch.setattr(type(net.sampled_output), "forward", record)
    state, left_alone = [], 0
    for chunk in islice(training.sampler.epoch(0), 20):
        before = {name: p.data().asnumpy() for name, p in net.trained().items()}
        state, _, _ = training.updates.step(chunk, state, first_seed(training))
        sparse = {name for name, p in net.trained().items() if p.grad().stype == "row_sparse"}
        rows = rows_in_chunk(net, chunk, drawn[-1])
        assert rows.keys() == sparse
        for name, touched in rows.items():
            parameter = net.trained()[name]
            moved = (parameter.data().asnumpy() != before[name]).any(axis=1)
            assert set(parameter.grad().indices.asnumpy()) == set(touched), name
            assert set() < set(np.flatnonzero(moved)) <= set(touched), name
            left_alone += (~moved).sum()
    assert left_alone > 50


def test_the_rate_is_halved_on_a_plateau_only(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path), learning_rate=1.0, optimizer="sgd")
    rates = []
    for valid in (50.0, 40.0, 41.0, 39.0, 39.0):
        training.progress.curve.append({"valid_perplexity": valid})
        training._adapt_rate()
        rates.append(training.updates.learning_rate)
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_the_rate_is_halved_after_each_epoch_from_the_one_named(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path), learning_rate=1.0, epochs=5, halve_after=3)
    training.run(lambda training: None)
    assert [point["learning_rate"] for point in training.progress.curve] == [1.0, 1.0, 1.0, 0.5, 0.25]


def test_a_diverging_run_says_so(tmp_path):
    corpus = small_corpus(tmp_path)
    training = small_training(tmp_path, corpus, optimizer="sgd", learning_rate=1e30, clip=1e30)
    with pytest.raises(UserError, match="diverged"):
        run(training)


def test_validation_is_recorded_as_often_as_asked(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path), epochs=2, evaluations=4, rounds_after=[])
    run(training)
    assert [point["epoch"] for point in training.progress.curve] == [0.25 * k for k in range(1, 9)]
    seconds = [point["train_seconds"] for point in training.progress.curve]
    assert seconds == sorted(seconds) and seconds[0] > 0


def test_training_ends_with_its_time_in_the_midst_of_an_epoch(tmp_path, monkeypatch):
    """By a clock that goes on by a second whenever it is looked at: at first, and after each step."""
    training = small_training(tmp_path, small_corpus(tmp_path), epochs=9, time_limit=5.0, rounds_after=[])
    training.progress.train_seconds, clock, tokens = 0.0, count(), []
    monkeypatch.setattr("lightrnn_gluon.training.time.perf_counter", lambda: float(next(clock)))
    training.run(lambda training: None, lambda training, chunk: tokens.append(chunk.tokens))
    (point,) = training.progress.curve
    assert len(tokens) == 4 and point["train_seconds"] == 5
    assert point["epoch"] == sum(tokens) / training.corpus.facts["train"]["tokens"] < 1
    assert training.progress.best_valid == point["valid_perplexity"] == training.valid_perplexity()


@pytest.mark.parametrize("case", ["lightrnn with three codes", "full softmax", "hsm", "c_hsm"])
def test_two_devices_are_one_with_all_of_the_batch(tmp_path, case):
    corpus, found = small_corpus(tmp_path), []
    settings = case_settings(case) | dict(dropout=0.0, epochs=2, rounds_after=[])
    for devices in ([mx.cpu()], [mx.cpu(0), mx.cpu(1)]):
        training = small_training(tmp_path, corpus, f"{len(devices)}", devices=devices, **settings)
        run(training)
        curve = [(point["train_perplexity"], point["valid_perplexity"]) for point in training.progress.curve]
        found.append((training.net.values(), curve))
        for parameter in training.net.trained().values():
            first, last = parameter.list_data()[0], parameter.list_data()[-1]
            np.testing.assert_array_equal(first.asnumpy(), last.asnumpy())
    (of_one, curve_of_one), (of_two, curve_of_two) = found
    for name, array in of_one.items():
        np.testing.assert_allclose(of_two[name], array, atol=2e-4, err_msg=name)
    np.testing.assert_allclose(curve_of_two, curve_of_one, rtol=1e-4)


def test_times_left_by_hand():
    progress = Progress(0.1, epoch=1, within=Within(tokens=50))
    # 50 of 100 words, ten a second; then another whole epoch up to the round after the third.
    assert times_left(progress, 100, [1, 3, 5], 10.0) == {"epoch_left": "00:05", "round_left": "00:15"}
    assert times_left(progress, 100, [1], 10.0) == {"epoch_left": "00:05"}
    assert times_left(progress, 100, [1], None) == {}

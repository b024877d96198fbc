"""The protocol: the loss, the clip, the schedule, and a run that is stopped and goes on."""

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from test_refinement import small_corpus, small_training

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.likelihood import chunk_words
from lightrnn_gluon.refinement import refine


def stop_after(epoch):
    """An `after_epoch` that is cut off, as by a signal, right after the epoch is saved."""

    class Stopped(Exception):
        pass

    def after_epoch(training):
        refine(training)
        if training.progress.epoch == epoch + 1:
            raise Stopped

    return after_epoch, Stopped


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("sampler", ["sentences", "streams"])
def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(tmp_path, optimizer, sampler):
    corpus = small_corpus(tmp_path)
    rate = {"adam": 0.01, "sgd": 0.5}[optimizer]
    changes = dict(optimizer=optimizer, learning_rate=rate, halve_after=2)
    whole = small_training(tmp_path, corpus, "whole", **changes)
    whole.config.sampler.kind = sampler
    whole = small_training(tmp_path, corpus, "whole", sampler=whole.config.sampler, **changes)
    whole.run(refine)

    after_epoch, stopped = stop_after(2)
    halves = small_training(tmp_path, corpus, "halves", sampler=whole.config.sampler, **changes)
    with pytest.raises(stopped):
        halves.run(after_epoch)
    halves = small_training(tmp_path, corpus, "halves", sampler=whole.config.sampler, **changes)
    assert halves.progress.epoch == 2
    halves.run(refine)

    expected = whole.net.values()
    for name, array in halves.net.values().items():
        assert array.tobytes() == expected[name].tobytes(), name
    untimed = [
        [{key: value for key, value in record.items() if "seconds" not in key} for record in records]
        for training in (whole, halves)
        for records in (training.progress.curve, training.progress.rounds)
    ]
    assert untimed[:2] == untimed[2:]


def test_the_model_is_that_of_the_best_validation_epoch(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path), learning_rate=0.05, epochs=6, dropout=0.0)
    training.run(refine)
    best = min(point["valid_perplexity"] for point in training.progress.curve)
    assert training.progress.curve[-1]["valid_perplexity"] > best  # it has overfitted by then
    assert training.valid_perplexity() == best


def test_a_checkpoint_of_other_settings_is_refused(tmp_path):
    corpus = small_corpus(tmp_path)
    small_training(tmp_path, corpus, epochs=1).run(refine)
    with pytest.raises(UserError, match="other settings"):
        small_training(tmp_path, corpus, epochs=1, dropout=0.1)


def test_one_sgd_step_is_the_clipped_gradient_of_the_summed_and_averaged_loss(tmp_path):
    corpus = small_corpus(tmp_path)
    clip = 0.05
    training = small_training(
        tmp_path, corpus, optimizer="sgd", learning_rate=0.5, clip=clip, dropout=0.0, layers=1
    )
    net = training.net
    chunk = next(iter(training.sampler.epoch(0)))
    inputs, targets = chunk_words(chunk, mx.cpu())
    with autograd.record():
        nll, *_ = net(inputs, targets, *net.begin(inputs[0]))
        loss = (nll * mx.nd.array(chunk.mask)).sum() / 8  # over time summed, over 8 sentences averaged
    loss.backward()
    before = {name: p.data().asnumpy() for name, p in net.trained().items()}
    gradients = {name: p.grad().asnumpy() for name, p in net.trained().items()}
    norm = np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in gradients.values()))
    assert norm > clip
    _, total = training._step(chunk, [])
    assert total == pytest.approx(8 * float(loss.asscalar()), rel=1e-5)
    for name, parameter in net.trained().items():
        expected = before[name] - 0.5 * gradients[name] * clip / norm
        np.testing.assert_allclose(parameter.data().asnumpy(), expected, atol=1e-6)


def test_the_rate_is_halved_on_a_plateau_only(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path), learning_rate=1.0, optimizer="sgd")
    rates = []
    for valid in (50.0, 40.0, 41.0, 39.0, 39.0):
        training.progress.curve.append({"valid_perplexity": valid})
        training._adapt_rate()
        rates.append(training._trainer.learning_rate)
    assert rates == [1.0, 1.0, 0.5, 0.5, 0.25]


def test_the_rate_is_halved_after_each_epoch_from_the_one_named(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path), learning_rate=1.0, epochs=5, halve_after=3)
    training.run(lambda training: None)
    assert [point["learning_rate"] for point in training.progress.curve] == [1.0, 1.0, 1.0, 0.5, 0.25]


def test_a_diverging_run_says_so(tmp_path):
    corpus = small_corpus(tmp_path)
    training = small_training(tmp_path, corpus, optimizer="sgd", learning_rate=1e30, clip=1e30)
    with pytest.raises(UserError, match="diverged"):
        training.run(refine)


def test_validation_is_recorded_as_often_as_asked(tmp_path):
    training = small_training(tmp_path, small_corpus(tmp_path), epochs=2, evaluations=4, rounds_after=[])
    training.run(refine)
    assert [point["epoch"] for point in training.progress.curve] == [0.25 * k for k in range(1, 9)]
    seconds = [point["train_seconds"] for point in training.progress.curve]
    assert seconds == sorted(seconds) and seconds[0] > 0

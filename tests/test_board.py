"""What is written for TensorBoard, read back record by record."""

import io
import struct
from contextlib import closing

import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto.event_pb2 import Event
from test_refinement import small_corpus, small_training

from lightrnn_gluon.board import Board, picture
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.refinement import Refinement
from lightrnn_gluon.table import WordTable


def read_events(folder):
    """The values of all files, {tag: [(step, value)]}: records of a length, two checksums, an event."""
    found = {}
    for path in sorted(folder.iterdir()):
        data, place = path.read_bytes(), 0
        while place < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            event = Event.FromString(data[place + 12 : place + 12 + length])
            place += length + 16
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, value))
    return found


def scalars(events, tag):
    return [(step, value.simple_value) for step, value in events[tag]]


def train(tmp_path, name, corpus, events=None, **changes):
    training = small_training(tmp_path, corpus, name, **changes)
    refinement = Refinement(training.config)
    if events is None:
        training.run(refinement.after_epoch, refinement.after_step)
    else:
        with closing(Board(events, training, refinement)) as board:
            training.run(board.after_epoch, board.after_step)
    return training


def test_events_are_what_the_run_did_and_change_nothing(tmp_path):
    corpus = small_corpus(tmp_path)
    plain = train(tmp_path, "plain", corpus)
    watched = train(tmp_path, "watched", corpus, tmp_path / "events")
    for name, array in plain.net.values().items():
        np.testing.assert_array_equal(array, watched.net.values()[name])
    events, progress = read_events(tmp_path / "events"), watched.progress
    steps = [step for step, _ in scalars(events, "step/loss")]
    assert steps == list(range(20, progress.step + 1, 20)) and len(steps) > 3
    for tag in ("step/gradient_norm", "step/learning_rate"):
        assert [step for step, value in scalars(events, tag) if value > 0] == steps
    for tag, key in (("valid", "valid_perplexity"), ("train", "train_perplexity")):
        shown = [value for _, value in scalars(events, f"perplexity/{tag}")]
        np.testing.assert_allclose(shown, [point[key] for point in progress.curve], rtol=1e-6)
    moved = [value for _, value in scalars(events, "round/moved_share")]
    np.testing.assert_allclose(moved, [entry["moved_share"] for entry in progress.rounds], rtol=1e-6)
    pictures = [value.image.encoded_image_string for _, value in events["table"]]
    assert len(pictures) == 1 + len(progress.rounds)
    last = np.asarray(Image.open(io.BytesIO(pictures[-1])).convert("L"))
    np.testing.assert_array_equal(last, picture(watched.net.table)[0])


def test_losses_are_means_of_the_steps_between(tmp_path):
    corpus = small_corpus(tmp_path)
    changes = dict(epochs=1, rounds_after=[], dropout=0.0)
    training = small_training(tmp_path, corpus, **changes)
    tokens, totals = [0], [0.0]

    def after_step(training, chunk):
        board.after_step(training, chunk)
        if training.progress.step % 20 == 0:
            nats, counted = training.objective.read()
            totals.append(nats)
            tokens.append(counted)

    with closing(Board(tmp_path / "events", training, Refinement(training.config))) as board:
        training.run(board.after_epoch, after_step)
    shown = [value for _, value in scalars(read_events(tmp_path / "events"), "step/loss")]
    np.testing.assert_allclose(shown, np.diff(totals) / np.diff(tokens), rtol=1e-5)


def test_the_picture_has_frequent_words_light_and_no_word_black():
    table = WordTable(np.array([4, 0, 3, 1, 2]))  # of two rows of three cells, the last one empty
    shades = picture(table)[0]
    assert shades.shape == (2, 3) and shades[1, 2] == 0
    by_word = shades.reshape(-1)[table.cells]
    assert by_word[0] == 255 and (np.diff(by_word.astype(int)) < 0).all() and by_word[-1] > 0


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "events").write_text("a file")
    training = small_training(tmp_path, small_corpus(tmp_path))
    with pytest.raises(UserError, match="events"):
        Board(tmp_path / "events", training, Refinement(training.config))


def test_the_command_line_asks_for_events(exported, tmp_path, call):
    folder, corpus = exported
    arguments = ["train", str(folder / "net.yaml"), "--corpus", str(corpus.directory)]
    events = tmp_path / "events"
    status, _, said = call([*arguments, "--out", str(tmp_path / "run"), "--tensorboard", str(events)])
    assert status == 0, said
    assert "perplexity/valid" in read_events(events)
    nowhere = "/dev/null/events"
    status, _, said = call([*arguments, "--out", str(tmp_path / "other"), "--tensorboard", nowhere])
    assert status == 2 and "--tensorboard" in said and said.count("\n") == 1

"""Learning curves show what a training logged."""

import keras
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from pictures import drawn
from training_runs import fit, make_model

from stgkeras import callbacks, plots

X = np.ones((4, 2), "float32")
LOG = "epoch,learning_rate,loss,mae_step_12,mae_step_3,val_loss\n"


def curves(figure):
    """{title of a panel: [(epochs, values) of each line]}."""
    return {
        axes.get_title(): [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
        for axes in figure.axes
    }


def train(folder, model, first, last):
    """Trains the epochs from the first to before the last, and returns what `fit` tells of them."""
    logs = [
        callbacks.WarmRestarts(T_0=2, base_lr=0.05),
        callbacks.TensorBoard(folder / "tensorboard", hparams={"a": 1}),
        keras.callbacks.CSVLogger(folder / "log.csv", append=first > 0),
    ]
    epochs = {"initial_epoch": first, "epochs": last}
    return fit(model, logs, validation_data=(X, X[:, :1]), **epochs)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a training that stopped after epoch 3, and went on from epoch 2; what it told
    of epochs 0 and 1, and from 2 on."""
    folder, model = tmp_path_factory.mktemp("run"), make_model(metrics=["mae"])
    told = train(folder, model, 0, 4), train(folder, model, 2, 5)
    return folder, {name: told[0][name][:2] + told[1][name] for name in told[0]}


def test_event_files_and_csv_files_show_the_same_training(run, tmp_path):
    folder, told = run
    figure = plots.learning_curves(folder, title="a run")
    titles = ["loss", "mae", "seconds per step", "learning rate"]
    assert [axes.get_title() for axes in figure.axes] == titles
    from_csv = plots.learning_curves(folder / "log.csv")
    for found in (curves(figure), curves(from_csv)):
        for name in ("loss", "mae"):
            for line, expected in zip(found[name], (told[name], told[f"val_{name}"]), strict=True):
                assert line[0] == [0, 1, 2, 3, 4]
                np.testing.assert_allclose(line[1], expected, rtol=1e-6)
    # Restarts after 2 epochs and then after 4; the log holds the rate at the end of an epoch.
    ((epochs, rates),) = curves(figure)["learning rate"]
    assert epochs == [0, 1, 2, 3, 4] and rates[0] == pytest.approx(0.05) == rates[2]
    assert rates[1] == pytest.approx(0.025) and rates[3] == pytest.approx(0.05 * 0.853553)
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["training", "validation"]
    assert figure._suptitle.get_text() == "a run"
    train, validation = figure.axes[0].lines
    assert (train.get_linestyle(), validation.get_linestyle()) == ("--", "-")
    drawn(figure, tmp_path / "curves.png")


def test_what_came_after_the_epoch_that_a_training_went_back_to(tmp_path):
    model = make_model()
    told = train(tmp_path, model, 0, 4), train(tmp_path, model, 1, 2)
    expected = [*told[0]["val_loss"][:1], *told[1]["val_loss"]]
    for logs in (tmp_path, tmp_path / "log.csv"):
        epochs, losses = curves(plots.learning_curves(logs))["loss"][1]
        assert epochs == [0, 1]
        np.testing.assert_allclose(losses, expected, rtol=1e-6)


def test_runs_side_by_side(run, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log.csv").write_text(
        LOG + "0,0.1,3,5,4,3.5\n1,0.05,2,4,3,NA\n1,0.05,1,4,3,\n2,0.0"
    )
    (tmp_path / "table.csv").write_text("forecast,MAE\nours,1\n")
    logs = {"ours": run[0], "theirs": tmp_path}
    figure = plots.learning_curves(logs, names=["loss", "learning_rate"])
    found = curves(figure)
    assert list(found) == ["loss", "learning rate"]
    assert found["loss"][2:] == [([0, 1], [3, 1]), ([0], [3.5])]  # trained last; cut off
    assert found["learning rate"][1] == ([0, 1], [0.1, 0.05])
    looks = {(to_rgba(line.get_color()), line.get_marker()) for line in figure.axes[0].lines}
    assert len(looks) == 2 and len({marker for _, marker in looks}) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "ours, training",
        "ours, validation",
        "theirs, training",
        "theirs, validation",
    ]
    drawn(figure, tmp_path / "curves.png")


def test_a_folder_of_several_runs(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.csv").write_text(LOG + "0,0.1,3,5,4,3.5\n")
    figure = plots.learning_curves(tmp_path)
    assert list(curves(figure)) == ["loss", "mae step 3", "mae step 12", "learning rate"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [f"{run}/log, {part}" for run in "ab" for part in ("training", "validation")]


def test_an_event_file_that_is_being_written(run, tmp_path):
    (source,) = sorted((run[0] / "tensorboard" / "validation").iterdir())[:1]
    (tmp_path / "validation").mkdir()
    whole = source.read_bytes()
    (tmp_path / "validation" / source.name).write_bytes(whole[:-20])
    ((epochs, _),) = curves(plots.learning_curves(tmp_path))["loss"]
    assert epochs == [0, 1, 2]


def test_logs_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="event files or csv files"):
        plots.learning_curves(tmp_path)
    log = tmp_path / "log.csv"
    log.write_text(LOG + "0,0.1,3,5,4,3.5\n")
    with pytest.raises(
        ValueError, match=r"`names` must be among .*'loss'.*Received: names=\['mse'\]"
    ):
        plots.learning_curves(log, names=["mse"])
    with pytest.raises(ValueError, match="at most 8 runs.*Received: 9"):
        plots.learning_curves(dict.fromkeys("abcdefghi", log))


def test_a_damaged_log_is_named(run, tmp_path):
    events = next((run[0] / "tensorboard" / "train").glob("events*")).read_bytes()
    (tmp_path / "train").mkdir()
    path = tmp_path / "train" / "events.out.tfevents.1.host"
    for place in (3, 20, len(events) - 1):  # in a length, in a record, in the last checksum
        path.write_bytes(events[:place] + bytes([events[place] ^ 1]) + events[place + 1 :])
        with pytest.raises(ValueError, match="`logs` must hold undamaged files.*events.out.*check"):
            plots.learning_curves(tmp_path)
    for content in (b"epoch,loss\n0,\xff\n", b"epoch,loss\n0," + b"1" * 200_000 + b"\n"):
        (tmp_path / "log.csv").write_bytes(content)
        with pytest.raises(ValueError, match="`logs` must hold undamaged files.*log.csv"):
            plots.learning_curves(tmp_path / "log.csv")
    with pytest.raises(TypeError, match="`logs` must be a path"):
        plots.learning_curves(5)


def test_many_runs_leave_room_for_the_curves(tmp_path):
    paths = {f"a run with a long name, number {n}": tmp_path / f"{n}.csv" for n in range(8)}
    for path in paths.values():
        path.write_text("epoch,loss,val_loss\n0,3,4\n1,2,3\n")
    figure = plots.learning_curves(paths, names=["loss"])
    figure.draw_without_rendering()
    assert figure.axes[0].get_position().height * figure.get_figheight() > 0.8  # inches

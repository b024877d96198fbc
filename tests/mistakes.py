"""Mistakes to make at the command line: what spoils a folder, the command, and what must be said of it."""

import json
import shutil

import numpy as np

NETWORK = {
    "system": "LightRNN",
    "model": "lightrnn",
    "hidden": 4,
    "layers": 1,
    "dropout": 0.1,
    "sampler": {"kind": "sentences", "batch_size": 8, "length": 10},
    "optimizer": "adam",
    "learning_rate": 0.01,
    "clip": 5.0,
    "epochs": 1,
    "device": "cpu",
}
KN = {"kind": "ngram", "system": "KN", "order": 2}
MIX = {"kind": "interpolation", "system": "KN+LightRNN", "members": ["kn", "net"]}


def write_config(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")  # JSON is YAML
    return path


def nothing(folder):
    """The command itself is the mistake."""


def write(name, content):
    def arrange(folder):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    return arrange


def config(base, **changes):
    return write("row.yaml", json.dumps({**base, **changes}))


def sampler(**changes):
    return config(NETWORK, sampler={**NETWORK["sampler"], **changes})


def scale(**corpus):
    return write("scale.yaml", json.dumps({"corpus": corpus}))


def remove(name):
    return lambda folder: (folder / name).unlink()


def copy(source, target):
    return lambda folder: shutil.copy(folder / source, folder / target)


def both(first, second):
    return lambda folder: (first(folder), second(folder))


def cut(name, share=0.6):
    def arrange(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(share * len(content))])

    return arrange


def flip(name, share=0.9):
    def arrange(folder):
        content = bytearray((folder / name).read_bytes())
        content[int(share * len(content))] ^= 1
        (folder / name).write_bytes(content)

    return arrange


def change_one_id(folder):
    path = folder / "corpus" / "test.ids.npy"
    ids = np.load(path)
    ids[0] = 3 if ids[0] != 3 else 4
    np.save(path, ids)


PREPARE = "prepare --data data --out out"
TRAIN = "train row.yaml --corpus corpus --out runs/new"
TRAIN_NET = "train row.yaml --corpus corpus --out runs/net"
TRAIN_SET = "train configs/net.yaml --corpus corpus --out runs/new --set"
EVALUATE_NET = "evaluate runs/net --text data/test.txt"
EVALUATE_KN = "evaluate runs/kn --text data/test.txt"

# What is shown: (how the mistake is arranged, the command, what the line on stderr must say).
CASES = {
    # prepare
    "data that is not there": (nothing, "prepare --data nowhere --out out", "nowhere is not there"),
    "data that is a short file": (
        nothing,
        "prepare --data data/train.txt --out out",
        "the valid text of train is empty",
    ),
    "no valid.txt": (remove("data/valid.txt"), PREPARE, r"has no valid\.txt"),
    "empty train.txt": (write("data/train.txt", ""), PREPARE, "train"),
    "empty valid.txt": (write("data/valid.txt", ""), PREPARE, "valid.* is empty"),
    "blank test.txt": (write("data/test.txt", "\n \n"), PREPARE, "test.* is empty"),
    "rare words alone": (write("data/train.txt", "a b\nc d\n"), PREPARE, "no word .* occurs 3 times"),
    "bad UTF-8 in training": (
        write("data/train.txt", b"a\n\nb\xff\n"),
        PREPARE,
        r"train\.txt, line 3 is not UTF-8",
    ),
    "bad UTF-8 in the test set": (
        write("data/test.txt", b"a\n\xe9\n"),
        PREPARE,
        r"test\.txt, line 2 is not UTF-8",
    ),
    "NUL bytes": (write("data/train.txt", b"a b\0c\n"), PREPARE, r"train\.txt, line 1 holds a NUL"),
    "gzip in place of text": (
        write("data/train.txt", b"\x1f\x8b\x08\xe9\xff" * 50),
        PREPARE,
        r"train\.txt, line 1",
    ),
    "no --out": (nothing, "prepare --data data", "--out"),
    "prepared below a file": (nothing, "prepare --data data --out data/train.txt/out", "cannot write"),
    "prepared into a file": (nothing, "prepare --data data --out data/train.txt", "cannot write"),
    "prepared in /proc": (nothing, "prepare --data data --out /proc/out", "cannot write"),
    "no such scale": (nothing, f"{PREPARE} --scale nowhere.yaml", r"cannot read nowhere\.yaml"),
    "min_count of 0": (scale(min_count=0), f"{PREPARE} --scale scale.yaml", "min_count"),
    "min_count of -1": (scale(min_count=-1), f"{PREPARE} --scale scale.yaml", "min_count"),
    "max_train_tokens of 0": (scale(max_train_tokens=0), f"{PREPARE} --scale scale.yaml", "max_train_tokens"),
    "unknown corpus setting": (scale(min_cuont=2), f"{PREPARE} --scale scale.yaml", "min_cuont"),
    # train: the configuration
    "no such configuration": (nothing, TRAIN, r"cannot read row\.yaml"),
    "folder as configuration": (nothing, TRAIN.replace("row.yaml", "data"), "cannot read data"),
    "configuration that is no YAML": (write("row.yaml", "a: [b\n"), TRAIN, r"row\.yaml is not YAML"),
    "unknown key": (config(NETWORK, hiden=5), TRAIN, "hiden"),
    "unknown nested key": (sampler(lenght=5), TRAIN, "lenght"),
    "wrong type": (config(NETWORK, hidden="many"), TRAIN, "many"),
    "unknown kind": (config(KN, kind="cache"), TRAIN, "'cache' is none of network, ngram, interpolation"),
    "unknown model": (config(NETWORK, model="transformer"), TRAIN, "'transformer' is none"),
    "unknown sampler": (sampler(kind="words"), TRAIN, "'words' is none of sentences, streams"),
    "unknown optimizer": (config(NETWORK, optimizer="sdg"), TRAIN, "optimizer.*sdg"),
    "unknown device": (config(NETWORK, device="tpu"), TRAIN, "'tpu' is none of auto, cpu, gpu"),
    "GPU that is not there": (config(NETWORK, device="gpu"), TRAIN, "device gpu: MXNet finds none"),
    "no epochs": (config(NETWORK, epochs=0), TRAIN, "epochs"),
    "negative epochs": (config(NETWORK, epochs=-1), TRAIN, "epochs"),
    "empty batch": (sampler(batch_size=0), TRAIN, "batch_size"),
    "negative batch": (sampler(batch_size=-8), TRAIN, "batch_size"),
    "empty batch of streams": (sampler(kind="streams", batch_size=0), TRAIN, "batch_size"),
    "no words of back-propagation": (sampler(length=0), TRAIN, "length"),
    "no hidden units": (config(NETWORK, hidden=0), TRAIN, "hidden"),
    "negative hidden units": (config(NETWORK, hidden=-4), TRAIN, "hidden"),
    "no layers": (config(NETWORK, layers=0), TRAIN, "layers"),
    "dropout of everything": (config(NETWORK, dropout=1.0), TRAIN, "dropout"),
    "negative dropout": (config(NETWORK, dropout=-0.5), TRAIN, "dropout"),
    "rate of 0": (config(NETWORK, learning_rate=0.0), TRAIN, "learning_rate"),
    "negative clip": (config(NETWORK, clip=-5.0), TRAIN, "clip"),
    "no evaluations": (config(NETWORK, evaluations=0), TRAIN, "evaluations"),
    "no time": (config(NETWORK, time_limit=0.0), TRAIN, "time_limit"),
    "rounds in limited time": (config(NETWORK, rounds_after=[1], time_limit=9.0), TRAIN, "whole epochs"),
    "negative seed": (config(NETWORK, seed=-1), TRAIN, "seed"),
    "rounds without a table": (
        config(NETWORK, model="full_softmax", rounds_after=[1]),
        TRAIN,
        "rounds_after",
    ),
    "options of another model": (config(NETWORK, options={"cutoffs": [3]}), TRAIN, "lightrnn: .*cutoffs"),
    "option of no use": (config(NETWORK, options={"start": "sorted"}), TRAIN, "'sorted' is none of random"),
    "options that are none": (config(NETWORK, options="frequency"), TRAIN, "options"),
    "cutoffs that fall": (
        config(NETWORK, model="adaptive_softmax", options={"cutoffs": [9, 3]}),
        TRAIN,
        "cutoffs must rise",
    ),
    "no samples": (config(NETWORK, model="blackout", options={"samples": 0}), TRAIN, "samples"),
    "unknown classes": (config(NETWORK, model="hsm", options={"classes": "size"}), TRAIN, "'size' is none"),
    "setting of an unknown key": (nothing, f"{TRAIN_SET} hiden=3", "hiden"),
    "setting of a wrong type": (nothing, f"{TRAIN_SET} hidden=many", "many"),
    "setting without a value": (nothing, f"{TRAIN_SET} hidden", "--set hidden: say KEY=VALUE"),
    "setting that is no YAML": (nothing, f"{TRAIN_SET} rounds_after=[1", "--set: "),
    "setting of another kind": (nothing, f"{TRAIN_SET} kind=ngram", "kind is network"),
    "half a sample": (config(NETWORK, model="blackout", options={"samples": 2.5}), TRAIN, "samples is 2.5"),
    "setting of an impossible value": (nothing, f"{TRAIN_SET} epochs=0", "epochs"),
    "scale that builds on nothing": (
        write("scale.yaml", "extends: nowhere.yaml\n"),
        f"{TRAIN_SET} seed=2 --scale scale.yaml",
        r"cannot read nowhere\.yaml",
    ),
    "diverging training": (
        config(NETWORK, optimizer="sgd", learning_rate=1e38, epochs=3),
        TRAIN,
        "learning_rate",
    ),
    "order of 0": (config(KN, order=0), TRAIN, "order"),
    "order that KenLM has not": (config(KN, order=7), TRAIN, "order"),
    # train: the corpus, the members and the run directory
    "corpus that is not there": (config(KN), TRAIN.replace("corpus corpus", "corpus nowhere"), "nowhere"),
    "folder that is no corpus": (config(KN), TRAIN.replace("corpus corpus", "corpus data"), "data"),
    "damaged corpus.json": (
        both(config(NETWORK), cut("corpus/corpus.json")),
        TRAIN,
        r"corpus\.json is damaged",
    ),
    "damaged vocabulary": (
        both(config(NETWORK), cut("corpus/vocabulary.json")),
        TRAIN,
        r"vocabulary\.json is damaged",
    ),
    "vocabulary of another corpus": (
        both(config(NETWORK), copy("other/corpus/vocabulary.json", "corpus")),
        TRAIN,
        r"vocabulary\.json",
    ),
    "ids cut short": (both(config(NETWORK), cut("corpus/test.ids.npy")), TRAIN, r"test\.ids\.npy"),
    "no ids": (both(config(NETWORK), remove("corpus/train.ids.npy")), TRAIN, r"train\.ids\.npy"),
    "changed ids": (both(config(NETWORK), change_one_id), TRAIN, r"test\.ids\.npy"),
    "one member": (config(MIX, members=["kn"]), TRAIN, "members"),
    "three members": (config(MIX, members=["kn", "net", "kn"]), TRAIN, "members"),
    "member that is not there": (config(MIX, members=["kn", "nowhere"]), TRAIN, "nowhere"),
    "member that is not finished": (config(MIX, members=["unfinished", "kn"]), TRAIN, "unfinished"),
    "member with damaged scores": (
        both(config(MIX), cut("runs/net/valid.nll.npy")),
        TRAIN,
        "runs/net",
    ),
    "member with altered scores": (both(config(MIX), flip("runs/net/valid.nll.npy")), TRAIN, "runs/net"),
    "member of another corpus": (config(MIX, members=["kn", "elsewhere"]), TRAIN, "corpus"),
    "member of another corpus of equal size": (config(MIX, members=["kn", "twin"]), TRAIN, "corpus"),
    "run below a file": (config(KN), TRAIN.replace("runs/new", "data/train.txt/new"), "cannot write"),
    "run into a file": (config(KN), TRAIN.replace("runs/new", "data/train.txt"), "cannot write"),
    "run in /proc": (config(KN), TRAIN.replace("runs/new", "/proc/new"), "cannot write"),
    "run of other settings": (
        config(NETWORK, hidden=5),
        TRAIN_NET,
        "runs/net holds a finished run of another config",
    ),
    "run of another corpus": (
        config(NETWORK),
        "train row.yaml --corpus other/corpus --out runs/net",
        "runs/net holds a finished run of another corpus",
    ),
    "finished run with cut metrics": (
        both(config(NETWORK), cut("runs/net/metrics.json")),
        TRAIN_NET,
        r"metrics\.json is damaged",
    ),
    "finished run with empty metrics": (
        both(config(NETWORK), write("runs/net/metrics.json", "{}")),
        TRAIN_NET,
        r"metrics\.json is damaged",
    ),
    "finished run with a damaged model": (
        both(config(NETWORK), flip("runs/net/model.safetensors")),
        TRAIN_NET,
        r"model\.safetensors is .*damaged",
    ),
    # evaluate
    "run that is not there": (
        nothing,
        "evaluate runs/nowhere --text data/test.txt",
        "nowhere holds no finished run",
    ),
    "unfinished run": (
        nothing,
        "evaluate runs/unfinished --text data/test.txt",
        "unfinished holds no finished run",
    ),
    "text that is not there": (nothing, "evaluate runs/kn --text nowhere.txt", r"cannot read nowhere\.txt"),
    "text that is a folder": (nothing, "evaluate runs/kn --text data", "cannot read data"),
    "empty text": (write("text", ""), "evaluate runs/kn --text text", "text is empty"),
    "text of bad UTF-8": (
        write("text", b"a\nb\n\xc3\n"),
        "evaluate runs/kn --text text",
        "text, line 3 is not UTF-8",
    ),
    "text with NUL bytes": (
        write("text", b"a\n\0\n"),
        "evaluate runs/net --text text",
        "text, line 2 holds a NUL",
    ),
    "cut metrics": (cut("runs/net/metrics.json"), EVALUATE_NET, r"metrics\.json is damaged"),
    "empty metrics": (write("runs/net/metrics.json", "{}"), EVALUATE_NET, r"metrics\.json is damaged"),
    "cut vocabulary of a run": (
        cut("runs/net/vocabulary.json"),
        EVALUATE_NET,
        r"vocabulary\.json is damaged",
    ),
    "no vocabulary": (remove("runs/net/vocabulary.json"), EVALUATE_NET, r"vocabulary\.json"),
    "vocabulary of another run": (
        copy("runs/elsewhere/vocabulary.json", "runs/net"),
        EVALUATE_NET,
        r"vocabulary\.json is another run's",
    ),
    "network cut short": (
        cut("runs/net/model.safetensors"),
        EVALUATE_NET,
        r"model\.safetensors is .*damaged",
    ),
    "network altered": (flip("runs/net/model.safetensors"), EVALUATE_NET, r"model\.safetensors is .*damaged"),
    "no network": (remove("runs/net/model.safetensors"), EVALUATE_NET, r"model\.safetensors"),
    "network of another run": (
        copy("runs/twin/model.safetensors", "runs/net"),
        EVALUATE_NET,
        r"model\.safetensors",
    ),
    "n-grams cut short": (cut("runs/kn/model.bin"), EVALUATE_KN, r"model\.bin is .*damaged"),
    "n-grams altered": (flip("runs/kn/model.bin"), EVALUATE_KN, r"model\.bin is .*damaged"),
    "no n-grams": (remove("runs/kn/model.bin"), EVALUATE_KN, r"model\.bin is .*damaged"),
    "cut configuration of a run": (cut("runs/net/config.yaml"), EVALUATE_NET, r"config\.yaml"),
    "configuration of a run that does not fit": (
        write("runs/net/config.yaml", json.dumps({**NETWORK, "hidden": 6})),
        EVALUATE_NET,
        r"config\.yaml is missing or damaged",
    ),
    "interpolation whose member is gone": (
        lambda folder: shutil.rmtree(folder / "runs" / "kn"),
        "evaluate runs/mix --text data/test.txt",
        "runs/kn holds no finished run",
    ),
    # params
    "size of no row": (nothing, "params", "CONFIGS"),
    "size of a row that is not there": (nothing, "params nowhere.yaml", r"cannot read nowhere\.yaml"),
    "size of how many words": (nothing, "params configs/net.yaml", "give the number of words"),
    "size of no words": (nothing, "params configs/net.yaml --words 0", "words"),
    "size of an unknown model": (
        config(NETWORK, model="transformer"),
        "params row.yaml --words 9",
        "'transformer' is none of",
    ),
    # the command line itself
    "unknown command": (nothing, "trian row.yaml", "trian"),
    "unknown option": (nothing, f"{PREPARE} --fast", "--fast"),
    "no argument": (nothing, "evaluate --text data/test.txt", "RUN"),
    "report of nothing": (nothing, "report nowhere", "nowhere"),
}

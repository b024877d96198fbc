"""The set-up scripts: what they refuse, what they leave alone, and the versions they pin."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS, LOCK = (ROOT / "reproduce" / "requirements" / f"{name}.txt" for name in ("constraints", "lock"))
SCRIPTS = sorted([*ROOT.glob("reproduce/*.sh"), *ROOT.glob("tests/*.sh"), ROOT / ".ci" / "run"])
BASH = shutil.which("bash")
TOOLS = ("lmplz", "build_binary", "query")


def run(script, *arguments, path, **variables):
    """Run a script with bash, nothing but the folder `path` on PATH, from a folder of no meaning."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHON", "VIRTUAL_ENV")}
    environment.update(variables, PATH=str(path))
    return subprocess.run(
        [BASH, str(script), *arguments],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )


def program(path, body):
    """Write an executable shell script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def refusal(result):
    """The one line on stderr of a script that ended with status 2."""
    assert result.returncode == 2, result
    lines = result.stderr.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.fixture
def tree(tmp_path):
    """A copy of what the set-up reads, without an environment."""
    root = tmp_path / "a tree"
    root.mkdir()
    shutil.copy(ROOT / "setup.py", root)
    shutil.copytree(ROOT / "reproduce", root / "reproduce", ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture
def bin_folder(tmp_path):
    """An empty folder, to be all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse(script):
    result = subprocess.run([BASH, "-n", str(script)], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    "body",
    [
        "echo Python 3.13.0",
        f"exec '{sys.executable}' -c 'import sys; sys.version_info = (3, 13, 0); exec(sys.argv[1])' \"$2\"",
    ],
    ids=["says", "is"],
)
def test_a_newer_python_alone_is_refused(tree, bin_folder, body):
    program(bin_folder / "python3", body)
    line = refusal(run(tree / "reproduce" / "setup.sh", path=bin_folder))
    assert "3.10 or 3.11 is needed" in line
    assert "python3 (3.13)" in line
    assert not (tree / ".venv").exists()


def test_no_python_is_refused(tree, bin_folder):
    assert "no Python at all" in refusal(run(tree / "reproduce" / "setup.sh", path=bin_folder))


def test_stubs_that_do_not_run_are_passed_over(tree, bin_folder):
    program(bin_folder / "python3.11", "exit 127")
    program(bin_folder / "python3.10", "exit 127")
    program(bin_folder / "python", f"exec '{sys.executable}' \"$@\"")
    # The python is content, so the next thing that is missing is named: the compilers.
    line = refusal(run(tree / "reproduce" / "setup.sh", path=bin_folder))
    assert "not on PATH: gcc, g++, make" in line
    assert not (tree / ".venv").exists()


def test_the_named_python_is_the_only_candidate(tree, bin_folder):
    program(bin_folder / "python3.11", f"exec '{sys.executable}' \"$@\"")
    line = refusal(run(tree / "reproduce" / "setup.sh", path=bin_folder, PYTHON="/nowhere/python"))
    assert "no program /nowhere/python" in line


@pytest.mark.parametrize("arguments", [("--extras",), ("--extras", "nonsense"), ("--fast",), ("test",)])
def test_unknown_arguments_are_refused(tree, bin_folder, arguments):
    line = refusal(run(tree / "reproduce" / "setup.sh", *arguments, path=bin_folder))
    assert "Python" not in line


def finish(tree, extras):
    """Make the tree look like one whose set-up ended well."""
    venv = tree / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    for tool in TOOLS:
        program(venv / "bin" / tool, "exit 0")
    source = f"source '{tree}/reproduce/setup.sh'; DEVICE=cpu; fingerprint"
    fingerprint = subprocess.run([BASH, "-c", source], capture_output=True, text=True, check=True).stdout
    (venv / "setup.stamp").write_text(f"{fingerprint.strip()} ,cpu,{extras},\n", encoding="utf-8")


def test_a_finished_tree_is_left_alone(tree, bin_folder):
    finish(tree, "test")
    for arguments in ((), ("--extras", "test"), ("--extras=test",)):
        result = run(tree / "reproduce" / "setup.sh", *arguments, path=bin_folder)
        assert (result.returncode, result.stdout, result.stderr) == (0, "set-up: already done\n", "")


def test_extras_that_are_missing_are_not_called_done(tree, bin_folder):
    finish(tree, "")
    assert run(tree / "reproduce" / "setup.sh", path=bin_folder).returncode == 0
    refusal(run(tree / "reproduce" / "setup.sh", "--extras", "test", path=bin_folder))


@pytest.mark.parametrize(
    "name", ["setup.py", "reproduce/requirements/lock.txt", ".venv/bin/lmplz", ".venv/bin/python"]
)
def test_a_tree_that_changed_is_not_called_done(tree, bin_folder, name):
    finish(tree, "test")
    if name.startswith(".venv"):
        (tree / name).unlink()
    else:
        with (tree / name).open("a", encoding="utf-8") as stream:
            stream.write("\n")
    refusal(run(tree / "reproduce" / "setup.sh", path=bin_folder))


def test_faults_of_an_environment_are_seen(tree):
    finish(tree, "test")
    source = f"source '{tree}/reproduce/setup.sh'; DEVICE=cpu; fault_of_venv"

    environment = {key: value for key, value in os.environ.items() if key != "PYTHON"}

    def fault():
        command = [BASH, "-c", source]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert fault() == "has no pip that runs"
    site = next((tree / ".venv").glob("lib/python3.*/site-packages"))
    (site / "pip").mkdir()
    (site / "pip" / "__main__.py").write_text("", encoding="utf-8")
    assert fault() == ""
    (site / "mxnet_cu112-1.9.1.dist-info").mkdir()
    assert fault() == "has the MXNet of another device"
    activate = tree / ".venv" / "bin" / "activate"
    activate.write_text("VIRTUAL_ENV=/elsewhere/.venv", encoding="utf-8")
    assert fault() == "was made in another place"
    (tree / ".venv" / "bin" / "python").unlink()
    assert fault() == "has no Python that runs"
    (tree / ".venv" / "setup.unfinished").touch()
    assert fault() == "was left unfinished"


def test_cuda_libraries_are_linked_beside_mxnet(tree):
    finish(tree, "")
    site = next((tree / ".venv").glob("lib/python3.*/site-packages"))
    (site / "mxnet").mkdir()
    names = {"cudnn": "libcudnn.so.8", "cuda_nvrtc": "libnvrtc.so.11.2"}
    for folder, name in names.items():
        library = site / "nvidia" / folder / "lib" / name
        library.parent.mkdir(parents=True)
        library.write_text(folder, encoding="utf-8")
    command = f"source '{tree}/reproduce/setup.sh'; link_cuda"
    subprocess.run([BASH, "-c", command], capture_output=True, check=True)
    for folder, name in names.items():
        link = site / "mxnet" / name
        assert link.is_symlink()
        assert not Path(os.readlink(link)).is_absolute()
        assert link.resolve() == (site / "nvidia" / folder / "lib" / name).resolve()
    # The name without a version, which cuDNN asks for.
    assert (site / "mxnet" / "libnvrtc.so").read_text(encoding="utf-8") == "cuda_nvrtc"


@pytest.fixture
def prefix(tmp_path, bin_folder):
    """An environment whose KenLM tools always succeed, and a PATH without a compiler."""
    folder = tmp_path / "prefix"
    for name in ("python", *TOOLS):
        program(folder / "bin" / name, "while read -r line; do :; done")
    for name in ("mktemp", "rm"):
        (bin_folder / name).symlink_to(shutil.which(name))
    return folder


def test_kenlm_tools_that_work_are_left_alone(prefix, bin_folder):
    result = run(ROOT / "reproduce" / "kenlm.sh", str(prefix), path=bin_folder)
    assert (result.returncode, result.stdout) == (0, "kenlm: the tools are there already\n")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_kenlm_tool_that_fails_is_built_again(prefix, bin_folder, tool):
    program(prefix / "bin" / tool, "exit 1")
    assert "gcc is not on PATH" in refusal(run(ROOT / "reproduce" / "kenlm.sh", str(prefix), path=bin_folder))


def test_kenlm_needs_an_environment(tmp_path, bin_folder):
    assert "usage" in refusal(run(ROOT / "reproduce" / "kenlm.sh", path=bin_folder))
    assert "bin/python" in refusal(run(ROOT / "reproduce" / "kenlm.sh", str(tmp_path), path=bin_folder))


def pins(path=CONSTRAINTS):
    """Package -> the one version that the file allows."""
    result = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith(("#", " ")):
            continue
        requirement = Requirement(line.removesuffix("\\"))
        (specifier,) = requirement.specifier
        assert specifier.operator == "==", line
        name = canonicalize_name(requirement.name)
        assert name not in result, line
        result[name] = specifier.version
    return result


def test_every_pin_is_locked_to_checksums():
    assert pins(LOCK) == pins()
    text = re.sub(r"#.*\n", "", LOCK.read_text(encoding="utf-8")).replace("\\\n", "")
    for line in text.splitlines():
        assert re.fullmatch(r"[\w.-]+==[^ ]+( ; [^-]+)?( +--hash=sha256:[0-9a-f]{64})+", line), line


def test_every_package_is_pinned_within_its_bounds():
    """Follow the requirements from this package on: each has a pin, and the pin suits who asks for it."""
    pinned = pins()
    todo = [("lightrnn_gluon", extra) for extra in ("cpu", "cu112", "test")]
    seen = set()
    while todo:
        owner, extra = todo.pop()
        if (owner, extra) in seen:
            continue
        seen.add((owner, extra))
        try:
            required = importlib.metadata.requires(owner) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # of the other device
        for requirement in map(Requirement, required):
            if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(requirement.name)
            assert name in pinned, f"{name}, required by {owner}"
            assert requirement.specifier.contains(pinned[name]), f"{requirement} of {owner}"
            todo += [(name, wanted) for wanted in (*requirement.extras, "")]
    assert {"numpy", "mxnet", "urllib3", "pytest"} <= {name for name, _ in seen}


def test_a_second_set_up_changes_nothing(bin_folder):
    """With neither Python nor a compiler on PATH: where it had anything to do, it would refuse."""
    if driver := shutil.which("nvidia-smi"):
        (bin_folder / "nvidia-smi").symlink_to(driver)
    venv = ROOT / ".venv"

    def state():
        files = [venv / "setup.stamp", venv / "setup.log", *(venv / "bin").iterdir()]
        return sorted((path.name, path.lstat().st_mtime_ns, path.lstat().st_size) for path in files)

    before = state()
    result = run(ROOT / "reproduce" / "setup.sh", "--extras", "test", path=bin_folder)
    assert (result.returncode, result.stdout, result.stderr) == (0, "set-up: already done\n", "")
    assert state() == before

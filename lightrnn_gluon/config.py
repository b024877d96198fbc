"""Typed configuration of a table's row, read from one YAML file; unknown keys are refused.

A row file holds the paper's own setting and says with `extends` which file it builds on. A scale
file says what a scaled-down protocol changes: under `corpus` and `network` for all rows, under
`rows` for single ones.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from omegaconf import MISSING, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from lightrnn_gluon.corpus import CorpusConfig
from lightrnn_gluon.errors import UserError
from lightrnn_gluon.sampling import SamplerConfig


@dataclass
class RefinementConfig:
    """How a table's words are re-allocated: see refinement.Refinement."""

    method: str = "auction"  # of allocation.METHODS
    costs: str = "pass"  # from a pass over the text, or summed up in training
    move: str = "joint"  # of moves.MOVES
    pooling: float = 0.0  # occurrences
    damping: float = 0.0  # nats an occurrence: see caution.CautiousCosts for both


@dataclass
class NetworkConfig:
    """A recurrent network and how it is trained."""

    system: str = MISSING  # its name in the tables
    kind: str = "network"
    model: str = MISSING  # a name in models.MODELS
    hidden: int = MISSING  # units a layer, and the size of embeddings
    layers: int = MISSING
    dropout: float = MISSING
    options: dict[str, Any] = field(default_factory=dict)  # what this model alone takes: see its class
    sampler: SamplerConfig = field(default_factory=SamplerConfig)
    optimizer: str = MISSING  # an MXNet optimizer: sgd, adam
    learning_rate: float = MISSING
    clip: float = MISSING  # of the gradient's global norm
    epochs: int = MISSING
    time_limit: float | None = None  # seconds of training, which then ends within an epoch
    halve_after: int | None = None  # halve the rate after each epoch from this one; None: on a plateau
    evaluations: int = 1  # on the validation set, an epoch
    rounds_after: list[int] = field(default_factory=list)  # epochs that a re-allocation follows
    refinement: RefinementConfig = field(default_factory=RefinementConfig)
    device: str = "auto"  # auto, cpu, gpu
    devices: int = 1  # how many of them share each batch
    seed: int = 1
    published_vocabulary: int | None = None  # words of the published model: for its size, not for training


@dataclass
class NgramConfig:
    """A modified Kneser-Ney model by KenLM's lmplz."""

    system: str = MISSING
    kind: str = "ngram"
    order: int = 5


@dataclass
class InterpolationConfig:
    """A linear interpolation of two rows of the same run folder, word by word."""

    system: str = MISSING
    kind: str = "interpolation"
    members: list[str] = MISSING  # names of two run directories beside this one's


RowConfig = NetworkConfig | NgramConfig | InterpolationConfig
_KINDS: dict[str, type] = {
    "network": NetworkConfig,
    "ngram": NgramConfig,
    "interpolation": InterpolationConfig,
}
Schema = TypeVar("Schema")


def load_row(path: Path, scale: Path | None = None, settings: Sequence[str] = ()) -> RowConfig:
    """The row that `path` describes, at the paper's scale or as the file `scale` changes it.

    `settings`, each KEY=VALUE (`sampler.length=20`), have the last word. Raises UserError on a file
    that cannot be read, an unknown key, a wrong type, a missing value.
    """
    values = _read_extended(path)
    kind = values.get("kind", "network")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise UserError(f"{path}: kind {kind!r} is none of {', '.join(_KINDS)}")
    overrides = _read_scale(scale)
    layers = [values, _mapping(overrides["rows"].get(path.stem), scale)]
    if kind == "network":
        layers.insert(1, overrides["network"])
    layers.append(_parse_settings(settings))
    row: RowConfig = _typed(_KINDS[kind], layers, path)
    if row.kind != kind:
        raise UserError(f"{path}: kind is {kind}: neither a scale nor --set can make it {row.kind}")
    _check(row, path)
    return row


def load_corpus_config(scale: Path | None) -> CorpusConfig:
    """How the corpus is prepared at a scale; the paper's way where none is named."""
    return _typed(CorpusConfig, [_read_scale(scale)["corpus"]], scale) if scale else CorpusConfig()


# What must hold for the values of a row, by key.
_POSITIVE = ("hidden", "layers", "learning_rate", "clip", "epochs", "evaluations", "devices")
_POSITIVE_OF_SAMPLER = ("batch_size", "length")


def _check(row: RowConfig, path: Path) -> None:
    """Refuse values that no run can be made of."""
    if isinstance(row, InterpolationConfig) and [type(name) for name in row.members] != [str, str]:
        raise UserError(f"{path}: members must name two rows")
    if not isinstance(row, NetworkConfig):
        return
    values = {key: getattr(row, key) for key in _POSITIVE}
    values |= {key: getattr(row.sampler, key) for key in _POSITIVE_OF_SAMPLER}
    if row.time_limit is not None:
        values["time_limit"] = row.time_limit
        if row.rounds_after:
            raise UserError(f"{path}: rounds_after needs whole epochs: leave it out, or time_limit")
    for key, value in values.items():
        if not value > 0:
            raise UserError(f"{path}: {key} is {value} and must be above 0")
    if not 0 <= row.dropout < 1:
        raise UserError(f"{path}: dropout is {row.dropout} and must be at least 0 and below 1")
    if row.seed < 0:
        raise UserError(f"{path}: seed is {row.seed} and must not be negative")
    # OmegaConf takes any container for an element of a list.
    if not all(isinstance(epoch, int) and 1 <= epoch < row.epochs for epoch in row.rounds_after):
        raise UserError(f"{path}: rounds_after {row.rounds_after}: all must be before epoch {row.epochs}")


def _parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    for setting in settings:
        if "=" not in setting:
            raise UserError(f"--set {setting}: say KEY=VALUE")
    with _refusals(Path("--set")):
        return dict(OmegaConf.to_container(OmegaConf.from_dotlist(list(settings))))  # type: ignore[arg-type]


def _read_scale(scale: Path | None) -> dict[str, dict[str, Any]]:
    """A scale file's sections, those that are not there empty."""
    sections = ("corpus", "network", "rows")
    values = _read_extended(scale) if scale else {}
    for key in values:
        if key not in sections:
            raise UserError(f"{scale}: {key!r} is none of {', '.join(sections)}")
    return {key: _mapping(values.get(key), scale) for key in sections}


def _mapping(value: Any, path: Path | None) -> dict[str, Any]:
    if value is not None and not isinstance(value, dict):
        raise UserError(f"{path}: {value!r} stands where keys and values must be")
    return value or {}


def with_defaults(values: dict[str, Any]) -> dict[str, Any]:
    """A row's values as an earlier version wrote them down, with what was no setting yet as it was then."""
    schema = _KINDS.get(str(values.get("kind")))
    return _filled(asdict(schema()), values) if schema else values


def _filled(defaults: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Values, and defaults for what is missing of them at any depth."""
    parts = {key: value for key, value in values.items() if isinstance(value, dict) and defaults.get(key)}
    return defaults | values | {key: _filled(defaults[key], value) for key, value in parts.items()}


def differing_keys(one: Any, other: Any, prefix: str = "") -> list[str]:
    """Where two trees of values differ: the keys, of any depth, joined by dots."""
    if not (isinstance(one, dict) and isinstance(other, dict)):
        return [] if one == other else [prefix]
    keys = sorted(one.keys() | other.keys())
    paths = ((key, f"{prefix}.{key}" if prefix else str(key)) for key in keys)
    return [found for key, path in paths for found in differing_keys(one.get(key), other.get(key), path)]


def dump(config: RowConfig) -> str:
    """The whole configuration as YAML, such that `load_row` gives it back."""
    return OmegaConf.to_yaml(OmegaConf.structured(config))


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} must hold keys and values")
    return values


def _read_extended(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    values = _read(path)
    base = values.pop("extends", None)
    if base is None:
        return values
    if not isinstance(base, str) or path.resolve() in seen:
        raise UserError(f"{path}: extends must name another file, and no circle of files")
    inherited = _read_extended(path.parent / base, (*seen, path.resolve()))
    with _refusals(path):
        merged = OmegaConf.merge(inherited, values)
    return dict(OmegaConf.to_container(merged))  # type: ignore[arg-type]


def _typed(schema: type[Schema], layers: list[dict[str, Any]], path: Path) -> Schema:
    with _refusals(path):
        merged = OmegaConf.merge(OmegaConf.structured(schema), *layers)
        return OmegaConf.to_object(merged)  # type: ignore[return-value]


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Turn what OmegaConf refuses into a UserError that names the file and the key."""
    try:
        yield
    except OmegaConfBaseException as error:
        key = f"{error.full_key}: " if getattr(error, "full_key", None) else ""
        raise UserError(f"{path}: {key}{str(error).splitlines()[0]}") from error
    # A list in the place of keys and values; the values of --set, which OmegaConf parses.
    except (TypeError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error

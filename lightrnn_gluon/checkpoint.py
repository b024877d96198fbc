"""Arrays and facts in one file: whole, checksummed, without pickle (safetensors)."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from lightrnn_gluon.errors import UserError
from lightrnn_gluon.files import atomic_path

Arrays = dict[str, np.ndarray]


def save_arrays(path: Path, arrays: Arrays, facts: dict[str, Any]) -> None:
    """Write named arrays, and JSON-able facts about them, atomically.

    A file that is there already is replaced once the new one has been read back.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    text = json.dumps(facts)
    # One key: safetensors writes several in no fixed order, and then no two files are the same.
    metadata = {"checked facts": f"{_checksum(arrays, text)} {text}"}
    with atomic_path(path) as temporary:
        try:
            save_file(arrays, temporary, metadata=metadata)
            load_arrays(temporary)
        except SafetensorError as error:  # it hides the system's refusal to write
            raise OSError(str(error)) from error
        except UserError as error:
            raise OSError("what was written does not come back") from error


def load_arrays(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """What `save_arrays` wrote. Raises UserError where the file is missing, cut short or altered."""
    try:
        with safe_open(path, framework="numpy") as stored:
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
            metadata = stored.metadata() or {}
        checksum, _, text = metadata["checked facts"].partition(" ")
        intact = checksum == _checksum(arrays, text)
        facts = json.loads(text) if intact else {}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (SafetensorError, KeyError, ValueError) as error:
        raise UserError(f"{path} is damaged: remove it and train again") from error
    if not intact:
        raise UserError(f"{path} is damaged (its checksum differs): remove it and train again")
    return arrays, facts


def _checksum(arrays: Arrays, facts: str) -> str:
    digest = hashlib.sha256(facts.encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype} {arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()

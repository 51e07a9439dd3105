"""`python -m training.occupancy`: from labelled pictures and a YOLO11n export to the weights of both judges."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch

from deploy.demo.lot.random_scenes import SUN_HEIGHTS_DEG
from services.detector.judge.judge import FUSION_FILE, HEADS_FILE, MODEL_FILE
from training.occupancy.evidence import find_evidence
from training.occupancy.hidden_training import add_hidden_heads, train_hidden_heads
from training.occupancy.network import OccupancyNetwork
from training.occupancy.samples import SampleSet, add_features, make_samples, open_samples
from training.occupancy.scenes import hidden_dataset, render_dataset, unlabelled_dataset
from training.occupancy.student import export_student, make_lessons
from training.occupancy.student_training import train_student
from training.occupancy.teacher import disputed, export_heads, fit_fusions, out_of_fold_logits, train_heads

WORK: Final = Path("build/occupancy")
SEED: Final = 11
COPIES: Final = {"labelled": 4, "labelled-again": 5, "elsewhere": 2, "pklot": 2, "rendered": 3, "low-sun": 3}
"""Of each sample; the first is as it is. What is labelled is cut again with other augmentation for the network, which
learns from pixels and so needs more of it than the heads do."""
LOW_SUN_DEG: Final = (7.0, 28.0)
"""Between these heights a vehicle's shadow covers the spaces beside it, as at dawn and dusk."""
HIDDEN: Final = {"acpds": 3, "rendered": 1, "low-sun": 1}
"""Into how many variants of each picture things are put, for the heads that tell whether a space is hidden."""
HIDDEN_COPIES: Final = 2
FOLD_EPOCHS: Final = 5
HEAD_EPOCHS: Final = 12


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m training.occupancy", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with acpds/train and pklot in it")
    parser.add_argument("--model", type=Path, required=True, help="YOLO11n as an OpenVINO .xml or an .onnx file")
    parser.add_argument("--work", type=Path, default=WORK, help="folder for what is kept between runs (%(default)s)")
    parser.add_argument("--epochs", type=int, default=28, help="of our own network (%(default)s)")
    parser.add_argument("--rendered", type=int, default=150, help="rendered pictures of each kind (%(default)s)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--only",
        choices=("heads", "network", "hidden"),
        help="train only the heads (all of them), only our own network, or only the heads that tell hidden spaces",
    )
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    _render(options.work, options.rendered)
    if options.only != "hidden":
        _train_judges(options)
    if options.only != "network":
        add_hidden_heads(HEADS_FILE, train_hidden_heads(_hidden_samples(options.data, options.model, options.work)))
    return 0


def _train_judges(options: argparse.Namespace) -> None:
    _make_data(options.data, options.model, options.work)
    labelled = open_samples(options.work / "labelled")
    logits_file = options.work / "out-of-fold.npy"
    if not logits_file.exists():
        np.save(logits_file, out_of_fold_logits(labelled, FOLD_EPOCHS))
    out_of_fold = np.load(logits_file)
    kept = ~disputed(labelled.labels, out_of_fold)
    sys.stdout.write(f"{int((~kept).sum())} of {len(kept)} labels are disputed and left out\n")
    evidence = find_evidence(options.data / "acpds/train", options.work / "evidence.npz", options.model)
    heads = train_heads(labelled, np.flatnonzero(kept), HEAD_EPOCHS)
    if options.only != "network":
        chosen = {name: one[kept] for name, one in evidence.items()}
        fusions = fit_fusions(out_of_fold[kept], labelled.side_px[kept], labelled.labels[kept], chosen)
        export_heads(heads, fusions, options.model, HEADS_FILE)
    if options.only != "heads":
        sets = {name: open_samples(options.work / name) for name in COPIES}
        lessons = make_lessons(sets, out_of_fold, kept, heads)

        def keep(network: OccupancyNetwork, epoch: int) -> None:
            torch.save(network.state_dict(), options.work / "network.pt")

        network = train_student(lessons, options.epochs, SEED, keep)
        export_student(network, labelled, kept, evidence, MODEL_FILE, FUSION_FILE)


def _render(work: Path, pictures: int) -> None:
    render_dataset(work / "data/rendered", pictures, SEED, SUN_HEIGHTS_DEG)
    render_dataset(work / "data/low-sun", pictures, SEED + 3, LOW_SUN_DEG)


def _hidden_samples(data: Path, model: Path, work: Path) -> list[SampleSet]:
    """Samples whose labels say whether something stands before the space."""
    sets = []
    for name, variants in HIDDEN.items():
        source = data / "acpds/train" if name == "acpds" else work / "data" / name
        folder = work / f"hidden-{name}"
        hidden_dataset(source, work / f"data/hidden-{name}", variants, SEED)
        make_samples(work / f"data/hidden-{name}", folder, HIDDEN_COPIES, SEED)
        add_features(folder, model)
        sets.append(open_samples(folder))
    return sets


def _make_data(data: Path, model: Path, work: Path) -> None:
    """Samples of all kinds with the teacher's features; what is complete in the folder already is kept."""
    unlabelled_dataset(data / "acpds/train", work / "data/elsewhere", SEED + 1)
    unlabelled_dataset(data / "pklot", work / "data/pklot", SEED + 2)
    for name, copies in COPIES.items():
        source = data / "acpds/train" if name.startswith("labelled") else work / "data" / name
        seed = SEED + 1 if name == "labelled-again" else SEED  # else it would be augmented as the first is
        make_samples(source, work / name, copies, seed)
        add_features(work / name, model)


if __name__ == "__main__":
    sys.exit(main())

"""Writes torchvision's AlexNet, VGG-16, ResNet-18 and ResNet-50 as ONNX files, for the benches on networks that people use.

    python3 bench/export_torchvision.py FOLDER [NAME ...] [--trained]

Random weights from a fixed seed, unless the published ones are asked for, which are downloaded. Needs torch, torchvision and onnx.
"""

import argparse
import pathlib

import torch
import torchvision

NAMES = ["alexnet", "vgg16", "resnet18", "resnet50"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(NAMES)}; by default all")
    parser.add_argument("--trained", action="store_true", help="the published weights rather than random ones")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names or NAMES:
        torch.manual_seed(0)
        model = torchvision.models.get_model(name, weights="DEFAULT" if options.trained else None).eval()
        torch.onnx.export(
            model,
            torch.zeros(1, 3, 224, 224),
            str(options.folder / f"{name}.onnx"),
            input_names=["image"],
            output_names=["logits"],
            dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


if __name__ == "__main__":
    main()

"""Writes the files that lie beside it: two networks, by the libraries that people save networks with.

    python3 make.py    # Debian: python3-torch, python3-h5py, python3-scipy

PyTorch wrote mlp.pth, cnn.pth, checkpoint.ckpt, legacy.pth, module.pt, views.pt and the .onnx, NumPy the .npz, SciPy the .mat of version 5. Keras, TensorFlow
and MATLAB are not to be had there: makeKeras.py has what Keras 3 itself wrote, and mlp.h5, cnn.h5, cnn.keras (Keras's published layouts), mlp73.mat and weights.h5 were written by h5py,
which is HDF5's own library. TensorFlow.js writes its files in the tests themselves.
"""
import io, json, zipfile
import h5py, numpy, scipy.io, torch
from torch import nn


def entries(seed, *shape):
    """Numbers of 16 bits between −½ and ½, which float32 and decimals hold; test/formats/files/networks.ts has the same."""
    count = int(numpy.prod(shape))
    k = numpy.arange(count, dtype=numpy.uint64)
    word = ((k + numpy.uint64(1)) * numpy.uint64(40503) + numpy.uint64(seed * 9973)) % numpy.uint64(65536)
    return (word.astype(numpy.float64) / 65536 - 0.5).astype(numpy.float32).reshape(shape)


MLP = {
    "fc1.weight": entries(1, 6, 4), "fc1.bias": entries(2, 6),
    "fc2.weight": entries(3, 5, 6), "fc2.bias": entries(4, 5),
    "fc3.weight": entries(5, 3, 5), "fc3.bias": entries(6, 3),
}
CNN = {
    "conv.weight": entries(7, 3, 2, 3, 3), "conv.bias": entries(8, 3),
    "bn.weight": entries(9, 3) + 1, "bn.bias": entries(10, 3),
    "bn.running_mean": entries(11, 3), "bn.running_var": entries(12, 3) + 1,
    "fc.weight": entries(13, 4, 27), "fc.bias": entries(14, 4),
}


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(4, 6), nn.Linear(6, 5), nn.Linear(5, 3)


class Cnn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.fc = nn.Conv2d(2, 3, 3, stride=2, padding=1), nn.BatchNorm2d(3, eps=1e-3), nn.Linear(27, 4)


def filled(module, values):
    module.load_state_dict({key: torch.from_numpy(value) for key, value in values.items()}, strict=False)
    return module


mlp, cnn = filled(Mlp(), MLP), filled(Cnn(), CNN)
torch.save(mlp.state_dict(), "mlp.pth")
torch.save(cnn.state_dict(), "cnn.pth")
torch.save({"epoch": 3, "loss": 0.25, "state_dict": mlp.state_dict()}, "checkpoint.ckpt")
torch.save(mlp.state_dict(), "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(mlp, "module.pt")
# A transposed view, a part of another tensor, float16, bfloat16 and float64.
torch.save(
    {
        "fc1.weight": torch.from_numpy(MLP["fc1.weight"].T.copy()).T, "fc1.bias": torch.from_numpy(entries(2, 9))[:6],
        "fc2.weight": torch.from_numpy(MLP["fc2.weight"]).double(), "fc2.bias": torch.from_numpy(MLP["fc2.bias"]),
        "half": torch.tensor([1.5, -0.25]).half(), "bfloat": torch.tensor([1.5, -0.25]).bfloat16(), "long": torch.tensor([3, -4]),
    },
    "views.pt",
)
class Whole(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.parts, self.apply_to = nn.ModuleList([mlp, cnn]), forward

    def forward(self, x):
        return self.apply_to(x)


def export(name, shape, forward):
    # As the module is: neither folded nor fused.
    torch.onnx.export(Whole(forward).eval(), torch.zeros(1, *shape), name, do_constant_folding=False,
                      training=torch.onnx.TrainingMode.PRESERVE, opset_version=13)


export("mlp.onnx", [4], lambda x: mlp.fc3(mlp.fc2(mlp.fc1(x).relu()).relu()))
export("cnn.onnx", [2, 6, 6], lambda x: cnn.fc(cnn.bn(cnn.conv(x)).relu().flatten(1)))
numpy.savez("mlp.npz", **{key.replace(".", "_"): value for key, value in MLP.items()})
numpy.savez_compressed("cnn.npz", **{key: numpy.asfortranarray(value) for key, value in CNN.items()})
cells = lambda kind: numpy.array([MLP[f"fc{k}.{kind}"] if kind == "weight" else MLP[f"fc{k}.{kind}"].reshape(-1, 1) for k in (1, 2, 3)] + [None], dtype=object)[:3]
scipy.io.savemat("mlp.mat", {"weights": cells("weight"), "biases": cells("bias")}, do_compression=True)
scipy.io.savemat("cnn.mat", {"conv": {"W": CNN["conv.weight"].transpose(2, 3, 1, 0), "b": CNN["conv.bias"].reshape(1, 1, -1)},
                             "bn": {key: CNN[f"bn.{key}"] for key in ("weight", "bias", "running_mean", "running_var")},
                             "fc": {"W": CNN["fc.weight"].astype(numpy.float64), "b": CNN["fc.bias"]}})


def dense(name, units, activation, **more):
    return {"class_name": "Dense", "config": {"name": name, "trainable": True, "dtype": "float32", "units": units, "activation": activation, "use_bias": True,
            "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}}, "bias_initializer": {"class_name": "Zeros", "config": {}},
            "kernel_regularizer": None, "bias_regularizer": None, "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None, **more}}


def input_layer(shape, key="batch_input_shape"):
    return {"class_name": "InputLayer", "config": {key: [None, *shape], "dtype": "float32", "sparse": False, "ragged": False, "name": "input_1"}}


CONV = {"class_name": "Conv2D", "config": {"name": "conv2d", "trainable": True, "dtype": "float32", "filters": 3, "kernel_size": [3, 3], "strides": [2, 2], "padding": "valid",
        "data_format": "channels_last", "dilation_rate": [1, 1], "groups": 1, "activation": "linear", "use_bias": True,
        "kernel_initializer": {"class_name": "GlorotUniform", "config": {"seed": None}}, "bias_initializer": {"class_name": "Zeros", "config": {}},
        "kernel_regularizer": None, "bias_regularizer": None, "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None}}
PAD = {"class_name": "ZeroPadding2D", "config": {"name": "zero_padding2d", "trainable": True, "dtype": "float32", "padding": [[1, 1], [1, 1]], "data_format": "channels_last"}}
NORM = {"class_name": "BatchNormalization", "config": {"name": "batch_normalization", "trainable": True, "dtype": "float32", "axis": [3], "momentum": 0.99, "epsilon": 0.001, "center": True, "scale": True,
        "beta_initializer": {"class_name": "Zeros", "config": {}}, "gamma_initializer": {"class_name": "Ones", "config": {}},
        "moving_mean_initializer": {"class_name": "Zeros", "config": {}}, "moving_variance_initializer": {"class_name": "Ones", "config": {}},
        "beta_regularizer": None, "gamma_regularizer": None, "beta_constraint": None, "gamma_constraint": None}}
RELU = {"class_name": "Activation", "config": {"name": "activation", "trainable": True, "dtype": "float32", "activation": "relu"}}
FLATTEN = {"class_name": "Flatten", "config": {"name": "flatten", "trainable": True, "dtype": "float32", "data_format": "channels_last"}}


def sequential(layers):
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}


def flat_last(weight):
    """A fully connected layer behind Flatten, which has channels last in Keras."""
    return weight.reshape(4, 3, 3, 3).transpose(0, 2, 3, 1).reshape(4, 27)


KERAS_MLP = sequential([input_layer([4]), dense("dense", 6, "relu"), dense("dense_1", 5, "relu"), dense("dense_2", 3, "linear")])
KERAS_CNN = sequential([input_layer([6, 6, 2]), PAD, CONV, NORM, RELU, FLATTEN, dense("dense", 4, "linear")])
MLP_VARIABLES = {name: {"kernel": MLP[f"fc{k}.weight"].T, "bias": MLP[f"fc{k}.bias"]} for k, name in ((1, "dense"), (2, "dense_1"), (3, "dense_2"))}
CNN_VARIABLES = {
    "conv2d": {"kernel": CNN["conv.weight"].transpose(2, 3, 1, 0), "bias": CNN["conv.bias"]},
    "batch_normalization": {"gamma": CNN["bn.weight"], "beta": CNN["bn.bias"], "moving_mean": CNN["bn.running_mean"], "moving_variance": CNN["bn.running_var"]},
    "dense": {"kernel": flat_last(CNN["fc.weight"]).T, "bias": CNN["fc.bias"]},
}


def legacy_h5(path, config, variables, compression=None):
    """The layout of `model.save('model.h5')`."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"], file.attrs["model_config"] = "2.15.0", "tensorflow", json.dumps(config)
        group = file.create_group("model_weights")
        names = [layer["config"]["name"] for layer in config["config"]["layers"]]
        group.attrs["layer_names"] = numpy.array([name.encode() for name in names])
        for name in names:
            own = group.create_group(name)
            weights = variables.get(name, {})
            own.attrs["weight_names"] = numpy.array([f"{name}/{role}:0".encode() for role in weights], dtype="S40") if weights else numpy.zeros(0)
            for role, value in weights.items():
                own.create_dataset(f"{name}/{role}:0", data=value, compression=compression)


legacy_h5("mlp.h5", KERAS_MLP, MLP_VARIABLES)
legacy_h5("cnn.h5", KERAS_CNN, CNN_VARIABLES, "gzip")


def keras3(config):
    """The same configuration as Keras 3 writes it."""
    layers = []
    for layer in config["config"]["layers"]:
        own = dict(layer["config"])
        if "batch_input_shape" in own:
            own["batch_shape"] = own.pop("batch_input_shape")
        own["dtype"] = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}
        layers.append({"module": "keras.layers", "class_name": layer["class_name"], "config": own, "registered_name": None, "build_config": {"input_shape": [None]}})
    return {"module": "keras", "class_name": "Sequential", "config": {"name": "sequential", "trainable": True, "layers": layers}, "registered_name": None}


weights = io.BytesIO()
with h5py.File(weights, "w") as file:
    for name, own in CNN_VARIABLES.items():
        for k, value in enumerate(own.values()):
            file.create_dataset(f"layers/{name}/vars/{k}", data=value)
with zipfile.ZipFile("cnn.keras", "w") as archive:
    for name, content in (("metadata.json", json.dumps({"keras_version": "3.6.0", "date_saved": "2025-01-01@00:00:00"})),
                          ("config.json", json.dumps(keras3(KERAS_CNN))), ("model.weights.h5", weights.getvalue())):
        archive.writestr(zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0)), content)

# MATLAB 7.3: HDF5 behind a block of 512 bytes, with the axes of arrays in the reverse order, and cells as references.
with h5py.File("mlp73.mat", "w", userblock_size=512) as file:
    for key, value in MLP.items():
        name = key.replace(".", "_")
        file.create_dataset(name, data=value.T if value.ndim == 2 else value.reshape(1, -1))
        file[name].attrs["MATLAB_class"] = numpy.bytes_("single")
with open("mlp73.mat", "r+b") as file:
    file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Wed Jan  1 00:00:00 2025 HDF5 schema 1.00 .".ljust(124) + b"\x00\x02IM")

def numbers_of_every_layout(path, **how):
    with h5py.File(path, "w", **how) as file:
        values = numpy.array([[1.5, -2.25, 3], [4, 5, -6]])
        for kind in ("<f4", ">f4", "<f8", ">f8", "<i4", ">i2"):
            file.create_dataset("usual " + kind, data=values.astype(kind), chunks=(1, 3) if kind == "<f8" else None)
        other = {"bias": h5py.h5t.IEEE_F32LE.copy(), "fields": h5py.h5t.IEEE_F64LE.copy(), "precision": h5py.h5t.STD_I32LE.copy(), "offset": h5py.h5t.STD_I32LE.copy()}
        other["bias"].set_ebias(120)
        other["fields"].set_fields(63, 51, 12, 0, 51)
        other["precision"].set_precision(16)
        other["offset"].set_precision(24)
        other["offset"].set_offset(8)
        for name, kind in other.items():
            dataset = h5py.h5d.create(file.id, b"other " + name.encode(), kind, h5py.h5s.create_simple((2, 3)))
            dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, values)
        file["named"] = numpy.dtype("<f4")
        file.create_dataset("other named", data=values, dtype=file["named"])


numbers_of_every_layout("layouts.h5")
numbers_of_every_layout("layouts2.h5", libver="latest")

# Groups of which each lies in the one before it twice.
with h5py.File("diamonds.h5", "w") as file:
    group = file
    for _ in range(20):
        inner = group.create_group("a")
        group["b"] = inner
        group = inner

with h5py.File("weights.h5", "w") as file:
    for key, value in MLP.items():
        file.create_dataset(key.replace(".", "/"), data=value)

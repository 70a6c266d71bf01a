"""Makes runtime.jsonl: small ONNX models and what ONNX Runtime computes for them.

    pip install onnx onnxruntime numpy
    python make.py > runtime.jsonl

Every case holds a model (base64), the shape of its input and the entries of its output, in float32 rounded to six
digits. Inputs are not stored: entry i is 2 sin(1.7 i + 0.3), rounded to float32.
"""

import base64
import json
import math

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

FLOAT = onnx.TensorProto.FLOAT
onnxruntime.set_default_logger_severity(4)
random = np.random.default_rng(1)
cases = []


def floats(*shape):
    return random.integers(-8, 9, shape).astype(np.float32) / 4


def positive(*shape):
    return np.abs(floats(*shape)) + np.float32(0.5)


def integers(*values):
    return np.array(values, dtype=np.int64)


def scalar(value):
    return np.array(value, dtype=np.float32)


def index(value):
    return np.array(value, dtype=np.int64)


def node(op, inputs, output, **attributes):
    outputs = output.split()
    return helper.make_node(op, inputs.split(" ") if inputs else [], outputs, **attributes)


def case(name, shape, nodes, constants=None, opset=13, batch="N", functions=(), domains=()):
    """batch: 'N' (open), a number, or None for an input without a batch axis."""
    dims = list(shape) if batch is None else [batch, *shape]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", FLOAT, dims)],
        [helper.make_tensor_value_info("y", FLOAT, None)],
        [numpy_helper.from_array(value, key) for key, value in (constants or {}).items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    model = helper.make_model(graph, opset_imports=imports, functions=list(functions), producer_name="")
    model.ir_version = 8 if opset <= 18 else 10
    data = model.SerializeToString()
    sides = [2 if side == "N" else side for side in dims]
    x = (2 * np.sin(1.7 * np.arange(math.prod(sides)) + 0.3)).astype(np.float32).reshape(sides)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    y = session.run(["y"], {"x": x})[0]
    entries = [float(f"{value:.6g}") for value in y.ravel().tolist()]
    cases.append({"name": name, "model": base64.b64encode(data).decode(), "input": sides, "output": entries})


def convolutions():
    for k in range(24):
        axes = int(random.integers(1, 4))
        groups = int(random.choice([1, 1, 2]))
        inputs, outputs = groups * int(random.integers(1, 3)), groups * int(random.integers(1, 3))
        kernel = [int(side) for side in random.integers(1, 4, axes)]
        attributes = {"strides": [int(s) for s in random.integers(1, 3, axes)], "group": groups}
        mode = str(random.choice(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
        if mode == "NOTSET":
            attributes["pads"] = [int(p) for p in random.integers(0, 3, 2 * axes)]
            attributes["dilations"] = [int(d) for d in random.integers(1, 3, axes)]
        else:
            attributes["auto_pad"] = mode
        sides = [int(n) for n in random.integers(5, 7, axes)] if axes < 3 else [5, 5, 5]
        constants = {"w": floats(outputs, inputs // groups, *kernel), "b": floats(outputs)}
        case(f"Conv {k} {mode}", [inputs, *sides], [node("Conv", "x w b", "y", **attributes)], constants)
    # An output padding must stay below its stride here.
    for k, attributes in enumerate(
        [
            {"strides": [2, 3], "output_padding": [1, 2]},
            {"strides": [2, 1], "pads": [1, 0, 0, 1], "dilations": [1, 2]},
            {"strides": [2, 2], "output_shape": [8, 7]},
            {"strides": [2, 2], "output_shape": [8, 7], "auto_pad": "SAME_UPPER"},
            {"strides": [2, 2], "output_shape": [8, 7], "auto_pad": "SAME_LOWER"},
            {"strides": [2, 2], "auto_pad": "SAME_UPPER"},
            {"strides": [2, 2], "auto_pad": "SAME_LOWER"},
            {"strides": [2, 2], "auto_pad": "VALID"},
        ]
    ):
        constants = {"w": floats(4, 1, 3, 3), "b": floats(2)}
        case(f"ConvTranspose {k}", [4, 4, 3], [node("ConvTranspose", "x w b", "y", group=2, **attributes)], constants)


def pools():
    for op in ["MaxPool", "AveragePool"]:
        for k, attributes in enumerate(
            [
                {"kernel_shape": [2, 2], "strides": [2, 2]},
                {"kernel_shape": [3, 3]},
                {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 0, 1]},
                {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
                {"kernel_shape": [2, 2], "strides": [3, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1},
                {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
                {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"},
                {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "VALID"},
            ]
        ):
            case(f"{op} {k}", [2, 6, 5], [node(op, "x", "y", **attributes)])
    padded = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    case("AveragePool counts padding", [2, 6, 5], [node("AveragePool", "x", "y", count_include_pad=1, **padded)])
    dilated = {"kernel_shape": [2, 2], "dilations": [2, 1]}
    case("MaxPool dilations", [2, 6, 5], [node("MaxPool", "x", "y", **dilated)])
    case("AveragePool dilations", [2, 6, 5], [node("AveragePool", "x", "y", **dilated)], opset=19)
    for op in ["GlobalAveragePool", "GlobalMaxPool"]:
        case(op, [3, 2, 4], [node(op, "x", "p"), node("Flatten", "p", "y")])
    for op in ["ReduceMean", "ReduceSum", "ReduceMax"]:
        for axes in [[2, 3], [-1], [1], [1, 2, 3], [1, 3]]:
            old = [node(op, "x", "y", axes=axes, keepdims=0)]
            case(f"{op} {axes} attribute", [3, 2, 4], old, opset=11)
            new = [node(op, "x a", "y", keepdims=1)]
            case(f"{op} {axes} input", [3, 2, 4], new, {"a": integers(*axes)}, opset=18)


def products():
    for transposed in (0, 1):
        w = floats(*((4, 3) if transposed else (3, 4)))
        for shape in [(), (1,), (4,), (1, 4)]:
            gemm = [node("Gemm", "x w c", "y", transB=transposed, alpha=0.5, beta=2.0)]
            case(f"Gemm transB={transposed} C{list(shape)}", [3], gemm, {"w": w, "c": floats(*shape)})
    left = {"w": floats(4, 3), "c": floats(4, 1)}
    case("Gemm constant first", [3, 1], [node("Gemm", "w x c", "y", alpha=0.5)], left, batch=None)
    case("Gemm constant first, transB", [1, 3], [node("Gemm", "w x c", "y", transB=1)], left, batch=None)
    case("Gemm transA", [3, 2], [node("Gemm", "x w", "y", transA=1)], {"w": floats(3, 4)}, batch=None)
    for name, shape, operands, w, batch in [
        ("vector, no batch", [3], "x w", floats(3, 4), None),
        ("column", [3, 1], "w x", floats(4, 3), None),
        ("vector from the left", [3], "w x", floats(4, 3), None),
        ("rows", [5, 3], "x w", floats(3, 4), "N"),
        ("stacks of rows", [2, 5, 3], "x w", floats(3, 4), "N"),
        ("stacks from the left", [2, 5, 3], "w x", floats(4, 5), "N"),
        ("dot products", [5, 3], "x w", floats(3), "N"),
        ("dot products from the left", [5, 3], "w x", floats(5), "N"),
    ]:
        case(f"MatMul {name}", shape, [node("MatMul", operands, "y")], {"w": w}, batch=batch)


def arithmetic():
    for op in ["Add", "Sub", "Mul", "Div"]:
        for shape in [(), (1,), (3, 1, 1), (1, 3, 1, 1), (4,), (2, 1)]:
            for operands in ["x c", "c x"]:
                if op == "Div" and operands == "c x":
                    continue
                case(f"{op} {operands} {list(shape)}", [3, 2, 4], [node(op, operands, "y")], {"c": positive(*shape)})
    tensors = [node("Relu", "x", "a"), node("Sub", "x a", "b"), node("Sum", "a b x c", "s"), node("Mean", "s x", "y")]
    case("sums of tensors", [3, 2, 4], tensors, {"c": floats(3, 1, 1)})
    case("Neg", [3], [node("Neg", "x", "y")])
    statistics = {"s": floats(3), "b": floats(3), "m": floats(3), "v": positive(3)}
    for opset in (9, 14, 15):
        normalized = [node("BatchNormalization", "x s b m v", "y", epsilon=0.01)]
        case(f"BatchNormalization {opset}", [3, 2, 4], normalized, statistics, opset=opset)
    case("BatchNormalization of features", [3], [node("BatchNormalization", "x s b m v", "y")], statistics)


def shapes():
    for axis in (1, 2, 3, -1):
        case(f"Concat {axis}", [3, 2, 4], [node("Relu", "x", "a"), node("Concat", "a x", "y", axis=axis)])
    for mode in ["constant", "reflect", "edge", "wrap"]:
        pads = {"p": integers(0, 0, 1, 2, 0, 0, 2, 0)}
        case(f"Pad {mode}", [2, 4, 5], [node("Pad", "x p", "y", mode=mode)], pads, opset=19)
    case("Pad value", [2, 4, 5], [node("Pad", "x p v", "y")], {"p": integers(0, 0, 1, 2, 0, 0, 2, 0), "v": scalar(1.5)})
    case("Pad axes", [2, 4, 5], [node("Pad", "x p  a", "y")], {"p": integers(1, 2, 2, 0), "a": integers(-1, 2)}, opset=18)
    case("Pad attributes", [2, 4], [node("Pad", "x", "y", pads=[0, 0, 1, 0, 0, 2], value=0.5)], opset=10)
    case("Transpose", [3, 4, 2], [node("Transpose", "x", "y", perm=[0, 3, 1, 2])])
    case("Transpose of a batch of 1", [3, 4, 2], [node("Transpose", "x", "y", perm=[1, 0, 3, 2])], batch=1)
    case("Flatten", [3, 4], [node("Flatten", "x", "y")])
    case("Reshape, fixed batch", [3, 4], [node("Reshape", "x t", "y")], {"t": integers(4, -1)}, batch=4)
    whole = [node("Reshape", "x t", "f"), node("MatMul", "f w", "y")]
    case("Reshape, batch of 1 lost", [3, 4], whole, {"t": integers(12), "w": floats(12, 2)}, batch=1)
    case("Reshape, open first", [3, 4], [node("Reshape", "x t", "y")], {"t": integers(-1, 2, 6)})
    case("Reshape, zeros", [3, 4, 2], [node("Reshape", "x t", "y")], {"t": integers(0, -1, 2)})
    image = [node("Unsqueeze", "x a", "u"), node("Conv", "u w", "c"), node("Squeeze", "c a", "y")]
    case("an image without batch", [2, 4, 4], image, {"a": integers(0), "w": floats(2, 2, 3, 3)}, batch=None)
    case("Squeeze", [3, 1, 1], [node("Squeeze", "x", "y", axes=[2, 3])], opset=11)
    case("Squeeze to numbers", [1], [node("Squeeze", "x a", "s"), node("Sigmoid", "s", "y")], {"a": integers(1)})
    old = [
        node("Shape", "x", "s"),
        node("Gather", "s i", "n"),
        node("Unsqueeze", "n", "u", axes=[0]),
        node("Concat", "u m", "t", axis=0),
        node("Reshape", "x t", "y"),
    ]
    case("flattening by Shape and Gather", [3, 2, 2], old, {"i": index(0), "m": integers(-1)}, opset=11)
    new = [node("Shape", "x", "s", start=0, end=1), node("Concat", "s m", "t", axis=0), node("Reshape", "x t", "y")]
    case("flattening by a part of Shape", [3, 2, 2], new, {"m": integers(12)}, opset=15)
    last = integers(2**63 - 1)
    taken = {"a": integers(1), "b": integers(3), "d": integers(1), "e": last, "f": integers(2), "g": integers(2)}
    case("Slice of channels", [4, 3], [node("Slice", "x a b d", "y")], taken)
    case("Slice with a step", [2, 5, 4], [node("Slice", "x a e f g", "y")], taken)
    backwards = {"a": integers(-1), "b": integers(-(2**62)), "d": integers(3), "s": integers(-2)}
    case("Slice backwards", [2, 2, 5], [node("Slice", "x a b d s", "y")], backwards)
    parts = [node("Split", "x s", "a b", axis=1), node("Relu", "b", "y")]
    case("Split", [4, 3], parts, {"s": integers(1, 3)})
    for name, chosen in [("a number", index(2)), ("a list", integers(3, -1, 3)), ("a table", index([[3, -1], [0, 0]]))]:
        case(f"Gather {name}", [6, 2], [node("Gather", "x i", "y", axis=1)], {"i": chosen})


def activations():
    for op, attributes, opset in [
        *(("Relu", {}, 13), ("LeakyRelu", {}, 13), ("LeakyRelu", {"alpha": 0.2}, 13), ("Sigmoid", {}, 13)),
        *(("Tanh", {}, 13), ("Softplus", {}, 13), ("Elu", {}, 13), ("Elu", {"alpha": 0.7}, 13)),
        *(("Celu", {"alpha": 0.6}, 13), ("Selu", {}, 13), ("Selu", {"alpha": 1.5, "gamma": 1.1}, 13)),
        *(("HardSigmoid", {}, 13), ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}, 13), ("HardSwish", {}, 14)),
        *(("Gelu", {}, 20), ("Gelu", {"approximate": "tanh"}, 20), ("Mish", {}, 18), ("Softsign", {}, 13)),
        *(("Abs", {}, 13), ("Sin", {}, 13), ("Cos", {}, 13), ("Atan", {}, 13), ("Erf", {}, 13)),
        *(("Clip", {"min": -0.5, "max": 0.7}, 9), ("Clip", {"min": 0.0}, 9)),
        *(("Softmax", {"axis": 1}, 11), ("Softmax", {}, 13), ("LogSoftmax", {"axis": -1}, 13)),
    ]:
        case(f"{op} {attributes} {opset}", [6], [node(op, "x", "y", **attributes)], opset=opset)
    case("Softmax of channels", [5, 2], [node("Softmax", "x", "y", axis=1)])
    case("Clip inputs", [6], [node("Clip", "x a b", "y")], {"a": scalar(-0.5), "b": scalar(0.75)})
    case("Clip above", [6], [node("Clip", "x  b", "y")], {"b": scalar(0.75)})
    extremes = [node("Max", "x a", "m"), node("Min", "b m", "y")]
    case("Max and Min", [6], extremes, {"a": scalar(0), "b": scalar([[1]])})
    case("PRelu", [3, 2], [node("PRelu", "x s", "y")], {"s": floats(3, 1)})
    case("PRelu of one slope", [3, 2], [node("PRelu", "x s", "y")], {"s": floats(1)})


def patterns():
    def pattern(name, *steps, **constants):
        nodes = [node(op, inputs, output) for op, inputs, output in steps]
        case(name, [8], nodes, {key: scalar(value) for key, value in constants.items()})

    pattern("SiLU", ("Sigmoid", "x", "s"), ("Mul", "x s", "y"))
    pattern("SiLU reversed", ("Sigmoid", "x", "s"), ("Mul", "s x", "y"))
    pattern("SiLU of a product", ("Mul", "x t", "u"), ("Sigmoid", "u", "s"), ("Mul", "u s", "y"), t=2)
    pattern("Swish", ("Mul", "x t", "u"), ("Sigmoid", "u", "s"), ("Mul", "x s", "y"), t=1.702)
    pattern("3 Swish", ("Mul", "t x", "u"), ("Sigmoid", "u", "s"), ("Mul", "x s", "v"), ("Mul", "v k", "y"), t=1.5, k=3)
    pattern("Mish", ("Softplus", "x", "p"), ("Tanh", "p", "t"), ("Mul", "x t", "y"))
    six = {"t": 3, "z": 0, "six": 6}
    shifted = (("Add", "x t", "u"), ("Clip", "u z six", "c"))
    pattern("hard swish", *shifted, ("Mul", "x c", "v"), ("Div", "v six", "y"), **six)
    pattern("hard swish, divided first", *shifted, ("Div", "c six", "v"), ("Mul", "v x", "y"), **six)
    gate = [node("HardSigmoid", "x", "h", alpha=1 / 6), node("Mul", "x h", "y")]
    case("hard swish by HardSigmoid", [8], gate)
    half = {"o": 1, "h": 0.5, "r": math.sqrt(2)}
    inner = (("Div", "x r", "d"), ("Erf", "d", "e"), ("Add", "e o", "a"))
    pattern("GELU", *inner, ("Mul", "x a", "m"), ("Mul", "m h", "y"), **half)
    pattern("GELU, half first", *inner, ("Mul", "x h", "m"), ("Mul", "m a", "y"), **half)
    pattern("GELU, half on the gate", *inner, ("Mul", "a h", "m"), ("Mul", "x m", "y"), **half)
    multiplied = (("Mul", "r x", "d"), ("Erf", "d", "e"), ("Add", "o e", "a"), ("Mul", "a x", "m"), ("Mul", "h m", "y"))
    pattern("GELU by a product", *multiplied, **{**half, "r": math.sqrt(0.5)})
    tanh = {"o": 1, "h": 0.5, "k": 0.044715, "c": math.sqrt(2 / math.pi), "n": 3}
    outer = (("Mul", "s c", "t"), ("Tanh", "t", "u"), ("Add", "u o", "a"), ("Mul", "x h", "m"), ("Mul", "m a", "y"))
    pattern("GELU by tanh", ("Pow", "x n", "p"), ("Mul", "p k", "q"), ("Add", "x q", "s"), *outer, **tanh)
    cube = (("Mul", "x x", "p"), ("Mul", "p x", "q"), ("Mul", "k q", "r"), ("Add", "r x", "s"))
    pattern("GELU by tanh, cube by products", *cube, *outer, **tanh)
    ends = {"l": integers(-1), "e": integers(2**63 - 1), "z": integers(0), "r": integers(2)}
    ring = [
        node("Slice", "x l e a3", "p"),
        node("Slice", "x z r a3", "q"),
        node("Concat", "p x q", "c", axis=3),
        node("Slice", "c z r a2", "s"),
        node("Concat", "c s", "y", axis=2),
    ]
    case("circular padding", [2, 4, 5], ring, {**ends, "a2": integers(2), "a3": integers(3)})


def weights():
    norm = [node("ReduceL2", "v", "n", axes=[1, 2]), node("Div", "v n", "d"), node("Mul", "d g", "w"), node("Conv", "x w", "y")]
    case("weight normalisation", [3, 6], norm, {"v": floats(4, 3, 3), "g": floats(4, 1, 1)})
    spectral = [
        node("Reshape", "w s", "m"),
        node("Transpose", "m", "mt", perm=[1, 0]),
        node("MatMul", "mt u", "tv"),
        node("ReduceL2", "tv", "n", axes=[0], keepdims=1),
        node("Div", "tv n", "v"),
        node("MatMul", "m v", "mv"),
        node("MatMul", "u mv", "sigma"),
        node("Div", "w sigma", "ws"),
        node("Gemm", "x ws", "y", transB=1),
    ]
    case("spectral normalisation", [6], spectral, {"w": floats(4, 6), "s": integers(4, -1), "u": floats(4)})
    statistics = [node("Add", "v e", "s"), node("Sqrt", "s", "r"), node("Reciprocal", "r", "q"), node("Mul", "x q", "y")]
    case("a scale from a variance", [3, 2], statistics, {"v": positive(3, 1), "e": scalar(1e-5)})
    dynamic = [
        node("Constant", "", "p", value_ints=[1, 2, 0, 1]),
        node("Shape", "p", "length"),
        node("Sub", "eight length", "rest"),
        node("ConstantOfShape", "rest", "zeros", value=helper.make_tensor("v", onnx.TensorProto.INT64, [1], [0])),
        node("Concat", "p zeros", "all", axis=0),
        node("Reshape", "all two", "table"),
        node("Slice", "table back far axis back", "turned"),
        node("Transpose", "turned", "columns", perm=[1, 0]),
        node("Reshape", "columns back", "flat"),
        node("Cast", "flat", "pads", to=onnx.TensorProto.INT64),
        node("Pad", "x pads", "y"),
    ]
    numbers = {"eight": integers(8), "two": integers(-1, 2), "back": integers(-1), "far": integers(-(2**63))}
    case("pads computed in the graph", [2, 4, 5], dynamic, {**numbers, "axis": integers(0)})
    halves = [node("Cast", "w", "h", to=onnx.TensorProto.FLOAT16), node("Cast", "h", "f", to=FLOAT), node("MatMul", "x f", "y")]
    case("rounding to float16", [4], halves, {"w": random.standard_normal((4, 3)).astype(np.float32)})
    body = [node("MatMul", "a w", "t"), node("LeakyRelu", "t", "o")]
    body[1].attribute.append(onnx.AttributeProto(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="slope"))
    function = helper.make_function("local", "Layer", ["a", "w"], ["o"], body, [helper.make_opsetid("", 13)], ["slope"])
    calls = [node("Layer", "x w", "z", domain="local", slope=0.25), node("Layer", "z v", "y", domain="local", slope=0.5)]
    constants = {"w": floats(4, 5), "v": floats(5, 2)}
    case("a function called twice", [4], calls, constants, functions=[function], domains=["local"])


for family in [convolutions, pools, products, arithmetic, shapes, activations, patterns, weights]:
    family()
for entry in cases:
    print(json.dumps(entry, separators=(",", ":")))

"""What Python's libraries say of a network: bounds of ‖f(x) − f(y)‖₂ / ‖x − y‖₂ of dense chains, with wall-clock seconds.

The first line of stdout is JSON: `{"present": {name: version}, "absent": {name: reason}}`. Then each line of stdin is a network,
`{"layers": [{"rows", "columns", "weight"}], "slopes": [[low, high], …], "skip": [name, …]}`, weights float64 in base64 row by row, slopes those
of the function behind each layer but the last; each gets a line back for every estimator, `{"name", "bound", "seconds"}` or
`{"name", "error"}`, and an empty line. `peers/main.ts` asks.
"""

import base64
import json
import sys
import time
import warnings

warnings.filterwarnings("ignore")


def product_of_norms():
    """NumPy's singular values, multiplied: what people compute first. Slopes up to 1 in size are taken for 1."""
    import numpy

    def estimate(weights, slopes):
        total = 1.0
        for weight in weights:
            total *= numpy.linalg.norm(weight, 2)
        for low, high in slopes:
            total *= max(abs(low), abs(high))
        return total

    return numpy.__version__, {"NumPy, product of norms": estimate}


def eclipse():
    """eclipse-nn (Xu & Sivaranjani): closed form, and one small semidefinite program a layer."""
    import eclipse_nn
    import torch
    from eclipse_nn.LipConstEstimator import LipConstEstimator

    def by(method):
        def estimate(weights, slopes):
            tensors = [torch.from_numpy(weight.copy()) for weight in weights]
            lows, highs = [low for low, _ in slopes], [high for _, high in slopes]
            return float(LipConstEstimator(weights=tensors, alphas=lows, betas=highs).estimate(method))

        return estimate

    names = {"eclipse-nn, ECLipsE-Fast": by("ECLipsE_Fast"), "eclipse-nn, ECLipsE": by("ECLipsE")}
    return f"{getattr(eclipse_nn, '__version__', 'unknown')}, torch {torch.__version__}", names


def lipsdp():
    """LipSDP with one multiplier a neuron, in CVXPY by whichever solver it takes."""
    import cvxpy
    import numpy

    def estimate(weights, slopes):
        # Increments of the input and of all hidden neurons, one after the other.
        sizes = [weight.shape[1] for weight in weights]
        starts = numpy.concatenate([[0], numpy.cumsum(sizes)])
        rho = cvxpy.Variable(nonneg=True)
        unit = numpy.zeros((starts[-1], starts[-1]))
        unit[: sizes[0], : sizes[0]] = numpy.eye(sizes[0])
        output = numpy.zeros((weights[-1].shape[0], starts[-1]))
        output[:, starts[-2] :] = weights[-1]
        matrix = rho * unit - output.T @ output
        for k, (low, high) in enumerate(slopes):
            before = numpy.zeros((sizes[k + 1], starts[-1]))
            before[:, starts[k] : starts[k + 1]] = weights[k]
            after = numpy.zeros((sizes[k + 1], starts[-1]))
            after[:, starts[k + 1] : starts[k + 2]] = numpy.eye(sizes[k + 1])
            multipliers = cvxpy.diag(cvxpy.Variable(sizes[k + 1], nonneg=True))
            sector = (high * before - after).T @ multipliers @ (after - low * before)
            matrix = matrix - (sector + sector.T)
        cvxpy.Problem(cvxpy.Minimize(rho), [matrix >> 0]).solve()
        if rho.value is None:
            raise RuntimeError("the solver found no optimum")
        return float(numpy.sqrt(rho.value))

    return cvxpy.__version__, {"CVXPY, LipSDP": estimate}


def main():
    estimators, present, absent = {}, {}, {}
    for name, load in {"numpy": product_of_norms, "eclipse-nn": eclipse, "cvxpy": lipsdp}.items():
        try:
            version, found = load()
            present[name] = version
            estimators.update(found)
        except Exception as error:  # A library that is broken is as absent as one that is not installed.
            absent[name] = str(error)
    answer({"present": present, "absent": absent})
    for line in sys.stdin:
        task = json.loads(line)
        weights = [matrix(layer) for layer in task["layers"]]
        for name, estimate in estimators.items():
            if name in task["skip"]:
                continue
            start = time.perf_counter()
            try:
                bound = float(estimate(weights, task["slopes"]))
                answer({"name": name, "bound": bound, "seconds": time.perf_counter() - start})
            except Exception as error:
                answer({"name": name, "error": str(error)})
        print(file=ANSWERS, flush=True)


def matrix(layer):
    import numpy

    numbers = numpy.frombuffer(base64.b64decode(layer["weight"]), dtype="<f8")
    return numbers.reshape(layer["rows"], layer["columns"])


def answer(document):
    print(json.dumps(document), file=ANSWERS, flush=True)


# What libraries print is no answer.
ANSWERS, sys.stdout = sys.stdout, sys.stderr
main()

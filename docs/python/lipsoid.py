"""Lipsoid from Python: calls the command line and reads its JSON. Copy this file beside your script; it needs Python 3.9 or later and
nothing else. Tables are pandas' where pandas is installed, lists of dicts otherwise.

    import lipsoid

    lipsoid.bound("model.onnx")["bound"]
    lipsoid.bounds(["a.onnx", "b.onnx"])              # a row for each file
    lipsoid.samples("model.onnx", data="images.npz", radius=[0.25, 0.5])

Keyword arguments are the options of the command with _ for -: evaluations=300 is --evaluations 300, no_lower=True is --no-lower,
a list is values joined by commas. The command is what LIPSOID names (LIPSOID="node dist/cli/main.js"), else lipsoid on the path, else
npx lipsoid.
"""

import json
import os
import shlex
import shutil
import subprocess


class LipsoidError(RuntimeError):
    """What the command line refuses: `kind` ("input", "unsupported", …), its exit code, the offending nodes in `items`."""

    def __init__(self, message, kind=None, items=(), code=None):
        super().__init__(message)
        self.kind, self.items, self.code = kind, list(items), code


def command():
    """The words that start Lipsoid. Raises LipsoidError where there is nothing to start."""
    named = os.environ.get("LIPSOID")
    if named:
        return shlex.split(named)
    found = shutil.which("lipsoid")
    if found:
        return [found]
    npx = shutil.which("npx")
    if npx:
        return [npx, "--yes", "lipsoid"]
    raise LipsoidError("lipsoid: Node.js 20 or later must be installed, or LIPSOID name the command", kind="input")


def _words(options):
    """Keyword arguments as words of a command line."""
    for name, value in options.items():
        if value is None or value is False:
            continue
        flag = "--" + name.replace("_", "-")
        if value is True:
            yield flag
        elif isinstance(value, (list, tuple)):
            yield flag
            yield ",".join(str(each) for each in value)
        else:
            yield flag
            yield str(value)


def run(name, *arguments, **options):
    """The JSON document of a command. Numbers beyond float64 are None there, as in the command's own output; `log10` has them."""
    words = [*command(), name, *map(str, arguments), *_words(options), "--json"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        document = json.loads(done.stdout)
    except ValueError:
        reason = (done.stderr or done.stdout).strip() or f"no answer, exit code {done.returncode}"
        raise LipsoidError(f"lipsoid {name}: {reason}", code=done.returncode) from None
    error = document.get("error")
    if error is not None:
        raise LipsoidError(error["message"], error["kind"], error.get("items", ()), done.returncode)
    if done.returncode != 0:
        raise LipsoidError(f"lipsoid {name}: ended with {done.returncode}", code=done.returncode)
    return document


def bound(file, **options):
    """What `lipsoid bound FILE --json` prints: `bound`, `log10`, `method`, `lower`, `methods`, …"""
    return run("bound", file, **options)


def certify(file, data, **options):
    """What `lipsoid certify FILE --data DATA --json` prints: `samples`, `summary`, …"""
    return run("certify", file, data=data, **options)


def methods(file, **options):
    """A row for each method and rule of one network."""
    return _table(bound(file, **options)["methods"])


def bounds(files, **options):
    """A row for each network: its bound, the method that gave it, the slope that was found. A network that is refused has the reason
    in `error` and no numbers; whatever else goes wrong is raised."""
    return _table([_row(file, options) for file in files])


def samples(file, data, **options):
    """A row for each sample; what depends on the radius has a column for each, such as `certified 0.5`."""
    return _table([_flat(sample) for sample in certify(file, data, **options)["samples"]])


def _row(file, options):
    row = {"file": str(file), "bound": None, "log10": None, "method": None, "lower": None, "seconds": None, "error": None}
    try:
        answer = bound(file, **options)
    except LipsoidError as error:
        if error.kind != "unsupported":
            raise
        return {**row, "error": str(error)}
    row.update({name: answer.get(name) for name in ("bound", "log10", "method", "seconds")})
    row["lower"] = (answer.get("lower") or {}).get("value")
    return row


def _flat(sample):
    row = {}
    for name, value in sample.items():
        if isinstance(value, dict):
            row.update({f"{name} {key}": each for key, each in value.items()})
        else:
            row[name] = value
    return row


def _table(rows):
    try:
        import pandas
    except ImportError:
        return rows
    return pandas.DataFrame(rows)

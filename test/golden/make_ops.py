#!/usr/bin/python3
"""Makes test/golden/ops/*.json: operator cases whose answers come from PyTorch (in float64) and Pillow, not from this package.

Run: /usr/bin/python3 test/golden/make_ops.py      (Debian: apt-get install python3-torch python3-pil)
Inputs are multiples of 1/32, so that they are exact in float32 and short in JSON. Layout here is ours: channels last.
"""
import json
import os

import numpy as np
import PIL
import torch
import torch.nn.functional as F
from PIL import Image

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops")
rng = np.random.default_rng(20240501)
cases = {}


def tensor(*shape, low=-2.0, high=2.0):
    """Random multiples of 1/32 in [low, high]."""
    return rng.integers(round(low * 32), round(high * 32) + 1, size=shape).astype(np.float64) / 32


def entry(array, constant=False, dtype="float32"):
    array = np.asarray(array)
    data = [int(v) if dtype != "float32" else float(np.float32(v)) for v in array.ravel()]
    data = [float(f"{v:.9g}") if isinstance(v, float) else v for v in data]
    data = [int(v) if isinstance(v, float) and v.is_integer() and abs(v) < 1e15 else v for v in data]
    out = {"shape": list(array.shape), "data": data}
    if dtype != "float32":
        out["dtype"] = dtype
    if constant:
        out["constant"] = True
    return out


def add(op, name, attributes, inputs, outputs, **extra):
    cases.setdefault(op, []).append({"name": name, "attributes": attributes, "inputs": inputs, "outputs": outputs, **extra})


def nchw(x):
    return torch.from_numpy(np.ascontiguousarray(np.transpose(x, (0, 3, 1, 2))))


def nhwc(t):
    return np.transpose(t.numpy(), (0, 2, 3, 1))


def none(kind="none", **more):
    return {"kind": kind, **more}


ACTIVATIONS = {
    "none": lambda t: t,
    "relu": F.relu,
    "relu6": F.relu6,
    "leaky_relu": lambda t: F.leaky_relu(t, 0.125),
    "elu": lambda t: F.elu(t, 0.75),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "silu": F.silu,
    "mish": F.mish,
    "gelu": F.gelu,
    "softplus": lambda t: F.softplus(t, threshold=1e6),
    "clip": lambda t: torch.clamp(t, -0.75, 1.25),
    "hard_sigmoid": F.hardsigmoid,
    "hard_swish": F.hardswish,
}
SIXTH = float(1 / 6)
PARAMETERS = {
    "leaky_relu": {"alpha": 0.125},
    "elu": {"alpha": 0.75},
    "clip": {"alpha": -0.75, "beta": 1.25},
    "hard_sigmoid": {"alpha": SIXTH},
    "hard_swish": {"alpha": SIXTH},
}


def activation(kind):
    return {"kind": kind, **PARAMETERS.get(kind, {})}


def conv(op, name, n, h, w, c, k, o, strides=(1, 1), padding=(0, 0, 0, 0), dilations=(1, 1), groups=1, bias=True, act="none", residual=None, scale=False):
    depthwise = op == "depthwise_conv2d"
    x = tensor(n, h, w, c)
    weight = tensor(k[0], k[1], c, low=-1, high=1) if depthwise else tensor(k[0], k[1], c // groups, o, low=-1, high=1)
    b = tensor(o) if bias else None
    s = tensor(n, c, low=0, high=1) if scale else None
    xt = nchw(x if s is None else x * s[:, None, None, :])
    top, left, bottom, right = padding
    xt = F.pad(xt, (left, right, top, bottom))
    if depthwise:
        wt = torch.from_numpy(np.ascontiguousarray(np.transpose(weight, (2, 0, 1))[:, None]))
    else:
        wt = torch.from_numpy(np.ascontiguousarray(np.transpose(weight, (3, 2, 0, 1))))
    y = F.conv2d(xt, wt, None if b is None else torch.from_numpy(b), stride=strides, dilation=dilations, groups=c if depthwise else groups)
    r = None
    if residual:
        r = tensor(*nhwc(y).shape)
        if residual == "before_activation":
            y = y + nchw(r)
    y = ACTIVATIONS[act](y)
    if residual == "after_activation":
        y = y + nchw(r)
    attributes = {"strides": strides, "padding": padding, "dilations": dilations, "activation": activation(act)}
    inputs = [entry(x), entry(weight, True), entry(b, True) if bias else None]
    if depthwise:
        inputs += [entry(s) if scale else None]
    else:
        attributes |= {"groups": groups, "residual": residual or "before_activation"}
        inputs += [entry(r) if residual else None, entry(s) if scale else None]
    while inputs[-1] is None:
        inputs.pop()
    add(op, name, attributes, inputs, [entry(nhwc(y))])


def convolutions():
    c2 = "conv2d"
    conv(c2, "1x1", 1, 3, 5, 6, (1, 1), 9)
    conv(c2, "1x1, one channel in and out", 1, 4, 4, 1, (1, 1), 1)
    conv(c2, "1x1 stride 2", 1, 5, 5, 3, (1, 1), 4, strides=(2, 2))
    conv(c2, "3x3 SAME at stride 1", 1, 5, 7, 4, (3, 3), 8, padding=(1, 1, 1, 1))
    conv(c2, "3x3 SAME at stride 2 on even size: padding behind only", 1, 6, 8, 3, (3, 3), 5, strides=(2, 2), padding=(0, 0, 1, 1))
    conv(c2, "3x3 on three channels, stride 2, 16 filters", 1, 8, 8, 3, (3, 3), 16, strides=(2, 2), padding=(0, 0, 1, 1), act="hard_swish")
    conv(c2, "asymmetric padding on every side", 1, 4, 5, 2, (3, 3), 3, padding=(2, 0, 1, 3))
    conv(c2, "dilation 2", 1, 7, 7, 3, (3, 3), 4, padding=(2, 2, 2, 2), dilations=(2, 2))
    conv(c2, "dilation 3 by 1, stride 2 by 1", 1, 9, 6, 2, (3, 2), 4, strides=(2, 1), dilations=(3, 1))
    conv(c2, "2 groups", 1, 4, 4, 6, (3, 3), 8, padding=(1, 1, 1, 1), groups=2)
    conv(c2, "one group a channel, two filters each", 1, 5, 4, 3, (3, 3), 6, padding=(1, 1, 1, 1), groups=3)
    conv(c2, "1x7 kernel", 1, 3, 9, 2, (1, 7), 3, padding=(0, 3, 0, 3))
    conv(c2, "5x1 kernel, no bias", 1, 6, 3, 4, (5, 1), 2, bias=False)
    conv(c2, "batch of 2", 2, 3, 4, 5, (3, 3), 7, padding=(1, 1, 1, 1))
    conv(c2, "kernel as large as the image", 1, 3, 3, 4, (3, 3), 5)
    conv(c2, "residual before relu", 1, 4, 4, 3, (1, 1), 6, act="relu", residual="before_activation")
    conv(c2, "residual after relu", 1, 4, 4, 3, (3, 3), 6, padding=(1, 1, 1, 1), act="relu", residual="after_activation")
    conv(c2, "residual without activation or bias", 1, 3, 4, 8, (1, 1), 4, bias=False, residual="before_activation")
    conv(c2, "scale of the input channels", 1, 5, 5, 7, (1, 1), 10, act="relu", scale=True)
    conv(c2, "scale and residual, batch of 2", 2, 3, 3, 5, (1, 1), 4, residual="before_activation", scale=True)
    conv(c2, "many channels", 1, 2, 3, 67, (1, 1), 33)
    for act in ACTIVATIONS:
        if act != "none":
            conv(c2, f"fused {act}", 1, 2, 3, 4, (1, 1), 5, act=act)
    dw = "depthwise_conv2d"
    conv(dw, "3x3 SAME", 1, 5, 6, 8, (3, 3), 8, padding=(1, 1, 1, 1))
    conv(dw, "3x3 stride 2, padding behind only", 1, 6, 8, 5, (3, 3), 5, strides=(2, 2), padding=(0, 0, 1, 1), act="relu")
    conv(dw, "5x5 stride 2", 1, 9, 7, 4, (5, 5), 4, strides=(2, 2), padding=(2, 2, 2, 2), act="hard_swish")
    conv(dw, "5x5 stride 1, 17 channels", 1, 6, 6, 17, (5, 5), 17, padding=(2, 2, 2, 2))
    conv(dw, "dilation 2", 1, 7, 7, 3, (3, 3), 3, padding=(2, 2, 2, 2), dilations=(2, 2))
    conv(dw, "asymmetric padding", 1, 4, 5, 4, (3, 3), 4, padding=(2, 0, 1, 3))
    conv(dw, "no bias, batch of 2", 2, 4, 3, 6, (3, 3), 6, padding=(1, 1, 1, 1), bias=False)
    conv(dw, "scale of the channels", 1, 4, 4, 6, (3, 3), 6, padding=(1, 1, 1, 1), act="relu6", scale=True)
    conv(dw, "1 channel, 1x3 kernel", 1, 2, 8, 1, (1, 3), 1, padding=(0, 1, 0, 1))
    conv(dw, "7x7 on a smaller image", 1, 4, 4, 4, (7, 7), 4, padding=(3, 3, 3, 3))


def elementwise():
    x = np.concatenate([tensor(37, low=-8, high=8), [0, -3, 3, -100, 100, 1e-3]])
    for kind, f in ACTIVATIONS.items():
        add("activation", kind, {"activation": activation(kind)}, [entry(x)], [entry(f(torch.from_numpy(x)).numpy())])
    positive = tensor(11, low=0.125, high=6)
    mixed = np.concatenate([tensor(9, low=-4, high=4), [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0]])
    unary = {
        "neg": (torch.neg, mixed), "abs": (torch.abs, mixed), "exp": (torch.exp, mixed), "log": (torch.log, positive), "sqrt": (torch.sqrt, positive),
        "rsqrt": (torch.rsqrt, positive), "square": (torch.square, mixed), "reciprocal": (torch.reciprocal, positive), "floor": (torch.floor, mixed),
        "ceil": (torch.ceil, mixed), "round": (torch.round, mixed),
    }
    for kind, (f, data) in unary.items():
        add("unary", kind, {"kind": kind}, [entry(data)], [entry(f(torch.from_numpy(data)).numpy())])
    binary = {
        "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "maximum": torch.maximum, "minimum": torch.minimum, "pow": torch.pow,
        "floor_div": lambda a, b: torch.floor(a / b), "floor_mod": torch.remainder, "squared_difference": lambda a, b: torch.square(a - b),
    }
    shapes = [((2, 3), (2, 3)), ((2, 3, 4), (4,)), ((1, 3, 1), (2, 1, 5)), ((), (3, 2))]
    for kind, f in binary.items():
        for a_shape, b_shape in shapes:
            a = np.asarray(tensor(*a_shape, low=0.25, high=4) if kind == "pow" else tensor(*a_shape, low=-4, high=4))
            b = np.asarray(tensor(*b_shape, low=0.25, high=3))
            y = f(torch.from_numpy(a), torch.from_numpy(b)).numpy()
            name = f"{kind} {list(a_shape)} with {list(b_shape)}"
            add("binary", name, {"kind": kind, "activation": none()}, [entry(a), entry(b)], [entry(y)])
    a = np.array([7, -7, 7, -7, 6, -6, 0, 2**30])
    b = np.array([3, 3, -3, -3, 3, 3, 5, 3])
    for kind, f in {"floor_div": lambda p, q: torch.div(p, q, rounding_mode="floor"), "floor_mod": torch.remainder}.items():
        y = f(torch.from_numpy(a), torch.from_numpy(b)).numpy()
        add("binary", f"{kind} of int32", {"kind": kind, "activation": none()}, [entry(a, dtype="int32"), entry(b, dtype="int32")], [entry(y, dtype="int32")])


def matrices():
    def matmul(name, a_shape, b_shape, ta=False, tb=False, bias=False, act="none"):
        a, b = tensor(*a_shape), tensor(*b_shape)
        at, bt = torch.from_numpy(a), torch.from_numpy(b)
        y = torch.matmul(at.transpose(-1, -2) if ta else at, bt.transpose(-1, -2) if tb else bt)
        inputs = [entry(a), entry(b, True)]
        if bias:
            c = tensor(y.shape[-1])
            y = y + torch.from_numpy(c)
            inputs.append(entry(c, True))
        y = ACTIVATIONS[act](y)
        add("matmul", name, {"transposeA": ta, "transposeB": tb, "activation": activation(act)}, inputs, [entry(y.numpy())])

    matmul("[3,5] x [5,4]", (3, 5), (5, 4))
    matmul("[1,17] x [17,9] with bias and relu", (1, 17), (17, 9), bias=True, act="relu")
    matmul("transposed a", (5, 3), (5, 4), ta=True)
    matmul("transposed b with bias", (3, 5), (4, 5), tb=True, bias=True)
    matmul("both transposed", (5, 3), (4, 5), ta=True, tb=True)
    matmul("batch of 2", (2, 3, 4), (2, 4, 5))
    matmul("batch broadcast", (2, 1, 3, 4), (3, 4, 2))
    matmul("one row, one column", (1, 8), (8, 1))


def windows():
    def pool(op, name, n, h, w, c, kernel, strides, padding, count=None):
        x = tensor(n, h, w, c)
        top, left, bottom, right = padding
        xt = nchw(x)
        if op == "max_pool":
            y = F.max_pool2d(F.pad(xt, (left, right, top, bottom), value=-np.inf), kernel, strides)
            attributes = {}
        else:
            area = kernel[0] * kernel[1]
            total = F.avg_pool2d(F.pad(xt, (left, right, top, bottom)), kernel, strides) * area
            inside = F.avg_pool2d(F.pad(torch.ones_like(xt), (left, right, top, bottom)), kernel, strides) * area
            y = total / (area if count else inside)
            attributes = {"countPadding": count}
        add(op, name, {"kernel": kernel, "strides": strides, "padding": padding, **attributes}, [entry(x)], [entry(nhwc(y))])

    for op, counts in (("max_pool", [None]), ("average_pool", [False, True])):
        for count in counts:
            tail = "" if count is None else ", padding counted" if count else ", padding not counted"
            pool(op, "2x2 stride 2" + tail, 1, 4, 6, 3, (2, 2), (2, 2), (0, 0, 0, 0), count)
            pool(op, "3x3 stride 1 SAME" + tail, 1, 5, 4, 5, (3, 3), (1, 1), (1, 1, 1, 1), count)
            pool(op, "3x3 stride 2, padding behind only" + tail, 1, 6, 6, 4, (3, 3), (2, 2), (0, 0, 1, 1), count)
            pool(op, "3x2 stride 1x2, batch of 2" + tail, 2, 4, 5, 2, (3, 2), (1, 2), (1, 0, 1, 1), count)
    x = tensor(2, 3, 4, 5)
    for kind, f in {"mean": torch.mean, "sum": torch.sum, "max": torch.amax, "min": torch.amin}.items():
        for axes in ([1, 2], [3], [0, 1, 2, 3]):
            for keep in (True, False):
                y = f(torch.from_numpy(x), dim=tuple(axes), keepdim=keep).numpy()
                add("reduce", f"{kind} over {axes}{' kept' if keep else ''}", {"kind": kind, "axes": axes, "keepDims": keep}, [entry(x)], [entry(y)])
    small = tensor(3, 4, low=0.5, high=1.5)
    add("reduce", "prod over [1]", {"kind": "prod", "axes": [1], "keepDims": False}, [entry(small)], [entry(torch.prod(torch.from_numpy(small), dim=1).numpy())])
    for shape, axis in (((2, 5), 1), ((2, 3, 4), 1), ((7,), 0), ((1, 2, 2, 81), 3)):
        x = tensor(*shape, low=-6, high=6)
        add("softmax", f"{list(shape)} along {axis}", {"axis": axis}, [entry(x)], [entry(F.softmax(torch.from_numpy(x), dim=axis).numpy())])
    x = np.array([[1000.0, 999.0, -1000.0]])
    add("softmax", "large numbers do not overflow", {"axis": 1}, [entry(x)], [entry(F.softmax(torch.from_numpy(x), dim=1).numpy())])


def resizes():
    for h, w, oh, ow in ((3, 4, 6, 8), (3, 4, 5, 7), (6, 8, 3, 4), (5, 5, 3, 4), (1, 1, 3, 2), (4, 4, 4, 4)):
        x = tensor(1, h, w, 3)
        for mode, coordinates, nearest, kwargs in (
            ("bilinear", "half_pixel", "floor", {"mode": "bilinear", "align_corners": False}),
            ("bilinear", "align_corners", "floor", {"mode": "bilinear", "align_corners": True}),
            ("nearest", "asymmetric", "floor", {"mode": "nearest"}),
            ("nearest", "half_pixel", "round_prefer_ceil", {"mode": "nearest-exact"}),
        ):
            # Torch computes nearest coordinates in float32, where ties may fall either way: only sizes without ties there.
            if mode == "nearest" and (oh, ow) == (5, 7):
                continue
            y = F.interpolate(nchw(x), size=(oh, ow), **kwargs)
            attributes = {"mode": mode, "height": oh, "width": ow, "coordinates": coordinates, "nearest": nearest}
            add("resize", f"{mode} {coordinates} {h}x{w} to {oh}x{ow}", attributes, [entry(x)], [entry(nhwc(y))])


def moves():
    x = tensor(2, 3, 4)
    t = torch.from_numpy(x)
    for perm in ([0, 1, 2], [2, 1, 0], [1, 0, 2], [0, 2, 1]):
        add("transpose", str(perm), {"perm": perm}, [entry(x)], [entry(t.permute(perm).numpy())])
    index = np.array([[2, 0], [1, 2]])
    for axis in (0, 1, 2):
        picked = np.minimum(index, x.shape[axis] - 1)
        y = np.take(x, picked, axis=axis)
        add("gather", f"axis {axis}", {"axis": axis}, [entry(x), entry(picked, dtype="int32")], [entry(y)])
    for k in (1, 3, 7):
        data = rng.permutation(14).reshape(2, 7) / 4 - 1
        values, where = torch.topk(torch.from_numpy(data), k)
        add("top_k", f"k {k}", {"k": k}, [entry(data)], [entry(values.numpy()), entry(where.numpy(), dtype="int32")])
    image = tensor(1, 3, 4, 2)
    for mode, torch_mode in (("constant", "constant"), ("reflect", "reflect"), ("edge", "replicate")):
        padded = F.pad(nchw(image), (1, 2, 2, 1), mode=torch_mode, **({"value": 0.5} if mode == "constant" else {}))
        attributes = {"before": [0, 2, 1, 0], "after": [0, 1, 2, 0], "mode": mode, "value": 0.5 if mode == "constant" else 0}
        add("pad", mode, attributes, [entry(image)], [entry(nhwc(padded))])


def images():
    """Pillow in mode F resamples in double precision and stores float32: BILINEAR is the triangle filter with antialias."""

    def case(name, w, h, target_w, target_h, channels, order="RGB", mean=(0, 0, 0), std=(1, 1, 1)):
        data = rng.integers(0, 256, size=(h, w, channels))
        planes = data.astype(np.float64)
        if channels == 4:
            alpha = planes[:, :, 3:] / 255
            planes = planes[:, :, :3] * alpha + 114 * (1 - alpha)
        if channels == 1:
            planes = np.repeat(planes, 3, axis=2)
        if order == "BGR":
            planes = planes[:, :, ::-1]
        out = np.stack([np.asarray(Image.fromarray(planes[:, :, c].astype(np.float32), "F").resize((target_w, target_h), Image.BILINEAR)) for c in range(3)], axis=2)
        out = (out.astype(np.float64) - np.array(mean)) / np.array(std)
        attributes = {"height": target_h, "width": target_w, "order": order, "mean": mean, "std": std, "padValue": 0, "background": 114}
        image = {"width": w, "height": h, "channels": channels, "data": [int(v) for v in data.ravel()]}
        add("image_to_tensor", name, attributes, [{"image": image}], [entry(out[None])])

    case("equal size is the identity", 5, 4, 5, 4, 3)
    case("twice as large", 4, 3, 8, 6, 3)
    case("larger by odd factors", 3, 5, 7, 8, 3)
    case("half as large", 8, 6, 4, 3, 3)
    case("smaller by odd factors", 13, 11, 5, 4, 3)
    case("much smaller", 37, 29, 3, 2, 3)
    case("wider and lower", 4, 9, 9, 4, 3)
    case("one pixel", 1, 1, 4, 3, 3)
    case("one row to one pixel", 9, 1, 1, 1, 3)
    case("grey", 6, 5, 4, 7, 1)
    case("BGR, normalised", 6, 5, 4, 4, 3, order="BGR", mean=(103.5, 116.25, 123.75), std=(57.5, 57.25, 58.5))
    case("alpha over a background", 6, 5, 4, 4, 4)


for make in (convolutions, elementwise, matrices, windows, resizes, moves, images):
    make()
os.makedirs(HERE, exist_ok=True)
for op, rows in cases.items():
    source = f"test/golden/make_ops.py with PyTorch {torch.__version__} and Pillow {PIL.__version__}"
    lines = ",\n".join("    " + json.dumps(row, separators=(",", ":")) for row in rows)
    with open(os.path.join(HERE, op + ".json"), "w") as file:
        file.write("{\n" + f'  "source": {json.dumps(source)},\n  "cases": [\n{lines}\n  ]\n' + "}\n")
    print(op, len(rows))

#!/usr/bin/python3
"""Makes test/golden/losses.json: values and gradients of the training losses and optimisers from PyTorch's autograd in float64.

Run: /usr/bin/python3 test/golden/make_losses.py      (Debian: apt-get install python3-torch)
Inputs are multiples of 1/32, so that they are exact in float32 and short in JSON.
"""
import json
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(20250117)
cases = []


def grid(*shape, low=-4.0, high=4.0):
    return rng.integers(round(low * 32), round(high * 32) + 1, size=shape).astype(np.float64) / 32


def plain(x):
    if isinstance(x, torch.Tensor):
        x = x.detach().numpy()
    return [float(f"{v:.15g}") for v in np.asarray(x, dtype=np.float64).ravel()]


def add(name, loss, inputs, x, value, rows=None, **more):
    """x: leaf with requires_grad. value: the mean that is reduced."""
    (gradient,) = torch.autograd.grad(value, x, retain_graph=True)
    case = {"name": name, "loss": loss, "input": {k: (plain(v) if isinstance(v, (np.ndarray, torch.Tensor)) else v) for k, v in inputs.items()}}
    case["input"]["logits"] = plain(x)
    case["value"] = float(value)
    case["gradient"] = plain(gradient)
    if rows is not None:
        case["rows"] = plain(rows)
    case.update(more)
    cases.append(case)


def leaf(x):
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


# Softmax cross-entropy: all columns, own columns, weights, ignored rows, extreme logits.
x = leaf(grid(6, 5))
labels = [0, 4, -1, 2, 2, 1]
y = torch.tensor([max(v, 0) for v in labels])
keep = torch.tensor([float(v >= 0) for v in labels], dtype=torch.float64)
each = F.cross_entropy(x, y, reduction="none") * keep
add("softmax", {"make": "softmaxLoss", "options": {"classes": 5}}, {"labels": labels}, x, each.sum() / keep.sum(), each)
w = torch.tensor([1.0, 0.5, 1.0, 2.0, 0.0, 0.25], dtype=torch.float64)
each = F.cross_entropy(x, y, reduction="none") * keep * w
add("softmax, weights", {"make": "softmaxLoss", "options": {"classes": 5}}, {"labels": labels, "weights": w}, x, each.sum() / (keep * w).sum(), each)
own = [0, 2, 3]
own_labels = [2, 0, -1, 3, 3, 0]
y = torch.tensor([own.index(v) if v >= 0 else 0 for v in own_labels])
each = F.cross_entropy(x[:, own], y, reduction="none") * keep
add("softmax, columns of a data set", {"make": "softmaxLoss", "options": {"classes": 5, "columns": own}}, {"labels": own_labels}, x, each.sum() / keep.sum(), each)
x = leaf(np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4], [1e4, 1e4, 1e4]]))
each = F.cross_entropy(x, torch.tensor([1, 2, 0]), reduction="none")
add("softmax, extreme", {"make": "softmaxLoss", "options": {"classes": 3}}, {"labels": [1, 2, 0]}, x, each.mean(), each)


def onehot(labels, C):
    t = torch.zeros(len(labels), C, dtype=torch.float64)
    for p, v in enumerate(labels):
        if 0 <= v < C:
            t[p, v] = 1
    return t


def bce(x, t, m):
    return (F.binary_cross_entropy_with_logits(x, t, reduction="none") * m).sum(1)


def focal(x, t, gamma, alpha):
    """sigmoid_focal_loss of torchvision."""
    p = torch.sigmoid(x)
    ce = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    q = p * t + (1 - p) * (1 - t)
    loss = ce * (1 - q) ** gamma
    return loss * (alpha * t + (1 - alpha) * (1 - t)) if alpha >= 0 else loss


# Sigmoid cross-entropy with background (label C), columns, element weights, dense targets.
C = 6
x = leaf(grid(5, C))
labels = [3, 6, -1, 0, 5]
t = onehot(labels, C)
m = torch.tensor([[float(v >= 0)] * C for v in labels], dtype=torch.float64)
add("sigmoid", {"make": "sigmoidLoss", "options": {"classes": C}}, {"labels": labels}, x, bce(x, t, m).sum() / 4, bce(x, t, m))
columns = [0, 3, 5]
mc = m * torch.tensor([float(c in columns) for c in range(C)], dtype=torch.float64)
add("sigmoid, columns", {"make": "sigmoidLoss", "options": {"classes": C, "columns": columns}}, {"labels": labels}, x, bce(x, t, mc).sum() / 4, bce(x, t, mc))
we = torch.tensor(grid(5, C, low=0, high=2))
add("sigmoid, element weights", {"make": "sigmoidLoss", "options": {"classes": C}}, {"labels": labels, "weights": we}, x, bce(x, t, m * we).sum() / 4, bce(x, t, m * we))
soft = torch.tensor(grid(5, C, low=0, high=1))
add("sigmoid, dense targets", {"make": "sigmoidLoss", "options": {"classes": C}}, {"targets": soft}, x, bce(x, soft, torch.ones_like(soft)).sum() / 5, bce(x, soft, torch.ones_like(soft)))
xe = leaf(np.array([[1e4, -1e4], [-1e4, 1e4]]))
te = onehot([1, 1], 2)
add("sigmoid, extreme", {"make": "sigmoidLoss", "options": {"classes": 2}}, {"labels": [1, 1]}, xe, bce(xe, te, torch.ones_like(te)).sum() / 2, bce(xe, te, torch.ones_like(te)))
for gamma, alpha in ((2.0, 0.25), (1.5, -1.0), (0.5, 0.75)):
    each = (focal(x, t, gamma, alpha) * m).sum(1)
    add(f"focal {gamma} {alpha}", {"make": "focalLoss", "options": {"classes": C, "gamma": gamma, "alpha": alpha}}, {"labels": labels}, x, each.sum() / 3, each)
masks = (torch.tensor(grid(3, 8)) > 0).double()
x = leaf(grid(3, 8))
each = focal(x, masks, 2.0, 0.25).sum(1)
add("mask focal", {"make": "maskFocalLoss", "options": {"pixels": 8}}, {"targets": masks}, x, each.sum() / 24, each)
soft = torch.tensor(grid(3, 8, low=0, high=1))
each = focal(x, soft, 2.0, 0.25).sum(1)
add("mask focal, soft targets", {"make": "maskFocalLoss", "options": {"pixels": 8}}, {"targets": soft}, x, each.sum() / 24, each)

# Null BCE (UniSeg Eq. 4): by hand, on the data set's columns alone.
C = 7
columns = [1, 4, 6]
x = leaf(grid(4, C))
labels = [0, 2, 1, -1]
t = onehot([columns[v] if v >= 0 else -1 for v in labels], C)
m = torch.tensor([[float(v >= 0 and c in columns) for c in range(C)] for v in labels], dtype=torch.float64)
add("null", {"make": "nullLoss", "options": {"classes": C, "columns": columns}}, {"labels": labels}, x, bce(x, t, m).sum() / 3, bce(x, t, m))
# Class-relational BCE (Eq. 6, 8), written as the equation stands.
s = grid(3, C, low=0, high=1)
tau = 0.48
t = torch.zeros(4, C, dtype=torch.float64)
m = torch.zeros(4, C, dtype=torch.float64)
for p, v in enumerate(labels):
    if v < 0:
        continue
    c0 = columns[v]
    for c in range(C):
        if c == c0 or s[v, c] > max(tau, s[v, c0]):
            t[p, c] = m[p, c] = 1
        elif c not in columns:
            m[p, c] = 0
        else:
            m[p, c] = 1
add("class-relational", {"make": "relationalLoss", "options": {"classes": C, "columns": columns, "similarity": plain(s), "threshold": tau}}, {"labels": labels}, x, bce(x, t, m).sum() / 3, bce(x, t, m))
# Hierarchy-aware sigmoid (UniDet 5.1) as its code: target += target @ is_parents, weights 1 - is_child. A DAG: 4 has parents 1 and 2, both below 0.
parents = [[], [0], [0], [], [1, 2], [4], [3]]
anc = [set() for _ in parents]
for c in range(len(parents)):
    stack = list(parents[c])
    while stack:
        a = stack.pop()
        anc[c].add(a)
        stack += parents[a]
labels = [4, 0, 5, 7, -1, 6]
x = leaf(grid(6, C))
t = onehot(labels, C)
m = torch.zeros(6, C, dtype=torch.float64)
for p, v in enumerate(labels):
    for c in range(C):
        if v < 0:
            continue
        m[p, c] = 1.0
        if v < C:
            if c in anc[v]:
                t[p, c] = 1
            if v in anc[c]:
                m[p, c] = 0
add("hierarchy", {"make": "hierarchyLoss", "options": {"parents": parents}}, {"labels": labels}, x, bce(x, t, m).sum() / 5, bce(x, t, m))

# ScaleDet: hard and soft labels through cosines, and the gradient of features (Eq. 3 to 8).
n, D, P = 6, 4, 5
embeddings = grid(n, D, low=-2, high=2) + 1 / 64
e = torch.tensor(embeddings)
unit = e / e.norm(dim=1, keepdim=True)
cos = unit @ unit.T
low = cos.min(dim=1, keepdim=True).values
S = (cos - low) / (1 - low)
features = leaf(grid(P, D, low=-2, high=2) + 1 / 64)
c = F.cosine_similarity(features[:, None], e[None], dim=2, eps=1e-12)
labels = [0, 5, 6, -1, 3]
tau, lam = 0.125, 10.0
t = onehot(labels, n)
valid = torch.tensor([float(v >= 0) for v in labels], dtype=torch.float64)
has = torch.tensor([float(0 <= v < n) for v in labels], dtype=torch.float64)
rows = S[[v if 0 <= v < n else 0 for v in labels]]
each = (F.binary_cross_entropy_with_logits(c / tau, t, reduction="none").sum(1) + lam * ((c - rows) ** 2).mean(1) * has) * valid
value = each.sum() / valid.sum()
(feature_gradient,) = torch.autograd.grad(value, features, retain_graph=True)
cl = c.detach().clone().requires_grad_(True)
each = (F.binary_cross_entropy_with_logits(cl / tau, t, reduction="none").sum(1) + lam * ((cl - rows) ** 2).mean(1) * has) * valid
add("hard and soft labels", {"make": "hardSoftLoss", "options": {"similarity": plain(S), "temperature": tau, "lambda": lam}}, {"labels": labels}, cl, each.sum() / valid.sum(), each,
    features=plain(features), embeddings=plain(embeddings), featureGradient=plain(feature_gradient))

# CenterNet heat map: as _neg_loss of the authors' code, in log-sigmoids.
x = leaf(grid(6, 3))
t = torch.tensor(grid(6, 3, low=0, high=30 / 32))
t[1, 2] = t[4, 0] = 1
pos = (t == 1).double()
p = torch.sigmoid(x)
each = -(pos * (1 - p) ** 2 * F.logsigmoid(x) + (1 - pos) * (1 - t) ** 4 * p**2 * F.logsigmoid(-x)).sum(1)
add("heat map", {"make": "heatmapLoss", "options": {"classes": 3}}, {"targets": t}, x, each.sum() / 2, each)
t0 = torch.tensor(grid(6, 3, low=0, high=30 / 32))
each = -((1 - t0) ** 4 * p**2 * F.logsigmoid(-x)).sum(1)
add("heat map without centres", {"make": "heatmapLoss", "options": {"classes": 3}}, {"targets": t0}, x, each.sum(), each)

# Dice, both denominators; an empty mask.
x = leaf(grid(3, 10))
t = (torch.tensor(grid(3, 10)) > 0).double()
t[2] = 0
p = torch.sigmoid(x)
each = 1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)
add("dice", {"make": "diceLoss", "options": {}}, {"targets": t, "masks": 3}, x, each.mean(), each)
each = 1 - (2 * (p * t).sum(1) + 1e-5) / ((p * p).sum(1) + (t * t).sum(1) + 1e-5)
add("dice, squares", {"make": "diceLoss", "options": {"squared": True, "smooth": 1e-5}}, {"targets": t, "masks": 3}, x, each.mean(), each)


# Projection (DaTaSeg Eq. 3): maxima over columns and rows.
def dice_squares(p, t):
    return 1 - (2 * (p * t).sum(1) + 1e-5) / ((p * p).sum(1) + (t * t).sum(1) + 1e-5)


x = leaf(np.stack([rng.permutation(20) / 4.0 - 2.5 for _ in range(2)]))
m = torch.sigmoid(x.reshape(2, 4, 5))
tx = torch.tensor([[0, 1, 1, 0, 0], [1, 1, 1, 1, 0]], dtype=torch.float64)
ty = torch.tensor([[0, 1, 1, 0], [1, 0, 0, 0]], dtype=torch.float64)
each = dice_squares(m.max(1).values, tx) + dice_squares(m.max(2).values, ty)
add("projection", {"make": "projectionLoss", "options": {}}, {"masks": 2, "projectionX": tx, "projectionY": ty}, x, each.mean(), each)

# Boxes.
x = leaf(grid(5, 4))
t = grid(5, 4)
for beta in (1.0, 0.5):
    each = F.smooth_l1_loss(x, torch.tensor(t), reduction="none", beta=beta).sum(1)
    add(f"smooth L1 {beta}", {"make": "smoothL1Loss", "options": {"beta": beta}}, {"targets": t}, x, each.mean(), each)
boxes = np.array([[0, 0, 4, 4], [0, 0, 2, 2], [1, 1, 3, 5], [0, 0, 1, 1], [2, 3, 9, 5]], dtype=np.float64) + grid(5, 4, low=0, high=0.5)
truth = np.array([[1, 1, 5, 5], [5, 5, 7, 9], [1.25, 0.75, 3.25, 5.75], [0.5, -3, 1.5, 4], [2, 1, 6, 8]], dtype=np.float64)


def box_loss(b, g, kind):
    """generalized_box_iou_loss and complete_box_iou_loss of torchvision."""
    eps = 1e-7
    x1, y1, x2, y2 = b.unbind(1)
    u1, v1, u2, v2 = g.unbind(1)
    inter = (torch.min(x2, u2) - torch.max(x1, u1)).clamp(min=0) * (torch.min(y2, v2) - torch.max(y1, v1)).clamp(min=0)
    union = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - inter
    iou = inter / (union + eps)
    cw, ch = torch.max(x2, u2) - torch.min(x1, u1), torch.max(y2, v2) - torch.min(y1, v1)
    if kind == "giou":
        return 1 - (iou - (cw * ch - union) / (cw * ch + eps))
    d = ((x1 + x2 - u1 - u2) ** 2 + (y1 + y2 - v1 - v2) ** 2) / 4 / (cw**2 + ch**2 + eps)
    v = 4 / math.pi**2 * (torch.atan((u2 - u1) / (v2 - v1)) - torch.atan((x2 - x1) / (y2 - y1))) ** 2
    with torch.no_grad():
        alpha = v / (1 - iou + v + eps)
    return 1 - iou + d + alpha * v


for kind in ("giou", "ciou"):
    b = leaf(boxes)
    each = box_loss(b, torch.tensor(truth), kind)
    add(kind, {"make": "boxLoss", "argument": kind}, {"targets": truth}, b, each.mean(), each)

# Orthogonality (AutoUniSeg Eq. 7), diagonal and whole rows.
X = leaf(grid(5, 3, low=-1, high=1))
for temperature, whole in ((1.0, False), (0.5, True)):
    q = torch.softmax(X @ X.T / temperature, dim=1)
    each = -(q * q.log()).sum(1) if whole else -(q.diagonal() * q.diagonal().log())
    add(f"orthogonality {'rows' if whole else 'diagonal'}", {"make": "orthogonalityLoss", "options": {"features": 3, "temperature": temperature, "wholeRows": whole}}, {}, X, each.mean(), each)



# MERGE (DaTaSeg Eq. 1, 2) and the many-to-one mapping (AutoUniSeg Eq. 4, 5).
def merge_of(masks, classes, wanted):
    (M, N), C = masks.shape, classes.shape[1]
    arg = classes.argmax(1)
    merged, means = [], []
    for k in wanted:
        who = arg == k
        if who.any():
            merged.append(masks[who].max(0).values)
            means.append(classes[who].mean(0))
        else:
            merged.append(torch.full((N,), -100.0, dtype=torch.float64))
            means.append(torch.zeros(C, dtype=torch.float64))
    merged, means = torch.stack(merged), torch.stack(means)
    gm, gz = torch.tensor(grid(len(wanted), N)), torch.tensor(grid(len(wanted), C))
    dm, dz = torch.autograd.grad((merged * gm).sum() + (means * gz).sum(), (masks, classes))
    return {"M": M, "N": N, "C": C, "wanted": wanted, "masks": plain(masks), "classes": plain(classes), "merged": plain(merged), "means": plain(means), "maskGradient": plain(gm), "classGradient": plain(gz), "dMasks": plain(dm), "dClasses": plain(dz)}


merges = [merge_of(leaf(grid(5, 6)), leaf(grid(5, 3) + np.arange(3) / 128), [0, 1, 2])]
u, mapping, g = leaf(grid(4, 5)), leaf(grid(3, 5, low=0, high=1)), torch.tensor(grid(4, 3))
logits = u @ mapping.T
du, dmap = torch.autograd.grad((logits * g).sum(), (u, mapping))
mapped = {"P": 4, "U": 5, "K": 3, "unified": plain(u), "mapping": plain(mapping), "logits": plain(logits), "gradient": plain(g), "dUnified": plain(du), "dMapping": plain(dmap)}
f, wt, g = leaf(grid(4, 3) + 1 / 64), leaf(grid(5, 3) + 1 / 64), torch.tensor(grid(4, 5))
logits = 20 * F.normalize(f, dim=1) @ F.normalize(wt, dim=1).T
df, dw = torch.autograd.grad((logits * g).sum(), (f, wt))
cosine = {"P": 4, "C": 5, "D": 3, "scale": 20, "features": plain(f), "weights": plain(wt), "logits": plain(logits), "gradient": plain(g), "dFeatures": plain(df), "dWeights": plain(dw)}

# Optimisers: four steps with clipping.
steps = []
for kind, make, options in (
    ("sgd", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01), {"momentum": 0.9, "decay": 0.01}),
    ("sgd", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True), {"momentum": 0.9, "decay": 0.01, "nesterov": True}),
    ("adamw", lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.9, 0.99), weight_decay=0.05), {"beta1": 0.9, "beta2": 0.99, "decay": 0.05}),
):
    a, b = torch.tensor(grid(3)), torch.tensor(grid(4))
    start = [plain(a), plain(b)]
    parameters = [a.clone().requires_grad_(True), b.clone().requires_grad_(True)]
    optimiser = make(parameters)
    gradients, after, norms = [], [], []
    for _ in range(4):
        gs = [grid(3), grid(4)]
        for parameter, value in zip(parameters, gs):
            parameter.grad = torch.tensor(value)
        norms.append(float(torch.nn.utils.clip_grad_norm_(parameters, 5.0)))
        optimiser.step()
        gradients.append([plain(v) for v in gs])
        after.append([plain(v) for v in parameters])
    steps.append({"kind": kind, "options": {**options, "clipNorm": 5.0}, "rate": 0.1, "start": start, "gradients": gradients, "after": after, "norms": norms})

# Added later, so that the numbers above stay. Rows of no whole fours, sums in the denominator; masks that are nearly or quite saturated.
x = leaf(np.stack([rng.permutation(54) / 8.0 - 3.25 for _ in range(3)]))
m = torch.sigmoid(x.reshape(3, 6, 9))
tx = (torch.tensor(grid(3, 9)) > 0).double()
ty = (torch.tensor(grid(3, 6)) > 0).double()
w = torch.tensor([0.5, 0.0, 2.0], dtype=torch.float64)
each = 0
for p, t in ((m.max(1).values, tx), (m.max(2).values, ty)):
    each = each + (1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)) * w
add("projection, sums, weights", {"make": "projectionLoss", "options": {"squared": False, "smooth": 1}}, {"masks": 3, "projectionX": tx, "projectionY": ty, "weights": w}, x, each.sum() / 2, each)
x = leaf(np.array([[1e4, -1e4, 88, -88, 30], [-30, 100, -100, 17, -17], [-1e4, -1e4, -1e4, -1e4, -1e4]]))
t = torch.tensor([[1, 0, 0, 1, 1], [1, 0, 1, 0, 1], [0, 0, 0, 0, 0]], dtype=torch.float64)
p = torch.sigmoid(x)
each = 1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)
add("dice, extreme", {"make": "diceLoss", "options": {}}, {"targets": t, "masks": 3}, x, each.mean(), each)


def distinct(M, N):
    """No two proposals have the same logit at a pixel: PyTorch leaves open who gets the slope of equal ones."""
    return np.stack([rng.permutation(M) for _ in range(N)], 1) / 4.0 - M / 8


merges.append(merge_of(leaf(distinct(12, 11)), leaf(grid(12, 7) + np.arange(7) / 256), [5, 2, 0, 6]))
merges.append(merge_of(leaf(distinct(3, 5)), leaf(grid(3, 1)), [0]))
merges.append(merge_of(leaf(distinct(40, 33) * 1024), leaf((grid(40, 9) + np.arange(9) / 512) * 1024), [8, 7, 3, 1]))

with open(os.path.join(HERE, "losses.json"), "w") as out:
    json.dump({"torch": torch.__version__, "cases": cases, "merges": merges, "mapping": mapped, "cosine": cosine, "optimizers": steps}, out, separators=(",", ":"))
    out.write("\n")
print(len(cases), "cases")

# Makes test/golden/onnx: small networks built like detectors people export, as torch.onnx writes them, with PyTorch's own results. PyTorch 1.13.
#
#   python3 test/golden/make_onnx.py
#
# NAME-11.onnx has fixed sizes, NAME-16.onnx open ones (batch, height, width). NAME.f32 holds the input and then all outputs, little-endian float32;
# networks.json their shapes. Integers are written as floats.
import json
import os

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(7)
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'onnx')


class C2f(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a = nn.Conv2d(c, c, 1)
        self.b = nn.Conv2d(c // 2, c // 2, 3, padding=1)
        self.bn = nn.BatchNorm2d(c // 2)
        self.c = nn.Conv2d(c // 2 * 3, c, 1)

    def forward(self, x):
        y = list(F.silu(self.a(x)).chunk(2, 1))
        y.append(F.silu(self.bn(self.b(y[-1]))))
        return F.silu(self.c(torch.cat(y, 1)))


class AnchorFree(nn.Module):
    """Like YOLOv8: split and joined blocks, pooled pyramid, nearest upsampling, box distances as distributions."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.c1, self.down, self.c2 = C2f(8), nn.Conv2d(8, 16, 3, 2, 1), C2f(16)
        self.pool, self.lateral = nn.MaxPool2d(5, 1, 2), nn.Conv2d(24, 8, 1)
        self.box, self.cls = nn.Conv2d(8, 32, 1), nn.Conv2d(8, 5, 1)
        self.dfl = nn.Conv2d(8, 1, 1, bias=False)
        self.dfl.weight.data[:] = torch.arange(8.0).view(1, 8, 1, 1)

    def forward(self, x):
        p = self.c1(F.silu(self.stem(x)))
        q = self.c2(F.silu(self.down(p)))
        q = torch.cat([q, self.pool(q)], 1)[:, :16]
        f = F.silu(self.lateral(torch.cat([F.interpolate(q, scale_factor=2, mode='nearest'), p], 1)))
        b, c = self.box(f), self.cls(f)
        n = b.shape[0]
        b, c = b.view(n, 32, -1), c.view(n, 5, -1)
        a = b.shape[2]
        d = self.dfl(b.view(n, 4, 8, a).transpose(2, 1).softmax(1)).view(n, 4, a)
        lt, rb = d.chunk(2, 1)
        return torch.cat([torch.cat(((rb - lt) / 2, rb + lt), 1) * 8, c.sigmoid()], 1)


class Anchors(nn.Module):
    """Like YOLOv5: focus slices, anchors in the channel axis, decoding in the graph; and layers that other networks have."""

    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(12, 3 * 8, 1)
        self.g = nn.GroupNorm(4, 24)
        self.t = nn.ConvTranspose2d(24, 16, 4, 2, 1)
        self.shuffle = nn.PixelShuffle(2)
        self.dw = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=4)

    def forward(self, x):
        x = torch.cat([x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]], 1)
        y = self.c(x)
        t = F.leaky_relu(self.t(F.hardswish(self.g(y))), 0.1)
        z = F.interpolate(self.dw(self.shuffle(t)), size=(20, 22), mode='bilinear', align_corners=False)
        z = F.pad(z, (1, 2, 3, 0), mode='reflect')
        n, _, h, w = y.shape
        y = y.view(n, 3, 8, h, w).permute(0, 1, 3, 4, 2).contiguous().sigmoid()
        y = torch.cat([y[..., :2] * 2 - 0.5, (y[..., 2:4] * 2) ** 2, y[..., 4:]], -1)
        return y.view(n, -1, 8), z, F.adaptive_avg_pool2d(z, 1).flatten(1)


class Attention(nn.Module):
    """Like a transformer decoder: patches, layer normalisation, attention of several heads, GELU, the best queries picked."""

    def __init__(self):
        super().__init__()
        self.patch, self.norm = nn.Conv2d(3, 16, 8, 8), nn.LayerNorm(16)
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.mlp, self.head = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16)), nn.Linear(16, 7)

    def forward(self, x):
        t = self.patch(x).flatten(2).transpose(1, 2)
        m = self.norm(t)
        n, k = m.shape[:2]
        q, key, v = self.qkv(m).reshape(n, k, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        a = (q @ key.transpose(-2, -1) * 8**-0.5).softmax(-1) @ v
        t = t + self.out(a.transpose(1, 2).reshape(n, k, 16))
        s = self.head(t + self.mlp(self.norm(t)))
        v, i = s.max(-1).values.topk(5)
        return s.softmax(-1), v, i, torch.gather(s, 1, i.unsqueeze(-1).expand(-1, -1, 7))


class Shuffle(nn.Module):
    """Like ShuffleNet and MobileNetV3: channel shuffle, squeeze-excite, peaks by pooling, masks."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(8, 8, 3, 1, 1, groups=8)
        self.squeeze, self.excite = nn.Conv2d(16, 4, 1), nn.Conv2d(4, 16, 1)
        self.norm, self.prelu = nn.InstanceNorm2d(16, affine=True), nn.PReLU(16)

    def forward(self, x):
        x = self.prelu(self.norm(self.a(x)))
        a, b = x.chunk(2, 1)
        x = torch.cat((a, self.b(b)), 1)
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
        x = x * F.hardsigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3), keepdim=True)))))
        x = F.relu6(F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False))
        peaks = (F.max_pool2d(x, 3, 1, 1) == x).float() * x
        return x, peaks, torch.where(x > 1, x, -x).clamp(-2, 3), x.pow(2).sum(1).sqrt(), F.normalize(x, dim=1), x.argmax(1)


networks = {}
for name, net, size in [('anchor-free', AnchorFree(), 32), ('anchors', Anchors(), 24), ('attention', Attention(), 32), ('shuffle', Shuffle(), 21)]:
    net.eval()
    x = torch.randn(1, 3, size, size)
    with torch.no_grad():
        y = net(x)
        y = y if isinstance(y, tuple) else (y,)
        names = [f'y{i}' for i in range(len(y))]
        for opset in (11, 16):
            axes = {'x': {0: 'batch', 2: 'height', 3: 'width'}} if opset == 16 else None
            path = os.path.join(here, f'{name}-{opset}.onnx')
            torch.onnx.export(net, x, path, opset_version=opset, input_names=['x'], output_names=names, dynamic_axes=axes)
    arrays = [t.numpy().astype('<f4') for t in (x, *y)]
    np.concatenate([a.ravel() for a in arrays]).tofile(os.path.join(here, f'{name}.f32'))
    networks[name] = {'shapes': [list(a.shape) for a in arrays]}
with open(os.path.join(here, 'networks.json'), 'w') as file:
    json.dump(networks, file, indent=2)
    file.write('\n')

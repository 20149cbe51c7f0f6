"""What there is to compute on, chosen by what is there."""

from __future__ import annotations

import contextlib
import math
import os
import time

# Waiting threads must sleep: the cores are shared with whatever else the machine does.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')

import torch
import torch.nn.functional as F


class Machine:
    """A GPU in bfloat16 where there is one; else the CPU, in whichever format it multiplies faster."""

    def __init__(self, threads: int):
        torch.set_num_threads(threads)
        self.cuda = torch.cuda.is_available()
        self.device = torch.device('cuda' if self.cuda else 'cpu')
        self.half = self.cuda or faster_in_half()
        if self.cuda:
            torch.set_float32_matmul_precision('high')

    def precision(self) -> contextlib.AbstractContextManager:
        if not self.half:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def fast(self, module: torch.nn.Module) -> torch.nn.Module:
        return torch.compile(module) if self.cuda else module

    def __str__(self) -> str:
        name = torch.cuda.get_device_name() if self.cuda else f'CPU, {torch.get_num_threads()} threads'
        return f'{name}, {"bfloat16" if self.half else "float32"}, PyTorch {torch.__version__}'


def faster_in_half() -> bool:
    """CPUs have instructions for bfloat16 or imitate them, which is some 50 times slower."""

    def seconds(dtype: torch.dtype) -> float:
        a, b = torch.randn(512, 256).to(dtype), torch.randn(256, 256).to(dtype)
        best = math.inf
        for _ in range(4):
            started = time.perf_counter()
            F.linear(a, b)
            best = min(best, time.perf_counter() - started)
        return best

    return seconds(torch.bfloat16) < 0.8 * seconds(torch.float32)

"""Writes the small PyTorch files that crates/spolia-network/tests/weights_pytorch.rs reads.

    python3 tests/reference/weights_pytorch.py crates/spolia-network/tests/weights_files

Written with torch 2.15.0. The tensors have every number type and the layouts that a state dict may hold: channels last,
a transposed view, every second value of a longer storage, a parameter.
"""

import sys
from collections import OrderedDict
from pathlib import Path

import torch

conv = torch.arange(12, dtype=torch.float32).reshape(2, 3, 2, 1) / 4
layer = "Mixed_5b.branch1x1"
state = OrderedDict(
    {
        f"{layer}.conv.weight": conv.to(memory_format=torch.channels_last),
        f"{layer}.bn.weight": torch.tensor([0.1, 1e-300], dtype=torch.float64),
        f"{layer}.bn.bias": torch.tensor([0.1, -65504.0], dtype=torch.float16),
        f"{layer}.bn.running_mean": torch.tensor([0.1, 3.0e38], dtype=torch.bfloat16),
        f"{layer}.bn.running_var": torch.arange(6, dtype=torch.float32)[1::2],
        f"{layer}.bn.num_batches_tracked": torch.tensor(7),
        "AuxLogits.fc.weight": torch.zeros(1, 1),
        "fc.weight": torch.nn.Parameter(torch.arange(6, dtype=torch.float32).reshape(3, 2).T),
    }
)
assert not state[f"{layer}.conv.weight"].is_contiguous() and not state["fc.weight"].is_contiguous()

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
torch.save(state, folder / "state_dict.pth")
torch.save(state, folder / "protocol_4.pth", pickle_protocol=4)
torch.save(state, folder / "legacy.pth", _use_new_zipfile_serialization=False)
wrapped = {f"module.{name}": tensor for name, tensor in state.items()}
torch.save({"epoch": 3, "lr": 1e-4, "best": None, "state_dict": wrapped}, folder / "checkpoint.pth")
torch.save(torch.nn.Linear(1, 1), folder / "whole_model.pth")
torch.save({"epoch": 3, "losses": [0.5, 0.25]}, folder / "no_tensors.pth")
torch.save({"counts": torch.arange(3)}, folder / "whole_numbers.pth")

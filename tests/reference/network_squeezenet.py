"""Makes crates/spolia-network/tests/chelsea.ppm (scikit-image's photograph, its middle at 224 px) and prints the highest
logits that torchvision's SqueezeNet 1.1 gives with published weights, for tests/architectures.rs of that crate.
torch 2.15, torchvision 0.29, scikit-image 0.26.

    python tests/reference/network_squeezenet.py DATA/weights/squeezenet1_1_imagenet.fp32.safetensors
"""
import pathlib, sys
import numpy as np, skimage, torch, torchvision
from PIL import Image
from safetensors.torch import load_file

PPM = pathlib.Path(__file__).resolve().parents[2] / "crates" / "spolia-network" / "tests" / "chelsea.ppm"
FIRES = dict(zip((f"fire{k}" for k in range(2, 10)), (3, 4, 6, 7, 9, 10, 11, 12)))

photograph = Image.fromarray(skimage.data.chelsea())
left = (photograph.width - photograph.height) // 2
photograph.crop((left, 0, left + photograph.height, photograph.height)).resize((224, 224), Image.BILINEAR).save(PPM)

state = {}
for name, tensor in load_file(sys.argv[1]).items():
    layer, rest = name.split(".", 1)
    ours = {"conv1": "features.0", "conv10": "classifier.1"}.get(layer) or f"features.{FIRES[layer]}"
    state[f"{ours}.{rest.replace('squeeze1x1', 'squeeze')}"] = tensor
net = torchvision.models.squeezenet1_1(weights=None).eval()
net.load_state_dict(state)
bgr = np.asarray(Image.open(PPM)).astype(np.float32)[..., ::-1] - np.float32([103.939, 116.779, 123.68])
logits = net.double()(torch.from_numpy(np.ascontiguousarray(bgr)).permute(2, 0, 1)[None].double())[0]
for value, k in zip(*logits.topk(8)):
    print(f"    ({k}, {value:.4f}),")

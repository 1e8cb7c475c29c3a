"""Literal maps and scores of the peers for crates/spolia-interpret/tests/attention_peers.rs. torch 2.15, grad-cam 1.5.7,
captum 0.9.0, quantus 0.6.0, scipy 1.17, scikit-learn.

    python tests/reference/attention/peers.py > crates/spolia-interpret/tests/attention_peers.json

The network is that of engine.py: the starter weights with a fixed last layer (one logit), in float64; the images are the
first two of its inference images, 107 px. Maps of pytorch-grad-cam are raw, at the layer's resolution, after its
np.maximum(cam, 0); `fused` is the whole call with three target layers, every 5th pixel of every 5th row, as are captum's.
Eigen-CAM's sign, which LAPACK leaves open, is the one in which the map rises with the sum of the channels.
"""
import json, pathlib, sys, warnings
warnings.filterwarnings("ignore")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import numpy as np, torch
import engine

torch.set_num_threads(1)
from captum.attr import IntegratedGradients, LayerGradCam, Occlusion
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, ScoreCAM, XGradCAM
from pytorch_grad_cam.metrics.cam_mult_image import CamMultImageConfidenceChange
from pytorch_grad_cam.metrics.road import NoisyLinearImputer
import quantus, scipy.stats

SEED, STEP = 1000, 5
LAYERS = ["Mixed_5d", "Mixed_6e", "Mixed_7c"]
CAMS = {"grad-cam": GradCAM, "grad-cam++": GradCAMPlusPlus, "xgrad-cam": XGradCAM, "layer-cam": LayerCAM,
        "hires-cam": HiResCAM, "eigen-cam": EigenCAM}
net = engine.network(False, engine.starter()).eval().double()
image = engine.images(SEED)[:2].double()
targets = {"1": lambda o: o[0], "0": lambda o: -o[0]}
out = {"seed": SEED, "step": STEP, "maps": [], "fused": {}, "captum": {}}


def rounded(values):
    return [float(f"{v:.7g}") for v in np.asarray(values).ravel()]


def raw(cam, layer, target):
    """the map before scaling, of each image"""
    cam.uses_gradients = True
    cam(image.clone(), [target] * 2)
    acts = [a.cpu().data.numpy() for a in cam.activations_and_grads.activations]
    grads = [g.cpu().data.numpy() for g in cam.activations_and_grads.gradients]
    maps = cam.get_cam_image(image, layer, [target] * 2, acts[0], grads[0], False)
    if isinstance(cam, EigenCAM):
        for m, a in zip(maps, acts[0]):
            if (m * a.sum(0)).sum() < 0:
                m *= -1
    return np.maximum(maps, 0)


for name in LAYERS:
    layer = getattr(net, name)
    for method, kind in CAMS.items():
        for cls, target in targets.items():
            if method == "eigen-cam" and cls == "0":
                continue
            with kind(net, [layer]) as cam:
                maps = raw(cam, layer, target)
            out["maps"].append({"layer": name, "method": method, "class": int(cls), "shape": list(maps.shape[1:]),
                                "values": [rounded(m) for m in maps]})
with GradCAM(net, [getattr(net, n) for n in LAYERS]) as cam:
    out["fused"]["grad-cam"] = [rounded(m[::STEP, ::STEP]) for m in cam(image.clone(), [targets["1"]] * 2)]
with LayerCAM(net, [getattr(net, n) for n in LAYERS]) as cam:
    out["fused"]["layer-cam"] = [rounded(m[::STEP, ::STEP]) for m in cam(image.clone(), [targets["1"]] * 2)]

# Score-CAM at a layer of 64 channels, of the first image.
layer = net.Conv2d_2b_3x3
with ScoreCAM(net, [layer]) as cam:
    cam.batch_size = 16
    cam(image[:1].clone(), [targets["1"]])
    activation = cam.activations_and_grads.activations[0].cpu().data.numpy()
    score_map = np.maximum(cam.get_cam_image(image[:1], layer, [targets["1"]], activation, None, False), 0)[0]
out["score_cam"] = {"layer": "Conv2d_2b_3x3", "shape": list(score_map.shape), "values": rounded(score_map[::STEP, ::STEP])}

# captum
ig, delta = IntegratedGradients(net).attribute(image, baselines=0.0, target=0, n_steps=16, internal_batch_size=8,
                                               return_convergence_delta=True)
out["captum"]["integrated_gradients"] = [rounded(a.sum(0)[::STEP, ::STEP].detach()) for a in ig]
out["captum"]["integrated_gradients_sum"] = rounded(ig.sum((1, 2, 3)).detach())
with torch.no_grad():
    occ = Occlusion(net).attribute(image, sliding_window_shapes=(3, 40, 40), strides=(3, 20, 20), baselines=1.0, target=0)
out["captum"]["occlusion"] = [rounded(a[0][::STEP, ::STEP]) for a in occ]
cap = LayerGradCam(net, net.Mixed_6e).attribute(image, target=0, relu_attributions=True)
out["captum"]["grad_cam_mixed_6e"] = [rounded(a[0].detach()) for a in cap]

# Score of the image times the map, sigmoid of the logit.
probability = lambda o: torch.sigmoid(o[0])
with GradCAM(net, [net.Mixed_6e]) as cam:
    cams = cam(image.clone(), [targets["1"]] * 2)
metric = CamMultImageConfidenceChange()
out["drop"] = {"change": rounded(metric(image, cams.astype(np.float64), [probability] * 2, net)),
               "before": rounded([torch.sigmoid(l[0]).item() for l in net(image)])}

# Imputation without noise, of a 16 x 16 corner.
corner = image[0, :, :16, :16].contiguous()
mask = torch.from_numpy((engine.values(77, 256).reshape(16, 16) > 0.2).astype(np.float32))
out["imputed"] = {"values": rounded(NoisyLinearImputer(noise=0.0)(corner.float(), mask).permute(1, 2, 0)),
                  "kept": mask.ravel().int().tolist()}

# Localization of three maps of 20 x 20 and masks.
maps = np.stack([np.abs(engine.values(80 + i, 400)).reshape(20, 20) for i in range(4)]).astype(np.float64)
yy, xx = np.mgrid[:20, :20]
masks = np.stack([(yy - c[0]) ** 2 + (xx - c[1]) ** 2 < r * r for c, r in (((5, 5), 4), ((10, 12), 6), ((15, 3), 3), ((9, 9), 8))])
maps[1] += masks[1]                                                # a map that finds its mask
maps[3] = np.exp(-((yy - 9.31) ** 2 + (xx - 9.57) ** 2) / 18)   # a centred one without equal values
maps[3, 9, 9] += 0.1
maps = np.float32(rounded(maps)).astype(np.float64).reshape(maps.shape)   # what the test reads
a, s = maps[:, None], masks[:, None].astype(int)
x, y = np.zeros((4, 3, 20, 20)), np.zeros(4, int)
args = dict(model=None, x_batch=x, y_batch=y, a_batch=a, s_batch=s)
common = dict(abs=False, normalise=False, disable_warnings=True)
flat = lambda scores: [float(np.ravel(v)[0]) for v in scores]
out["quantus"] = {"maps": [rounded(m) for m in maps], "masks": [m.ravel().astype(int).tolist() for m in masks],
                  "pointing": flat(quantus.PointingGame(**common)(**args)),
                  "energy": flat(quantus.RelevanceMassAccuracy(**common)(**args)),
                  "top_share": flat(quantus.RelevanceRankAccuracy(**common)(**args)),
                  "auc": flat(quantus.AUC(**common)(**args)),
                  "spearman": [float(quantus.similarity_func.correlation_spearman(maps[i].reshape(1, -1), maps[j].reshape(1, -1), batched=True)[0])
                               for i, j in ((0, 1), (1, 3), (0, 3))]}
print(json.dumps(out))

"""Networks that judge rendered pictures where a difference of pixels says little: features, identity, and a critic.

None of them is needed; the weights ``perceptual``, ``gram``, ``identity`` and ``adversarial`` of a preset switch them on. Clean
pretrained judges are in no package, so features come from a model trained here, whose E_detail knows skin, hair, cloth and
backdrop; whoever has licensed networks (LPIPS, ArcFace) brings them as TorchScript files.
"""

import dataclasses
import pathlib

import torch
import torch.nn.functional as F
from torch import nn

from training.errors import TrainingError
from training.model.discriminator import Discriminator, angles
from training.model.networks import DetailEncoder, NetworkConfig
from training.run import checkpoint as ck
from training.run.optimizer import Optimizer
from training.weights.from_onnx import read_weights
from training.weights.widened import widened

CHANNELS = (32, 64, 128)  # of the critic at full, half and quarter resolution of a patch
RATE = 1e-3  # of the critic's Adam
R1 = 10.0  # weight of half the squared gradient at photos
MODEL = pathlib.Path("models/default")  # whose E_detail gives the features


class Features(nn.Module):
    """Frozen feature maps of pictures (B, 3, S, S) in [0, 1], S even: a list of (B, C, s, s).

    source: folder of an exported model, or a TorchScript file that returns one map or a sequence of maps.
    """

    def __init__(self, source=MODEL):
        super().__init__()
        source = pathlib.Path(source)
        if source.is_dir():
            self.network = DetailEncoder(NetworkConfig())
            prefix = "detail_encoder."
            wanted = {prefix + name: value.shape for name, value in self.network.named_parameters()}
            found = read_weights(source, wanted)
            if missing := [name for name in wanted if name not in found]:
                raise TrainingError(f"{source} is no model of these networks ({len(missing)} weights of E_detail are missing)")
            found = {name.removeprefix(prefix): value for name, value in found.items()}
            self.network.load_state_dict(widened(self.network, found))
        else:
            self.network = read_script(source)
        self.own = source.is_dir()
        freeze(self.network)

    def forward(self, picture):
        if self.own:
            return self.network.features(picture * 2 - 1)
        maps = self.network(picture)
        return [maps] if torch.is_tensor(maps) else list(maps)

    def pixel_features(self, photo):
        """What E_detail draws for the decoder, (B, P, 256, 256), of photo (B, 3, 256, 256) in [0, 1]."""
        return self.network(photo * 2 - 1)[1][:, 1:]

    def compare(self, ours, theirs):
        """How far pictures (B, 3, S, S) in [0, 1] are apart, means over all maps by the names of their weights.

        ``perceptual``: squared difference of feature vectors of length one, place by place (Zhang et al., CVPR 2018, equation 1
        with equal weights). ``gram``: squared Frobenius distance of the same vectors' Gram matrices, which forget the place
        (Gatys et al., CVPR 2016, section 2.2; beside the former in SHARP, Apple 2025). A shift costs the second less, and blur more.
        """
        with torch.no_grad():
            wanted = [F.normalize(x.float(), dim=1) for x in self(theirs)]
        found = [F.normalize(x.float(), dim=1) for x in self(ours)]
        pairs = list(zip(found, wanted))
        return {"perceptual": sum((a - b).square().sum(1).mean() for a, b in pairs) / len(pairs),
                "gram": sum((gram(a) - gram(b)).square().sum((1, 2)).mean() for a, b in pairs) / len(pairs)}  # fmt: skip


def gram(features):
    """Mean products (B, C, C) of the channels of features (B, C, h, w). Of vectors of length one its trace is 1 in every map: of plain
    ones those of the deepest map, a hundred times as long as the first's, would decide alone."""
    vectors = features.flatten(2)
    return vectors @ vectors.transpose(1, 2) / vectors.shape[2]


class Identity(nn.Module):
    """One minus the cosine of two faces' descriptors; source: a TorchScript file, pictures (B, 3, S, S) in [0, 1] to (B, D).

    The network must resize its pictures itself.
    """

    def __init__(self, source):
        super().__init__()
        self.network = read_script(source)
        freeze(self.network)

    def distance(self, ours, theirs):
        with torch.no_grad():
            wanted = self.network(theirs)
        return (1.0 - F.cosine_similarity(self.network(ours).float(), wanted.float(), dim=1)).mean()


def freeze(network):
    """Let a network judge without learning; TorchScript has no ``requires_grad_`` of its own."""
    network.eval()
    for parameter in network.parameters():
        parameter.requires_grad_(False)


def read_script(path):
    """A TorchScript network. Raises TrainingError."""
    try:
        return torch.jit.load(str(path), map_location="cpu")
    except (RuntimeError, ValueError, OSError) as error:
        raise TrainingError(f"{path} is neither a model's folder nor a TorchScript file ({str(error).splitlines()[0]})") from None


class Critic:
    """A discriminator of patches that is told their pose, with its own optimizer: rendered other views against photos
    (GRAM, CVPR 2022, section 3.4: non-saturating loss and R1)."""

    def __init__(self, device, seed=0):
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            self.network = Discriminator(CHANNELS).to(device)
        self.optimizer = Optimizer(self.network, RATE, inner=False, betas=(0.0, 0.99))
        self.pending = []

    def fool(self, rendered, camera):
        """The renderer's loss: patches (B, 4, S, S), premultiplied RGBA, of cameras (B, 4, 4)."""
        return F.softplus(-self.network(rendered, angles(camera))[0]).mean()

    def remember(self, photo, photo_camera, rendered, camera):
        """Keep a chunk's patches, of synthetic and real photos alike, for :meth:`learn`."""
        self.pending.append([x.detach().float() for x in (photo, photo_camera, rendered, camera)])

    def learn(self, group):
        """One step on what was remembered since the last one; group: the processes of the run. Returns the mean loss."""
        if not self.pending:
            return 0.0
        self.optimizer.zero_grad()
        total = 0.0
        for photo, photo_camera, rendered, camera in self.pending:
            photo.requires_grad_(True)
            real, fake = self.network(photo, angles(photo_camera))[0], self.network(rendered, angles(camera))[0]
            slope = torch.autograd.grad(real.sum(), photo, create_graph=True)[0]
            penalty = 0.5 * R1 * slope.square().sum((1, 2, 3)).mean()
            loss = (F.softplus(fake) + F.softplus(-real)).mean() + penalty
            (loss / (len(self.pending) * group.size)).backward()
            total = total + loss.detach() / len(self.pending)
        group.add([p.grad for p in self.network.parameters() if p.grad is not None])
        self.optimizer.step()
        self.pending = []
        return total

    def settle(self):
        """Round to what a checkpoint holds, and return that; see :func:`training.run.checkpoint.settle`."""
        return ck.settle(self.network, self.network, self.optimizer)

    def unpack(self, state):
        ck.unpack(state, self.network, self.network, self.optimizer)


@dataclasses.dataclass(frozen=True)
class Judges:
    """Those of a run; None where the preset's weight is zero."""

    features: Features | None = None
    identity: Identity | None = None
    critic: Critic | None = None


def summon(weights, device, features=None, identity=None, seed=0):
    """Judges that the weights of a preset ask for. features, identity: paths, see the classes. Raises TrainingError."""
    if weights.kept_features and features and not pathlib.Path(features).is_dir():
        raise TrainingError("weights.kept_features needs the features of a model: give its folder as --features")
    if weights.identity and identity is None:
        raise TrainingError("weights.identity needs a face descriptor: name a TorchScript file with --identity")
    return Judges(
        Features(features or MODEL).to(device) if weights.perceptual or weights.gram or weights.kept_features else None,
        Identity(identity).to(device) if weights.identity else None,
        Critic(device, seed) if weights.adversarial else None,
    )

"""What a run tells about itself: a progress line, ``curve.jsonl``, TensorBoard and validation pictures.

A journal that cannot be written (a full disk) never stops a run: it says so once and goes on.
"""

import json
import sys
import time

from tqdm import tqdm

from inference.files import write_atomically


class Journal:
    """Journal of one run in a folder; silent on all processes but the first.

    step and progress are where the run starts or goes on; records of later steps, which are made again, are dropped.
    """

    def __init__(self, folder, group, preset, step, progress, quiet=False):
        self.folder, self.group, self.preset, self.active = folder, group, preset, group.rank == 0
        self.first_step, self.first_progress, self.start = step, progress, time.monotonic()
        self.sums, self.times, self.waited, self.writer, self.complained = {}, {}, 0.0, None, False
        self.path = folder / "curve.jsonl"
        if not self.active:
            return
        self._write(self._forget, step)
        try:
            from torch.utils.tensorboard import SummaryWriter

            self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)
        except (ImportError, OSError) as error:
            print(f"no TensorBoard ({error}); the curve is in {self.path}", file=sys.stderr)
        self.bar = tqdm(total=100.0, initial=100 * progress, disable=quiet, mininterval=5,
                        bar_format="{l_bar}{bar:20}| {postfix}")  # fmt: skip

    def _forget(self, step):
        if self.path.exists():
            lines = self.path.read_text().splitlines()
            kept = [line for line in lines if line and json.loads(line)["step"] <= step]
            text = "".join(f"{line}\n" for line in kept)
            write_atomically(self.path, lambda stream: stream.write(text.encode()))

    def _write(self, action, *arguments, **named):
        try:
            action(*arguments, **named)
        except (OSError, ValueError) as error:
            if not self.complained:
                print(f"the journal in {self.folder} cannot be written ({error}); the run goes on", file=sys.stderr)
            self.complained = True

    def add(self, terms, share):
        """Add detached loss terms of one chunk, which counts as a share of its step."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.detach() * share
            self.times[name] = self.times.get(name, 0.0) + share

    def tick(self, step, progress):
        """Move the bar."""
        if self.active and not self.bar.disable:
            self.bar.n = 100 * progress
            self.bar.update(0)

    def record(self, step, progress, rate, seconds):
        """Close the steps since the last record: one line of the curve. Every process must call it."""
        import torch

        names = sorted(self.sums)
        if not names:
            return
        totals = torch.stack([torch.as_tensor(self.sums[n]).float() for n in names] +
                             [torch.tensor(self.times[n], device=self.sums[n].device) for n in names])  # fmt: skip
        self.group.add([totals])
        means = (totals[: len(names)] / totals[len(names) :]).tolist()
        self.sums, self.times = {}, {}
        if not self.active:
            return
        elapsed = time.monotonic() - self.start
        speed = (step - self.first_step) * self.preset.batch / elapsed
        left = elapsed * (1 - progress) / max(progress - self.first_progress, 1e-6)
        losses = {name: round(value, 6) for name, value in zip(names, means)}
        line = {"step": step, "progress": round(progress, 5), "seconds": round(seconds), "rate": rate,
                "samples_per_second": round(speed, 3), "wait": round(self.waited / elapsed, 3),
                "loss": round(sum(means), 6), **losses}  # fmt: skip
        self._write(self._append, json.dumps(line) + "\n")
        if self.writer:
            for name, value in line.items():
                kind = "loss" if name in losses or name == "loss" else "run"
                if name != "step":
                    self._write(self.writer.add_scalar, f"{kind}/{name}", value, step)
        self.bar.set_postfix_str(f"step {step}, {speed:.1f} samples/s, waiting for data {100 * line['wait']:.0f} %, "
                                 f"loss {line['loss']:.3f}, {tqdm.format_interval(min(left, 9e6))} left")  # fmt: skip

    def _append(self, text):
        with open(self.path, "a") as file:
            file.write(text)

    def picture(self, step, sheet, scores):
        """Keep a validation sheet (h, w, 3) uint8 and its scores."""
        import cv2

        folder = self.folder / "pictures"
        data = cv2.imencode(".png", sheet[..., ::-1])[1].tobytes()
        self._write(folder.mkdir, exist_ok=True)
        self._write(write_atomically, folder / f"step_{step:07d}.png", lambda stream: stream.write(data))
        if self.writer:
            self._write(self.writer.add_image, "validation", sheet, step, dataformats="HWC")
            for name, value in scores.items():
                self._write(self.writer.add_scalar, f"validation/{name}", value, step)

    def close(self):
        if self.active:
            self.bar.close()
            if self.writer:
                self._write(self.writer.close)

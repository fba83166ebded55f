#!/usr/bin/env bash
# Make heads with all cores and train on them at once, on a machine whose GPU is rented by the minute:
#
#     scripts/train_on_gpu.sh PACK REAL.npz OUT MINUTES [more options of training.train]
#
# PACK is the data pack, REAL.npz of training.align_photos. The run starts from models/default as soon as there are some
# heads and takes in new ones until three quarters of its time are over. In OUT/bring lie then what training.export needs of
# the checkpoint, in pieces of 15 MB (cat average.pt.* > average.pt puts them together), the learning curve and what the
# commands said.
# PYTHON, MAKERS and LEAST name the interpreter, the processes that make heads, and the shards to start with; STRANDS, if
# set, a file of training.synthetic.strands.
set -euo pipefail
pack=$1 real=$2 out=$3 minutes=$4
shift 4
python=${PYTHON:-python3} makers=${MAKERS:-$(($(nproc) - 2))} least=${LEAST:-8}
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OPENCV_FOR_THREADS_NUM=1
mkdir -p "$out/heads" "$out/bring"
seconds=$(awk "BEGIN { print int($minutes * 60) }")

if [ ! -e "$out/makers" ]; then  # may have been started by hand before
    nice timeout $((seconds * 3 / 4)) "$python" -m training.synthetic.generate --data "$pack" --out "$out/heads" --shards 5000 --heads 64 \
        --seed "${SEED:-1}" --no-views --processes "$makers" ${STRANDS:+--strands "$STRANDS"} >"$out/bring/heads.log" 2>&1 &
fi
until [ "$(find "$out/heads" -maxdepth 1 -name 'shard_*' | wc -l)" -ge "$least" ]; do
    sleep 1
done

OMP_NUM_THREADS=4 "$python" -m training.train --preset gpu --heads "$out/heads" --real "$real" --places "$pack/env/backdrops" \
    --start-from models/default --resident --freeze decoder --out "$out/run" --minutes "$minutes" --quiet \
    --set batch=128 chunk=128 real_share=0.125 view_from=2.0 learning_rate=1e-3 warmup=100 save_every=3000 reopen_every=200 picture_every=1000000 \
    weights.perceptual=0 weights.adversarial=0 weights.kept_features=10 "$@" 2>&1 | tee "$out/bring/train.log"

"$python" - "$out/run/last.pt" "$out/average.pt" <<'END'
import sys, torch
state = torch.load(sys.argv[1], weights_only=True)
torch.save({name: value for name, value in state.items() if name not in ("model", "moments", "critic")}, sys.argv[2])
END
cp "$out/run/curve.jsonl" "$out/bring/"
split --bytes=15M --numeric-suffixes "$out/average.pt" "$out/bring/average.pt."
echo "$(find "$out/heads" -maxdepth 1 -name 'shard_*' | wc -l) shards of 64 heads"
tail -n 3 "$out/run/curve.jsonl"

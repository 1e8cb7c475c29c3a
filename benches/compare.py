"""spolia beside PyTorch in one run: each row is timed alternately, and the best of each side's medians makes the ratio.

    cargo build --release
    python benches/compare.py [--rounds 3] [--runs 7] [--threads 2] [--only forward,training]
                              [--setup tuned]

Needs what peer.py needs; prints the table of docs/performance.md. Every timing is a process of its own, so that memory is
that row's: peak_bytes of spolia as it reports it, of PyTorch the process's largest resident set, both with all the process holds.
"""
import argparse
import json
import pathlib
import subprocess
import sys

from peer import SETUPS

HERE = pathlib.Path(__file__).resolve().parent
ROWS = [
    ("forward", None, 224, 1), ("forward", None, 224, 8), ("forward", None, 224, 32),
    ("input-gradient", None, 224, 1), ("input-gradient", None, 224, 8),
    ("input-gradient", "Mixed_6a", 224, 1), ("input-gradient", "Mixed_6a", 224, 8),
    ("training", None, 96, 32), ("training", None, 224, 32),
    ("visualization", "Mixed_5b", 128, 8), ("visualization", "Mixed_6a", 128, 8), ("visualization", "Mixed_7c", 128, 8),
    ("grad-cam++", None, 224, 8),
]


def once(command, row, args):
    work, layer, size, batch = row
    words = [*command, "--work", work, "--size", size, "--batch", batch, "--runs", args.runs, "--threads", args.threads]
    words += ["--layer", layer] if layer else []
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}\n{done.stderr}")
    found = json.loads(done.stdout)
    return found[0] if isinstance(found, list) else found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spolia", default=HERE.parent / "target/release/spolia")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--setup", choices=SETUPS, default="tuned", help="the peer's, as peer.py says; rows that it has not are left out")
    args = parser.parse_args()
    wanted = [w for w in args.only.split(",") if w]
    print("| work | layer | size | batch | spolia, ms | peer, ms | ratio | spolia, MB | peer, MB |\n|---|---|---|---|---|---|---|---|---|")
    for row in ROWS:
        if (wanted and row[0] not in wanted) or row[0] not in SETUPS[args.setup] or (args.setup == "documented" and row[1]):
            continue
        ours, theirs = [], []
        for _ in range(args.rounds):
            ours.append(once([args.spolia, "bench", "--json", "--quiet"], row, args))
            theirs.append(once([sys.executable, HERE / "peer.py", "--setup", args.setup], row, args))
        best = [min(r["median_ms"] for r in rows) for rows in (ours, theirs)]
        span = [f"{b:.3g} ({min(r['low_ms'] for r in rows):.3g}-{max(r['high_ms'] for r in rows):.3g})" for b, rows in zip(best, (ours, theirs))]
        memory = [f"{min(r['peak_bytes'] for r in rows) / 1e6:.0f}" for rows in (ours, theirs)]
        print("|", " | ".join(map(str, [row[0], row[1] or "", row[2], row[3], *span, f"**{best[0] / best[1]:.2f}**", *memory])), "|", flush=True)


if __name__ == "__main__":
    main()

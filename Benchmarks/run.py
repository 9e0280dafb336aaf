"""Measures mrhealth against Terraform, side by side in one run, and says whether the aims are met.

    make bench                                  or: .venv/bin/python3 Benchmarks/run.py [--quick] [--only PART]

Builds nothing: takes .build/release/mrhealth, or what MRHEALTH names. Terraform's side needs `terraform` on the PATH
and MRHEALTH_TF_MIRROR (or --tf-mirror), a filesystem mirror with the AWS provider; without them it is skipped.
"""
import argparse
import os
import sys
import tempfile
from pathlib import Path

from measuring import BINARY, HERE, MB, TERRAFORM, Failed
from parts import distance, objects, stacks, upload, version
from report import Row, first_line, plain, provider, report, table

PARTS = ["version", "stack", "distance", "objects", "upload"]


def terraform_mirror(given: str | None, skipped: list[str]) -> Path | None:
    """The provider's mirror; None, with the reason noted, when the comparison cannot be made."""
    if not TERRAFORM:
        reason = "terraform is not on the PATH"
    elif not given:
        reason = "MRHEALTH_TF_MIRROR does not name a filesystem mirror with the provider hashicorp/aws"
    elif not provider(Path(given)):
        reason = f"the mirror {given} has no provider hashicorp/aws"
    else:
        return Path(given).resolve()
    skipped.append(f"Terraform's side: {reason}.")
    print(f"SKIPPED: {skipped[-1]}", file=sys.stderr)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description="Measures mrhealth against Terraform.")
    parser.add_argument("--quick", action="store_true", help="few runs and a small upload; RESULTS.md is left alone")
    parser.add_argument("--runs", type=int, help="no-op plans of Terraform (default: 5, quick: 1)")
    parser.add_argument("--only", choices=PARTS, action="append", help="only this part")
    parser.add_argument("--tf-mirror", default=os.environ.get("MRHEALTH_TF_MIRROR"), metavar="FOLDER")
    options = parser.parse_args()
    if not BINARY.exists():
        print(f"{BINARY} does not exist: run `make release`, or name a binary with MRHEALTH.", file=sys.stderr)
        return 1
    parts = options.only or PARTS
    rows: list[Row] = []
    counts: dict[str, str] = {}
    skipped: list[str] = []
    mirror = terraform_mirror(options.tf_mirror, skipped)
    versions = [f"mrhealth {first_line([BINARY, '--version'])}, {BINARY.stat().st_size / MB:.1f} MB"]
    if mirror:
        versions.append(f"{first_line([TERRAFORM, '--version'])}, provider hashicorp/aws {provider(mirror)}")
    with tempfile.TemporaryDirectory(prefix="mrhealth-bench-") as name:
        folder = Path(name)
        try:
            if "version" in parts:
                rows.append(version(folder, 10 if options.quick else 40, TERRAFORM is not None))
            if "stack" in parts:
                more, counts = stacks(folder, options.runs or (1 if options.quick else 5), mirror)
                rows += more
            if "distance" in parts:
                more, calls = distance(folder, 50, 1 if options.quick else 3, mirror)
                rows += more
                counts |= calls
            if "objects" in parts:
                more, calls = objects(folder, [100, 1000] if options.quick else [100, 1000, 5000, 50000])
                rows += more
                counts |= calls
            if "upload" in parts:
                rows.append(upload(folder, 256 if options.quick else 2048))
        except Failed as failure:
            print(f"error: {failure}", file=sys.stderr)
            return 1
    print(plain(table(rows)))
    for what, count in counts.items():
        print(f"requests of {what}: {count}")
    if not options.quick and not options.only:
        (HERE / "RESULTS.md").write_text(report(rows, counts, versions, skipped))
    held = [holds for row in rows for _, holds in row.aims.values()]
    print(f"{sum(held)} of {len(held)} aims met")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())

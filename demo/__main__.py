"""Publish, age, plan, clean up, verify, report. Every step is the command that a user would type."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from demo.wholeness import images_of, read_everything
from demo.workshop import IMAGES, Release, releases
from moorage.oci.reference import Registry, Repository, Tag
from moorage.registries.layout.registry import LayoutRegistry

OUT = Path("demo-out")
CONFIG = Path(__file__).with_name("moorage.yaml")


def main() -> int:
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    address = f"oci:{OUT / 'registry'}"
    registry = LayoutRegistry(Registry(address))

    step("Publish: 18 releases of three images, one of them multi-arch, two of them sharing a layer")
    for release in releases(OUT / "workshop"):
        publish(address, release)
        age(registry, release)
    print(
        f"  {len(IMAGES)} repositories, {sum(len(images_of(registry, repository)) for repository in repositories(address))} tags"
    )

    step("Plan: what would go, what stays, and why (nothing is changed)")
    moorage("cleanup", "--images-repo", address, "--dry-run", "--plan-out", str(OUT / "plan.json"), *config(), *named())

    step("Clean up: exactly that plan, looked at once more")
    reports = [argument for suffix in ("md", "html") for argument in ("--report", str(OUT / f"report.{suffix}"))]
    files = ("--plan", str(OUT / "plan.json"), "--journal", str(OUT / "journal.jsonl"), *reports)
    moorage("cleanup", "--images-repo", address, *files, *config())

    step("Verify: read every byte behind every tag that is left")
    for repository in repositories(address):
        whole = read_everything(registry, repository)
        sizes = f"{whole.tags} tags, {whole.manifests} manifests, {whole.blobs} blobs, {whole.size:,} bytes"
        print(f"  {repository}: {sizes}, all whole")

    step("Look at the reports")
    for suffix in ("html", "md"):
        print(f"  {(OUT / f'report.{suffix}').absolute()}")
    print("  To try it on your own registry, start with --dry-run: see README.md")
    return 0


def publish(address: str, release: Release) -> None:
    images = [argument for name, source in release.sources.items() for argument in ("--image", f"{name}={source}")]
    tags = [argument for tag in release.tags for argument in ("--tag-custom", tag)]
    moorage("publish", "--images-repo", address, "--project", "harbour", *images, *tags, quiet=True)
    print(f"  {', '.join(release.tags)}")


def age(registry: LayoutRegistry, release: Release) -> None:
    """Make a release look as old as its story says: a real registry would take twenty weeks."""
    when = datetime.now(UTC) - release.age
    for name in IMAGES:
        repository = Repository(Registry(f"oci:{OUT / 'registry'}"), name)
        registry.backdate(repository, registry.resolve(repository, Tag(release.tags[0])), when)


def repositories(address: str) -> list[Repository]:
    return [Repository(Registry(address), name) for name in IMAGES]


def config() -> tuple[str, ...]:
    return ("--config", str(CONFIG))


def named() -> tuple[str, ...]:
    """Only the rules apply to repositories that are named; the demo's images come from no clone that git could speak for."""
    return tuple(argument for name in IMAGES for argument in ("--repository", name))


def moorage(*arguments: str, quiet: bool = False) -> None:
    command = [sys.executable, "-m", "moorage", *arguments]
    if not quiet:
        print(f"  $ moorage {' '.join(arguments)}\n", flush=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MOORAGE_", "INPUT_"))}
    shown = subprocess.PIPE if quiet else None
    done = subprocess.run(command, env=environment, stdout=shown, stderr=shown, check=False)
    if done.returncode:
        sys.stderr.buffer.write(done.stderr or b"")
        sys.exit(f"moorage {arguments[0]} ended with {done.returncode}, which the demo did not expect")


def step(title: str) -> None:
    print(f"\n{title}\n{'─' * min(len(title), 100)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

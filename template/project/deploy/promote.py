# /// script
# requires-python = ">=3.11"
# dependencies = ["pyyaml==6.0.3"]
# ///
"""Move an image tag or digest to an environment: to its overlay and its Helm values, or to neither.

    uv run --script deploy/promote.py ENVIRONMENT (--tag TAG | --digest sha256:…)

Only the tag or digest changes in the two files; comments and layout stay as they are.
"""

import argparse
import re
import sys
from pathlib import Path

import yaml

DEPLOY = Path(__file__).parent
VALID = {"tag": r"\w[\w.-]{0,127}", "digest": r"sha256:[0-9a-f]{64}"}


def field(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def pinned(path: Path, image: yaml.Node | None, keys: list[str], lines: str) -> tuple[str, str]:
    """The file's text with the image's tag and digest replaced by `lines`, and the old value."""
    text = path.read_bytes().decode()
    pairs = image.value if isinstance(image, yaml.MappingNode) else []
    pins = [(key, value) for key, value in pairs if key.value in keys]
    if not pins:
        sys.exit(f"{path}: the image has neither {' nor '.join(keys)}; nothing is changed")
    start, end = pins[0][0].start_mark.index, pins[-1][1].end_mark.index
    return text[:start] + lines + text[end:], next(value.value for _, value in pins if value.value)


def write_all(texts: dict[Path, str]) -> None:
    before = {path: path.read_bytes() for path in texts}
    try:
        for path, text in texts.items():
            path.write_bytes(text.encode())
    except OSError:
        for path, old in before.items():
            path.write_bytes(old)
        raise


def main() -> None:
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS)
    parser.add_argument("environment")
    pin = parser.add_mutually_exclusive_group(required=True)
    pin.add_argument("--tag")
    pin.add_argument("--digest")
    options = parser.parse_args()
    kind = "digest" if options.tag is None else "tag"
    new = options.digest if options.tag is None else options.tag
    if not re.fullmatch(VALID[kind], new, re.ASCII):
        sys.exit(f"{new!r} is not the {kind} of an image; nothing is changed")

    overlay = DEPLOY / "overlays" / options.environment / "kustomization.yaml"
    values = DEPLOY / "chart" / f"values-{options.environment}.yaml"

    images = field(yaml.compose(overlay.read_bytes()), "images")
    named = [(field(image, "name"), image) for image in (images.value if images else [])]
    image = next((image for name, image in named if name and name.value == "APPLICATION"), None)
    key = "newTag" if kind == "tag" else kind
    new_overlay, old = pinned(overlay, image, ["newTag", "digest"], f'{key}: "{new}"')

    # In the chart a digest goes before a tag, so that of values.yaml is taken back.
    chart = yaml.safe_load((DEPLOY / "chart" / "values.yaml").read_text())
    lines = f'{kind}: "{new}"'
    if kind == "tag" and "digest" in chart["image"]:
        lines += '\n  digest: ""'
    image = field(yaml.compose(values.read_bytes()), "image")
    new_values, _ = pinned(values, image, ["tag", "digest"], lines)

    write_all({overlay: new_overlay, values: new_values})
    print(f"{options.environment}: {old} → {new} in {overlay.name} and {values.name}")


try:
    main()
except (OSError, yaml.YAMLError) as error:
    sys.exit(f"{error}; nothing is changed")

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


def pinned(text: str, image: yaml.Node | None, tag: str, line: str) -> tuple[str, str]:
    """The text with the image's tag or digest replaced by `line`, and the old value."""
    pairs = image.value if isinstance(image, yaml.MappingNode) else []
    pins = [(key, value) for key, value in pairs if key.value in (tag, "digest")]
    if len(pins) != 1:
        sys.exit(f"the image must have either {tag} or digest; nothing is changed")
    key, value = pins[0]
    return text[: key.start_mark.index] + line + text[value.end_mark.index :], value.value


def main() -> None:
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS)
    parser.add_argument("environment")
    pin = parser.add_mutually_exclusive_group(required=True)
    pin.add_argument("--tag")
    pin.add_argument("--digest")
    options = parser.parse_args()
    kind, new = ("digest", options.digest) if options.tag is None else ("tag", options.tag)
    if not re.fullmatch(VALID[kind], new, re.ASCII):
        sys.exit(f"{new!r} is not the {kind} of an image; nothing is changed")

    overlay = DEPLOY / "overlays" / options.environment / "kustomization.yaml"
    values = DEPLOY / "chart" / f"values-{options.environment}.yaml"
    repository = yaml.safe_load((DEPLOY / "chart/values.yaml").read_text())["image"]["repository"]

    before = overlay.read_text()
    images = field(yaml.compose(before), "images")
    found = images.value if images else []
    named = {getattr(field(image, "name"), "value", ""): image for image in found}
    key = "newTag" if kind == "tag" else kind
    new_overlay, old = pinned(before, named.get(repository), "newTag", f'{key}: "{new}"')

    text = values.read_text()
    new_values, _ = pinned(text, field(yaml.compose(text), "image"), "tag", f'{kind}: "{new}"')

    overlay.write_text(new_overlay)
    try:
        values.write_text(new_values)
    except OSError:
        overlay.write_text(before)
        raise
    print(f"{options.environment}: {repository} {old} → {new} in {overlay.name} and {values.name}")


try:
    main()
except (OSError, yaml.YAMLError) as error:
    sys.exit(f"{error}; nothing is changed")

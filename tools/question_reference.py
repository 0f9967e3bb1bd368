"""Write docs/reference/questions.md from the questionnaire, or check that it is current.

    python tools/question_reference.py [--check]

Names, types, help and choices are read from copier.yml and the files that it includes. What a template expression
means is said in words by the tables below, whose keys are the expressions themselves: an expression that is new or
has changed finds no words, and the program fails until somebody has written them.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reference/questions.md"

INTRODUCTION = """\
# Questions

<!-- Written by tools/question_reference.py from the questionnaire; `make docs` writes it anew. -->

Every question, in the order in which it is asked. An answer is given at the prompt, by `--data NAME=VALUE` or in a
file by `--data-file`; the last two work for questions that are not asked, too. Structured answers are YAML, in
Kubernetes' own schema. At a prompt they are typed on one line: a list like `[log-shipper, otel-collector]`, a map
like `{LOG_LEVEL: debug, PORT: "80"}`, with quotes around what YAML would take for a number or a boolean. What is
longer goes into the file.

An answer is recorded in `.copier-answers.yml` when it was asked or given, and stays until it is changed. What is
neither is computed at every copy and update: it follows from the other answers and from
[golden-path.yml](golden-path.md). The same holds for what `advanced` asks, where only the suggestion was taken: that
is no choice. To pin a suggestion, give it by `--data`.

A prompt asks again until the answer is valid. Below it stands one line, which the terminal cuts off: first the
remedy, then, in brackets, the item, its value and what is wrong with it. A refused `--data` ends the copy with exit
code 1 and writes nothing; the whole line is the last one. Of text that is no YAML (`{LOG_LEVEL: info`) a prompt says
only `Invalid input`, because copier reads it before it asks the template; `--data` then says where it breaks.
"""

CONDITIONS = {
    "advanced": "`advanced` is true",
    "preset in ['web', 'datastore']": "`preset` is `web` or `datastore`",
    "workload_kind not in ['statefulset', 'cronjob']": "the kind has more than one",
    "language != 'none' or preset not in ['web', 'datastore']": (
        "`language` is not `none`, or `preset` is neither `web` nor `datastore`"
    ),
    "workload_kind == 'statefulset' and (storage is not defined or 'storage_size' in _copier_conf.data)": (
        "`workload_kind` is `statefulset` and `storage` is not answered"
    ),
    "workload_kind == 'deployment'": "`workload_kind` is `deployment`",
    "workload_kind == 'statefulset'": "`workload_kind` is `statefulset`",
    "workload_kind == 'cronjob'": "`workload_kind` is `cronjob`",
    "workload_kind in ['job', 'cronjob']": "`workload_kind` is `job` or `cronjob`",
    "workload_kind in ['deployment', 'statefulset']": "`workload_kind` is `deployment` or `statefulset`",
    "workload_kind in ['deployment', 'statefulset', 'daemonset']": (
        "`workload_kind` is `deployment`, `statefulset` or `daemonset`"
    ),
    "workload_kind in ['deployment', 'statefulset', 'daemonset', 'cronjob']": "`workload_kind` is not `job`",
    "language != 'none'": "`language` is not `none`",
    "language == 'none'": "`language` is `none`",
    "advanced and language == 'none'": "`advanced` is true and `language` is `none`",
    "advanced and (language != 'none' or workload_kind in ['job', 'cronjob']"
    " or 'metrics' in (ports if ports is defined else []) | map(attribute='name', default=''))": (
        "`advanced` is true and something of it can be scraped: an image that stays needs a port called `metrics`"
    ),
    "advanced and expose is defined and expose != 'none'": "`advanced` is true and `expose` is not `none`",
    "advanced and not (autoscaling | default(golden_path.presets[preset].autoscaling | default(false)))": (
        "`advanced` is true and there is no autoscaler"
    ),
}

DEFAULTS = {
    "from_folder(_folder_name)": "the destination folder's name, made valid: `My_App` gives `my-app`",
    "golden_path.team": "`team` of golden-path.yml",
    "golden_path.registry }#/#{ team }#/#{ app_name }#:0.1.0": (
        "`REGISTRY/TEAM/APP_NAME:0.1.0`, with `registry` of golden-path.yml"
    ),
    "suggested.image_repository": "`REGISTRY/TEAM/APP_NAME`, with `registry` of golden-path.yml",
    "{'LOG_LEVEL': 'info'} | to_json if language == 'python' else '{}'": (
        "`{LOG_LEVEL: info}` for Python, empty for `none`"
    ),
    "(choices(workload_kind) | from_json).values() | first": "the first preset of the kind",
    "{'web': 'gateway', 'datastore': 'none'}[preset] | default(UNSET)": (
        "`gateway` with preset `web`, `none` with preset `datastore`"
    ),
    "suggested.description": "`APP_NAME, a web service`, or what the preset is",
    "suggested.namespace": "`app_name`",
    "suggested.hostname": "`APP_NAME.DOMAIN`, with `domain` of golden-path.yml",
    "suggested.resources | to_json": "`presets.PRESET.resources` of golden-path.yml",
    "suggested.autoscaling | to_json": (
        "`presets.PRESET.autoscaling` of golden-path.yml; none, which is `{}`, where the preset has none"
    ),
    "golden_path.presets[preset].replicas | default(1)": "`presets.PRESET.replicas` of golden-path.yml",
    "golden_path.presets[preset].storage_size | default('1Gi')": "`presets.PRESET.storage_size` of golden-path.yml",
    "[{'name': 'http', 'containerPort': 8080}] | to_json": "`[{name: http, containerPort: 8080}]`",
    "suggested.kubernetes_version": "the first of `kubernetes_versions` in golden-path.yml",
    "suggested.environments | to_json": "`environments` of golden-path.yml",
    "suggested.monitoring": "`monitoring` of golden-path.yml",
    "suggested.ci": "`ci` of golden-path.yml",
    "suggested.probes | to_json": (
        "with presets `web` and `datastore` on the first port, which must accept connections and, to be ready, "
        "answer HTTP if it is called `http`; with other presets none"
    ),
}

CHOICES = {
    "choices(workload_kind)": (
        "for `deployment` `web` (serves HTTP behind a Service, scales with its load) and `worker` (takes work from a "
        "source, no Service); for `statefulset` `datastore`; for `daemonset` `node-agent` and `log-agent` (reads the "
        "node's logs, which takes a privileged namespace); for `job` `task`, `parallel` (a fixed number of parts, "
        "each with its index) and `work-queue` (several pods empty one queue); for `cronjob` `scheduled`"
    ),
    "golden_path.kubernetes_versions | to_json": "`kubernetes_versions` of golden-path.yml",
}

COMPUTED = {
    "golden-path.yml": "Nothing: golden-path.yml is checked here, before anything is written.",
    "recorded": "What `.copier-answers.yml` holds when the run begins, but for what is given to this run.",
    "asked_before": "Whether copier renders an update once more, from all that came of its answers.",
    "given": "Names of the answers that `--data` and `--data-file` give.",
    "known_answers": "Nothing, or what is wrong: an answer that was given is to no question.",
    "golden_path": "What golden-path.yml says, read at every copy and update.",
    "used_answers": "Nothing, or what is wrong: an answer that was given means nothing beside the others.",
    "used_environments": (
        "Nothing, or what is wrong: environments of `golden-path.yml` meet in one place, or a quota is too small."
    ),
    "kept_answers": "Nothing, or what is wrong: an answer of `recorded` is no longer allowed.",
    "suggested": "What the questions that `advanced` opens suggest.",
    "every_workload": "The application's own workload and the further ones, each resolved to Kubernetes' own fields.",
    "app": "The application: every answer resolved, each default filled in. All files are rendered from it.",
    "stages": "The environments in order of promotion: namespace, host, autoscaling and quota of each.",
    "manifest": "The files of the repository, each with its owner and its source.",
    "files": "Those of them that this run writes: what is yours and was written before is left out.",
}


class UnknownExpressionError(Exception):
    """The questionnaire holds an expression that the tables above do not put into words."""


class _Loader(yaml.SafeLoader):
    """Reads copier.yml: an `!include` becomes the path that it names."""


_Loader.add_constructor("!include", lambda _, node: Path(node.value))


def topics() -> dict[str, dict[str, dict[str, Any]]]:
    """Every question by its topic, which is the name of its file, in the order in which they are asked."""
    documents = yaml.load_all((ROOT / "copier.yml").read_text(), _Loader)
    files = [document for document in documents if isinstance(document, Path)]
    return {file.stem: yaml.safe_load((ROOT / file).read_text()) for file in files}


def page() -> str:
    """The reference, as it should be."""
    asked, computed = [], []
    for topic, questions in topics().items():
        hidden = {name for name, question in questions.items() if "help" not in question}
        computed += [f"| `{name}` | {_words(name, name, COMPUTED)} |" for name in questions if name in hidden]
        sections = [_section(name, question) for name, question in questions.items() if name not in hidden]
        if sections:
            asked.append(f"## {topic.capitalize()}\n\n" + "\n".join(sections))
    table = "\n".join(["| name | holds |", "|---|---|", *computed])
    last = f"## Computed values\n\nNever asked and never recorded.\n\n{table}\n"
    return "\n".join([INTRODUCTION, *asked, last])


def _section(name: str, question: dict[str, Any]) -> str:
    rows = [("type", f"`{question['type']}`")]
    if "choices" in question:
        rows.append(("choices", _choices(name, question["choices"])))
    if "default" in question:
        rows.append(("default", _default(name, question)))
    rows.append(("asked", _asked(name, question)))
    rows.append(("recorded", _recorded(question)))
    if (when := _expression(question.get("when"))) is not None:
        rows.append(("exists", f"when {_words(name, when, CONDITIONS)}; dropped from the answers otherwise"))
    lines = "\n".join(_wrap(f"- {label}: {text}", indent="  ") for label, text in rows)
    text = re.sub(r"#\{ golden_path\.([\w.]+) .*?\}#", r"`\1` of golden-path.yml", question["help"])
    return f"### `{name}`\n\n{_wrap(' '.join(text.split()))}\n\n{lines}\n"


def _wrap(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 118, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _choices(name: str, choices: Any) -> str:
    if isinstance(choices, str):
        return _words(name, _expression(choices), CHOICES)
    labels = ((label.partition(" (")[2].rstrip(")"), value) for label, value in choices.items())
    return ", ".join(f"`{value}`" + (f" ({remark})" if remark else "") for remark, value in labels)


def _recorded(question: dict[str, Any]) -> str:
    if "advanced" in str(question.get("ask")):
        return "when given, or answered otherwise than suggested; else computed anew each time"
    return "when asked or given; else computed anew each time" if "ask" in question else "always"


def _default(name: str, question: dict[str, Any]) -> str:
    # What an empty line stands for is shown in it.
    empty = str(question["default"]).startswith("#{ ''")
    default = question["placeholder"] if empty else question["default"]
    expression = _expression(default)
    if expression is None:
        return f"`{str(default).lower() if isinstance(default, bool) else default}`"
    # A default is unset while its question is not asked, so that it is not recorded.
    expression = re.sub(r" if (?:advanced|preset|workload_kind)\b.*\belse UNSET$", "", expression)
    literal = re.fullmatch(r"'?([^']*)'?", expression) if expression[0] in "'0123456789" else None
    return f"`{literal[1]}`" if literal else _words(name, expression, DEFAULTS)


def _asked(name: str, question: dict[str, Any]) -> str:
    if question.get("ask") is False:
        return "never: give it by `--data` or in a file"
    ask = _expression(question.get("ask"))
    return "always" if ask is None else f"when {_words(name, ask, CONDITIONS)}"


def _expression(value: Any) -> str | None:
    """The Jinja expression in a setting without its delimiters and imports, or nothing for a plain value."""
    if not isinstance(value, str) or "#{" not in value:
        return None
    return re.sub(r"#%-?.*?-?%#", "", value).strip().removeprefix("#{").removesuffix("}#").strip()


def _words(name: str, expression: str | None, table: dict[str, str]) -> str:
    if expression not in table:
        raise UnknownExpressionError(f"{name}: put {expression!r} into words in tools/question_reference.py")
    return table[expression]


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description="The reference of the questions")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if the page is not current")
    check = parser.parse_args().check
    try:
        wanted = page()
    except UnknownExpressionError as error:
        sys.exit(str(error))
    if not check:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(wanted)
    elif (found := PAGE.read_text()) != wanted:
        difference = difflib.unified_diff(found.splitlines(), wanted.splitlines(), "found", "wanted", lineterm="")
        sys.exit("\n".join([*difference, f"{PAGE.relative_to(ROOT)} is not current: run `make docs`"]))


if __name__ == "__main__":
    main()

"""What the template says to a wrong answer, and that it does nothing else.

The files in invalid/ hold, for each question, answers with one mistake, and the last line that `copier copy` then
writes.
"""

from __future__ import annotations

import datetime as dt
import re
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import copier
import pytest
import yaml
from questionnaire.interview import Interview, prompted, remedy_is_seen, seen
from support.answers import ABSENT, BEHAVIOR, CLEAN_REFUSAL, METRICS, REPRESENTATIVES
from support.commands import run
from support.questionnaire import questions, settings, typed
from support.render import commit
from support.sandbox import ROOT, TEMPLATE_URL
from support.trees import tree

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Mapping

    from support.render import Renderer

FIXTURES: dict[str, dict[str, Any]] = {
    name: fixture
    for path in sorted((Path(__file__).parent / "invalid").glob("*.yml"))
    for name, fixture in yaml.load(path.read_text(), yaml.CSafeLoader).items()
}

TOO_LARGE: dict[str, dict[str, Any]] = {
    "ValueError: Validation error for question 'config': take the largest values out (131084 bytes are more than "
    "fits into environment variables (131072))": {"config": {"CERTIFICATES": "x" * 131072}},
    "ValueError: Validation error for question 'config_files': put the largest into the image (600001 bytes of files "
    "and config are more than Helm can keep of a release (400000))": {
        "config": {"A": "x"},
        "config_files": [
            {"name": "a", "mountPath": "/etc/a", "data": {"a": "x" * 200000, "b": "x" * 200000}},
            {"name": "b", "mountPath": "/etc/b", "binaryData": {"c": "abcd" * 50000}},
        ],
    },
    "ValueError: Validation error for question 'used_answers': put the largest into the image (all answers together "
    "are more than Helm can keep of a release (400000 bytes))": {
        "pod_annotations": {"example.com/a": "x" * 199000},
        "env": [{"name": "A", "value": "x" * 131000}],
        "workloads": [{"name": "mail", "pod_annotations": {"example.com/a": "x" * 199000}}],
    },
    "ValueError: Validation error for question 'env': put it into a file (env[0].value: "
    f"'{'x' * 58}… is more than fits into an environment variable (131072 bytes))": {
        "env": [{"name": "A", "value": "x" * 131070}],
    },
    "ValueError: Validation error for question 'command': put it into a file (command: "
    f"'{'x' * 58}… is more than fits into one argument (131072 bytes))": {
        "language": "none",
        "command": ["sh", "-c", "x" * 131072],
    },
    "ValueError: Validation error for question 'init_containers': put it into a file (init_containers[0].command: "
    f"'{'x' * 58}… is more than fits into one argument (131072 bytes))": {
        "init_containers": [{"name": "seed", "command": ["sh", "-c", "x" * 131072]}],
    },
}
"""What is too long for a fixture, by its message."""

OF_EACH_SORT = ("app-name-uppercase", "preset-unknown", "config-value-date", "probe-port-unknown")
"""A name, a choice, a map, a path into a structure: what is slow to try is tried with these."""


def refusal(template: Path, answers: Mapping[str, Any], destination: Path) -> str:
    """The last line of the traceback with which a copy ends."""
    with pytest.raises(ValueError, match=r"\S") as caught:
        copier.run_copy(str(template), destination, data=dict(answers), defaults=True, quiet=True)
    return traceback.format_exception_only(caught.value)[-1].strip().splitlines()[-1]


@pytest.mark.parametrize("name", FIXTURES)
def test_refused_with_nothing_written(name: str, bare_template: Path, tmp_path: Path) -> None:
    """The message is the one expected, and the folder of the copy is not made."""
    assert refusal(bare_template, FIXTURES[name]["answers"], tmp_path / "new/shop") == FIXTURES[name]["message"]
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", OF_EACH_SORT)
def test_refused_with_nothing_changed(name: str, bare_template: Path, tmp_path: Path) -> None:
    """A folder that exists stays as it was."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/README.md").write_text("Mine.\n")
    assert refusal(bare_template, FIXTURES[name]["answers"], tmp_path / "shop") == FIXTURES[name]["message"]
    assert tree(tmp_path / "shop") == {"README.md": "Mine.\n"}


@pytest.mark.parametrize("message", TOO_LARGE)
def test_configuration_too_large(message: str, bare_template: Path, tmp_path: Path) -> None:
    """A configuration that does not fit is refused: Linux takes 128 KiB a variable, a Secret of Helm 1 MiB in all."""
    assert refusal(bare_template, TOO_LARGE[message], tmp_path / "shop") == message


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_EACH_SORT)
def test_program_says_the_same(
    name: str, copier_cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """The `copier` program, given the answers in a file, ends with the same line, with code 1, and writes nothing."""
    (tmp_path / "answers.yml").write_text(yaml.safe_dump(FIXTURES[name]["answers"]))
    done = copier_cli("copy", "--defaults", "--data-file=answers.yml", "--vcs-ref=v0.0.0", TEMPLATE_URL, "new/shop")
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1] == FIXTURES[name]["message"]
    assert not (tmp_path / "new").exists()


def test_update_loses_nothing(
    render: Renderer, copier_cli: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """A wrong answer that is given to an update ends it before anything is touched, edits included."""
    repository = render.loose({}, tmp_path / "shop").path
    run("git", "init", "--quiet", cwd=repository)
    (repository / "README.md").write_text("Mine.\n")
    commit(repository, "A copy, edited")
    before = tree(repository)
    done = copier_cli("update", "--defaults", "--vcs-ref=:current:", "--data=environments=[Dev]", repository)
    assert done.returncode == 1
    assert done.stderr.rstrip().splitlines()[-1] == FIXTURES["environment-name"]["message"]
    assert tree(repository) == before
    assert run("git", "status", "--porcelain", cwd=repository) == ""


@pytest.mark.parametrize("name", FIXTURES)
def test_message_helps(name: str) -> None:
    """A message names the question, then what to do, and in brackets the value at fault; it is not a crash."""
    message = FIXTURES[name]["message"].removeprefix("ValueError: ")
    assert CLEAN_REFUSAL.fullmatch(message)
    assert len(message) < 300
    assert not re.search(r"undefined|object|attribute|Error", message.replace("object_metadata", ""))


def at_a_prompt() -> dict[str, str]:
    """The messages of the fixtures of questions that are answered by typing at a prompt."""
    told = {name: fixture["message"].removeprefix("ValueError: ") for name, fixture in FIXTURES.items()}
    prompts = tuple(prompted(name, "") for name in typed())
    return {name: text for name, text in told.items() if text.startswith(prompts)}


@pytest.mark.parametrize("name", at_a_prompt())
def test_remedy_is_seen(name: str) -> None:
    """A terminal of 80 columns shows of a refusal, beside copier's own words, what to do to its end."""
    message = at_a_prompt()[name]
    assert remedy_is_seen(message), seen(message)


def test_every_prompt_is_tried() -> None:
    """For each question that is answered by typing there is a wrong answer, or none is possible."""
    tried = {text.split("'")[1] for text in at_a_prompt().values()}
    assert set(typed()) - tried == set()


@pytest.mark.parametrize("name", questions())
def test_refusals_are_put_by_one_macro(name: str) -> None:
    """A validator that prints anything prints it through `refusal`, which puts the remedy first."""
    validator = settings()[name].get("validator", "")
    outside = re.sub(r"#%- set found -%#.*?#%- endset -%#", "", validator, flags=re.DOTALL)
    printed = re.findall(r"#\{-? *([\w.]+)\(", outside)
    assert set(printed) <= {"refusal", "check.refused"}
    assert bool(validator) == bool(printed)


@pytest.mark.parametrize("path", sorted((ROOT / "template/macros").glob("check*.jinja")), ids=lambda path: path.name)
def test_no_answer_is_hidden(path: Path) -> None:
    """What a file of validators defines has the name of no answer, which it could not read there."""
    defined = re.findall(r"^#%-? *(?:macro|set) (\w+)", path.read_text(), re.MULTILINE)
    assert set(defined).isdisjoint(questions())


def test_every_message_has_a_fixture() -> None:
    """Whatever the validators can say is said to some fixture, so that a new rule cannot come without one."""
    said = [fixture["message"] for fixture in FIXTURES.values()] + list(TOO_LARGE)
    assert [text for text, pattern in messages() if not any(pattern.search(line) for line in said)] == []


def messages() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Each line of the validators that is a message, and a pattern for what it becomes."""
    # What golden-path.yml is told has mistakes of its own to show it: tests/support/golden_path_mistakes.py.
    macros = (ROOT / "template/macros").glob("check*.jinja")
    answered = [source for source in macros if "golden_path" not in source.name]
    sources = [*sorted(answered), *sorted((ROOT / "template/questions").glob("*.yml"))]
    for source in sources:
        text = source.read_text()
        if source.suffix == ".yml":
            text = "\n".join(entry.get("validator", "") for entry in yaml.safe_load(text).values())
            text = text.replace("%# ", "%#\n").replace(" #%", "\n#%")
        text = re.sub(r"#\|.*?\|#|#%.*?%#", "", text, flags=re.DOTALL)
        for line in map(str.strip, text.splitlines()):
            literal = re.sub(r"#\{.*?\}#", "\0", line)
            if re.search(r"[a-z]: \S", literal.replace("\0", "")):
                yield line, re.compile(".*".join(map(re.escape, put(literal).split("\0"))))


def put(message: str) -> str:
    """A message of a validator as it is put to people: `ITEM: VALUE reason: remedy; more`, its remedy first."""
    colons = [colon.start() for colon in re.finditer(": ", message)]
    closed = [at for at in colons if all(message.count(one, at) == message.count(other, at) for one, other in PAIRS)]
    remedy, *more = message[closed[-1] + 2 :].split("; ")
    return f"{remedy} (\0{'; '.join([message[: closed[-1]], *more])}"


PAIRS = (("{", "}"), ("[", "]"), ("(", ")"))


JUNK: list[Any] = [
    *(None, True, 0, -1, 10**30, 16**5000, 1.5, float("nan"), "", "A B", "a\nb", "\x00", "#{ 7*7 }#", "{{ y }}"),
    *([], [None], ["x"], [{}], {}, {"x": None}, {1: 2}, {None: None}, {"a\nb": "c"}, {("a", 1): "b"}),
    *(dt.date(2024, 1, 1), {dt.date(2024, 1, 1): "x"}, {"x": [dt.date(2024, 1, 1)]}),
    *({1, 2}, b"\xff", {b"\xff": 1}, {"x": b"\xff"}, "a" * 5000, ["a"] * 300, [[["x"]]]),
]
WRITTEN_FREELY = (
    *("config_files", "secrets", "sidecars", "init_containers", "update_strategy", "storage", "env", "env_from"),
    *("completion_mode", "completions", "parallelism", "backoff_limit", "pod_failure_policy"),
    *("ttl_seconds_after_finished", "starting_deadline_seconds", "lifecycle", "termination_grace_period_seconds"),
    *("volumes", "volume_mounts", "pod_labels", "pod_annotations", "node_selector", "tolerations", "affinity"),
    *("topology_spread_constraints", "pod_spec"),
)
"""Questions whose sound answers are those that the covering array takes."""


def representatives(name: str) -> list[Any]:
    """The answers of the covering array that are given at all."""
    return [value for value in REPRESENTATIVES[name] if value is not ABSENT]


LOOP: list[Any] = []
LOOP.append(LOOP)
JUNK += [LOOP, {"x": LOOP}]

SOUND: dict[str, list[Any]] = {
    "config": [{"A": "b", "C": "d"}],
    "command": [["serve", "--verbose"]],
    "args": [["serve"]],
    "ports": [[{"name": "http", "containerPort": 8080, "protocol": "TCP"}, {"name": "m", "containerPort": 1}]],
    "probes": [
        {
            "startupProbe": {
                "httpGet": {
                    "path": "/",
                    "port": "http",
                    "scheme": "HTTP",
                    "httpHeaders": [{"name": "a", "value": "b"}],
                },
                "periodSeconds": 1,
            },
            "readinessProbe": {"exec": {"command": ["a"]}, "successThreshold": 2},
            "livenessProbe": {"grpc": {"port": 8080, "service": "x"}},
        },
        {"livenessProbe": {"tcpSocket": {"port": 8080}}},
    ],
    "resources": [{"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1.5Gi", "cpu": 2}}],
    "autoscaling": [
        False,
        {},
        {"minReplicas": 1, "maxReplicas": 2, "targetCPUUtilizationPercentage": 3},
        # One by one: what is wrong with a metric does not depend on the others.
        *({"minReplicas": 1, "maxReplicas": 2, "metrics": [metric]} for metric in METRICS),
        {"minReplicas": 1, "maxReplicas": 2, "behavior": BEHAVIOR},
    ],
    "disruption_budget": representatives("disruption_budget"),
    "vertical_autoscaling": representatives("vertical_autoscaling"),
    "replicas": [1],
    "environments": [
        [
            "a",
            {
                "name": "b",
                "namespace": "c",
                "hostname": "d.e",
                "autoscaling": {"minReplicas": 1, "maxReplicas": 2},
                "create_namespace": False,
                "quota": {"hard": {"pods": 90}},
            },
            "z",
        ],
    ],
    "network_policy": [
        {
            "ingress": [
                {
                    "from": [
                        {
                            "podSelector": {
                                "matchLabels": {"a": "b"},
                                "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
                            },
                            "namespaceSelector": {"matchLabels": {"a": "b"}},
                        }
                    ],
                    "ports": [{"port": 1, "endPort": 2, "protocol": "TCP"}, {"port": "http"}],
                }
            ],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
        }
    ],
    "workload_spec": [
        {
            "suspend": True,
            "activeDeadlineSeconds": 60,
            "backoffLimitPerIndex": 1,
            "maxFailedIndexes": 2,
            "successPolicy": {"rules": [{"succeededIndexes": "0,2-3", "succeededCount": 2}]},
        }
    ],
    **{name: representatives(name) for name in WRITTEN_FREELY},
    "own_manifests": representatives("own_manifests"),
    "rbac_rules": representatives("rbac_rules"),
    "far_reaching_rights": representatives("far_reaching_rights"),
    "shared_claims": representatives("shared_claims"),
    "services": representatives("services")[1:2],
    "cluster_rbac_rules": representatives("cluster_rbac_rules"),
    "role_refs": representatives("role_refs"),
    "quota": representatives("quota"),
    "scoped_quotas": representatives("scoped_quotas"),
    "limit_range": representatives("limit_range"),
    "object_metadata": [
        [
            {"metadata": {"annotations": {"a": "b"}}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop", "labels": {"c": "d"}}},
        ]
    ],
    "routes": [
        [
            {
                "kind": "HTTPRoute",
                "metadata": {"name": "b", "labels": {"c": "d"}},
                "spec": {
                    "hostnames": ["a.example.org"],
                    "rules": [{"backendRefs": [{"name": "shop", "port": 80}], "timeouts": {"request": "1s"}}],
                },
            }
        ],
        [
            {
                "kind": "Ingress",
                "metadata": {"name": "b", "annotations": {"c": "d"}},
                "spec": {
                    "tls": [{"hosts": ["a.example.org"]}],
                    "rules": [{"host": "a.example.org", "http": {"paths": [{"path": "/", "pathType": "Prefix"}]}}],
                },
            }
        ],
    ],
    # One by one: to resolve all of them for each change of one would take minutes.
    "workloads": [[entry] for value in representatives("workloads") for entry in value],
}
"""A sound answer to each structured question, with every part that it can have."""

OF_A_JOB = (
    *("completion_mode", "completions", "parallelism", "backoff_limit", "pod_failure_policy"),
    "ttl_seconds_after_finished",
)

BESIDE: dict[str, dict[str, Any]] = {
    **{name: {"workload_kind": "job"} for name in OF_A_JOB},
    "completion_mode": {"workload_kind": "job", "completions": 3},
    "workload_spec": {"workload_kind": "job", "completion_mode": "Indexed", "completions": 4},
    "starting_deadline_seconds": {"workload_kind": "cronjob"},
    "storage": {"workload_kind": "statefulset"},
    "shared_claims": {"volumes": representatives("volumes")[0], "volume_mounts": representatives("volume_mounts")[0]},
    "volume_mounts": {"autoscaling": False, "volumes": representatives("volumes")[0]},
}
"""What must be answered too, where a question is not for a Deployment, or not for itself."""


def test_every_structured_question_is_tried() -> None:
    """No question in YAML is missing below."""
    assert {name for name, question in questions().items() if question.type == "yaml"} == set(SOUND)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number"), [(name, number) for name in SOUND for number in range(len(SOUND[name]))])
def test_malformed_structures(name: str, number: int, bare_template: Path, tmp_path: Path) -> None:
    """A structure with junk at any place is refused in one line or resolved; no validator falls over it.

    Junk is of every type that YAML makes: dates, sets, bytes, keys that are no strings, lists that hold themselves.
    """
    beside = BESIDE.get(name, {"autoscaling": False})
    interview = Interview(bare_template, tmp_path / "shop", {"language": "none", **beside})
    sound = SOUND[name][number]
    assert interview.finding(name, sound) == ""
    for broken in mutations(sound):
        found = interview.finding(name, broken)
        assert re.fullmatch(r"(?:[^\n(]+ \(\S[^\n]*\))?", found)
        if found and name in typed():
            assert remedy_is_seen(prompted(name, found)), seen(prompted(name, found))
        if not found:
            interview.resolve(name, broken)


def mutations(value: Any) -> Iterator[Any]:
    """The value with one part replaced by junk, one left out, or one added."""
    yield from JUNK
    if isinstance(value, dict):
        for key, item in value.items():
            rest = {other: value[other] for other in value if other != key}
            yield rest
            for junk in mutations(item):
                yield {**rest, key: junk}
        for key in ("junk", "a\nb: c", 1, None, dt.date(2024, 1, 1), b"x"):
            yield {**value, key: "v"}
    if isinstance(value, list):
        for index, item in enumerate(value):
            for junk in mutations(item):
                yield [*value[:index], junk, *value[index + 1 :]]


@pytest.mark.parametrize("text", ["{", "[dev, prod", "a: b: c", "'", "{{ y }}"])
def test_known_limit_broken_yaml(text: str, bare_template: Path, tmp_path: Path) -> None:
    """Known limit: of text that is no YAML, copier itself says where it breaks, but not for which question.

    Copier parses before it validates, so the template has no say. What must hold: nothing is written.
    """
    with pytest.raises(ValueError, match=r"line 1, column \d+") as caught:
        copier.run_copy(str(bare_template), tmp_path / "shop", data={"config": text}, defaults=True, quiet=True)
    assert "config" not in str(caught.value)
    assert not (tmp_path / "shop").exists()


@pytest.mark.parametrize("value", [["shop"], {"name": "shop"}, dt.date(2024, 1, 1)])
def test_known_limit_no_text(value: Any, bare_template: Path, tmp_path: Path) -> None:
    """Known limit: a list, a map or a date for a question that takes text is refused by copier, without its name."""
    assert refusal(bare_template, {"team": value}, tmp_path / "shop") == (
        f"ValueError: Could not convert {value} to string"
    )
    assert not (tmp_path / "shop").exists()

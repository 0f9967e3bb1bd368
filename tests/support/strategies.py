"""Random answers of the kinds that break templates: strings that read as something else, and odd structures."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

AWKWARD = (
    "1.30",
    "12345e7",
    "1e3",
    "08",
    "0o17",
    "0x1",
    "0b1",
    "1_000",
    "1:30",
    "2025-08-11",
    "y",
    "no",
    "off",
    "True",
    "null",
    "~",
    "=",
    "<<",
    ".inf",
    "-",
    "- a",
    "a: b",
    "a #b",
    "# a",
    "* * * * *",
    "&a",
    "*a",
    "!a",
    "%a",
    "@a",
    "`a`",
    "[a]",
    "{a}",
    "| a",
    "> a",
    "it's",
    '"quoted"',
    "\\",
    "\\n",
    "{{ .Values.x }}",
    "${{ github.token }}",
    "#{ app }#",
    "#% raw %#",
    "#| x |#",
    "$(( 1 + 1 ))",
    "$(rm)",
    "${HOME}",
    "$$",
    "%s",
    "<b>&amp;</b>",
    "[a](b) **c** _d_",
    "---",
    "...",
    " leading and trailing ",
    "tab\there",
    "two\nlines",
    "ends with a newline\n",
    "\n\nstarts with two",
    "  indented\n block\n",
    "trailing space \nin a line",
    "",
    "é ü ß ø",
    "日本語",
    "🚀",
    "e\u0301",
    "\u200bzero width",
    "\u2028separator",
    "\ufeffmark",
    "\u0085next line",
    "\u202eright to left",
    "x" * 300,
)
"""Strings that a YAML, TOML, Markdown, shell, Helm or Jinja reader may take for something else."""

printable = st.text(
    st.one_of(st.characters(exclude_categories=["C", "Zl", "Zp"]), st.sampled_from(" \n\t")), max_size=30
)

texts = st.one_of(
    st.sampled_from(AWKWARD),
    st.lists(st.sampled_from(AWKWARD), min_size=2, max_size=3).map(" ".join),
    printable,
    printable,
    st.text(max_size=3),
)
"""Any text; what cannot be carried, the template must refuse."""

lines = st.one_of(
    st.sampled_from([text for text in AWKWARD if text.isprintable()]),
    st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=40),
    texts,
)
"""Mostly text on one line."""

names = st.one_of(
    st.from_regex(r"[a-z]([-a-z0-9]{0,18}[a-z0-9])?", fullmatch=True),
    st.sampled_from(
        ["a", "x1", "a--b", "e2e", "null", "true", "on", "y", "n", "a" * 40, "a" * 41, "1st", "A", *AWKWARD[:12]]
    ),
)
"""Mostly valid names, and what people take for one."""

hosts = st.one_of(
    st.lists(st.from_regex(r"[a-z0-9]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True), min_size=2, max_size=4).map(
        ".".join
    ),
    st.sampled_from(["localhost", "1.2.3.4", "*.example.com", "UPPER.example.com", "shop.example.com.", "1e3.org"]),
)

paths = st.from_regex(r"[a-z0-9]{1,6}(/[a-z0-9]{1,6}([._-][a-z0-9]{1,4})?){0,2}", fullmatch=True)

repositories = st.one_of(
    st.builds("ghcr.io/{}".format, paths),
    st.builds("registry.example.com:5000/{}".format, paths),
    st.builds("1e3/{}".format, paths),
    st.sampled_from(["app", "Upper/case", "a//b", "a:1"]),
)

tags = st.one_of(
    st.sampled_from([":1.30", ":12345e7", ":0x1", ":y", ":08", ":1_000", "@sha256:" + "e7" * 32]),
    st.sampled_from([":v1", ":latest", ""]),
    st.from_regex(r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True),
)

keys = st.one_of(
    st.from_regex(r"[A-Z_][A-Z0-9_]{0,12}", fullmatch=True),
    st.from_regex(r"[a-z_]{1,6}", fullmatch=True),
    st.sampled_from(["y", "NO", "null", "_", "Mixed_1"]),
    st.sampled_from(["1A", "with-dash", "POD_NAME", "ok"]),
)

configurations = st.dictionaries(keys, texts, max_size=4)

words = st.lists(texts, min_size=1, max_size=4)

label_values = st.one_of(st.sampled_from([*AWKWARD[:20], "a.b", "x" * 63, "x" * 64]), names)

port_names = st.one_of(st.sampled_from(["http", "web", "metrics", "y", "1e3", "a-1", "grpc", "x" * 15, "8080"]))

ports = st.lists(
    st.fixed_dictionaries(
        {
            "name": port_names,
            "containerPort": st.one_of(st.integers(1, 65535), st.sampled_from([0, 65536, -1, "80"])),
        },
        optional={"protocol": st.sampled_from(["TCP", "UDP", "SCTP"])},
    ),
    min_size=1,
    max_size=3,
)

requested_cpu = st.sampled_from(["100m", "1", 1, 0.5, "0.5", "2500m", 2, "1e3", "0"])
requested_memory = st.sampled_from(["64Mi", "128Mi", "1Gi", "1.5Gi", "500M", 134217728, "123456k"])
memory_limits = st.sampled_from(["2Gi", "1.5Gi", "2G", 2147483648, "4Gi", "1e9", "128MiB", "1Mi"])

resources = st.builds(
    lambda cpu, memory, limit: {
        "requests": {"cpu": cpu, "memory": memory, "ephemeral-storage": "64Mi"},
        "limits": {"memory": limit, "ephemeral-storage": "1Gi"},
    },
    requested_cpu,
    requested_memory,
    memory_limits,
)

targets = st.sampled_from(
    [
        {"type": "Utilization", "averageUtilization": 75},
        {"type": "AverageValue", "averageValue": "500m"},
        {"type": "AverageValue", "averageValue": 12},
        {"type": "Value", "value": "1e3"},
        {"type": "Value", "averageValue": "10"},
    ]
)
metrics = st.one_of(
    st.builds(
        lambda name, target: {"type": "Resource", "resource": {"name": name, "target": target}},
        st.sampled_from(["cpu", "memory"]),
        targets,
    ),
    st.builds(
        lambda container, target: {
            "type": "ContainerResource",
            "containerResource": {"name": "cpu", "container": container, "target": target},
        },
        st.sampled_from(["shop", "shop", "proxy"]),
        targets,
    ),
    st.builds(
        lambda name, labels, target: {
            "type": "External",
            "external": {"metric": {"name": name, "selector": {"matchLabels": {"queue": labels}}}, "target": target},
        },
        st.sampled_from(["queue_messages", "pubsub.googleapis.com|messages", "a/b", "100%"]),
        label_values,
        targets,
    ),
)
rules = st.fixed_dictionaries(
    {},
    optional={
        "stabilizationWindowSeconds": st.sampled_from([0, 300, 3600, 3601]),
        "selectPolicy": st.sampled_from(["Max", "Min", "Disabled"]),
        "policies": st.lists(
            st.fixed_dictionaries(
                {
                    "type": st.sampled_from(["Pods", "Percent"]),
                    "value": st.integers(1, 200),
                    "periodSeconds": st.sampled_from([1, 60, 1800, 1801]),
                }
            ),
            min_size=1,
            max_size=2,
        ),
    },
)
autoscaling = st.one_of(
    st.just(value=False),
    st.fixed_dictionaries(
        {"minReplicas": st.integers(1, 9), "maxReplicas": st.integers(9, 60)},
        optional={"targetCPUUtilizationPercentage": st.integers(0, 120)},
    ),
    st.fixed_dictionaries(
        {"minReplicas": st.integers(1, 9), "maxReplicas": st.integers(9, 60)},
        optional={
            "metrics": st.lists(metrics, min_size=1, max_size=2),
            "behavior": st.fixed_dictionaries({}, optional={"scaleUp": rules, "scaleDown": rules}),
        },
    ),
)
budgets = st.one_of(
    st.just(value=False),
    st.builds(
        lambda field, amount, policy: {field: amount, **policy},
        st.sampled_from(["minAvailable", "maxUnavailable"]),
        st.sampled_from([1, 2, "1%", "25%", "100%", 0, "2"]),
        st.sampled_from([{}, {"unhealthyPodEvictionPolicy": "IfHealthyBudget"}]),
    ),
)

handlers = st.one_of(
    st.builds(
        lambda path, value: {
            "httpGet": {"path": "/" + path, "port": 8080, "httpHeaders": [{"name": "X-A", "value": value}]}
        },
        texts,
        texts,
    ),
    st.builds(lambda command: {"exec": {"command": command}}, words),
    st.builds(lambda port: {"tcpSocket": {"port": port}}, st.sampled_from([8080, "http", "nothing", 0])),
)

probes = st.builds(
    lambda handler, period, other: {"readinessProbe": {**handler, "periodSeconds": period}, **other},
    handlers,
    st.integers(0, 60),
    st.one_of(st.just({}), st.builds(lambda handler: {"livenessProbe": handler}, handlers)),
)

peers = st.one_of(
    st.builds(lambda value: {"podSelector": {"matchLabels": {"app.kubernetes.io/name": value}}}, label_values),
    st.builds(lambda value: {"namespaceSelector": {"matchLabels": {"team": value}}}, label_values),
    st.sampled_from(
        [{"ipBlock": {"cidr": cidr}} for cidr in ("10.0.0.0/8", "192.0.2.1/32", "::/0", "10.0.0.1/8", "10.0.0.0/33")]
    ),
)

network_policies = st.fixed_dictionaries(
    {},
    optional={
        "ingress": st.lists(st.builds(lambda peer: {"from": [peer]}, peers), min_size=1, max_size=2),
        "egress": st.lists(
            st.builds(
                lambda peer, port: {"to": [peer], "ports": [{"port": port}]},
                peers,
                st.sampled_from([443, 5432, "https", 0, 70000]),
            ),
            min_size=1,
            max_size=2,
        ),
    },
)

quotas = st.fixed_dictionaries(
    {
        "hard": st.dictionaries(
            st.sampled_from(["pods", "requests.cpu", "limits.memory", "count/jobs.batch", "services", "gpu"]),
            st.sampled_from([0, 20, "500", "4Gi", "90", "1e3"]),
            min_size=1,
        )
    }
)

environments = st.lists(
    st.one_of(
        names.filter(lambda name: len(name) < 21),
        st.fixed_dictionaries(
            {"name": names},
            optional={
                "namespace": names,
                "hostname": hosts,
                "autoscaling": st.fixed_dictionaries(
                    {"minReplicas": st.integers(1, 3), "maxReplicas": st.integers(1, 9)}
                ),
                "create_namespace": st.booleans(),
                "quota": quotas,
            },
        ),
    ),
    min_size=1,
    max_size=2,
)

metadata = st.fixed_dictionaries(
    {"annotations": st.dictionaries(st.sampled_from(["example.com/a", "y", "1.30", "B_c"]), texts, max_size=2)},
    optional={
        "labels": st.dictionaries(
            st.sampled_from(["tier", "example.com/y", "08", "a b", "app.kubernetes.io/name"]),
            label_values,
            max_size=2,
        )
    },
)

object_metadata = st.lists(
    st.builds(
        lambda kind, given: {**kind, "metadata": given},
        st.sampled_from(
            [{}, *({"kind": kind} for kind in ("Deployment", "ConfigMap", "Service", "Namespace", "Job"))]
        ),
        metadata,
    ),
    max_size=2,
)

shared_claims = st.builds(
    lambda modes, size, read_only, strategy: {
        "shared_claims": [
            {
                "metadata": {"name": "data"},
                "spec": {"accessModes": modes, "resources": {"requests": {"storage": size}}},
            }
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "volume_mounts": [{"name": "data", "mountPath": "/data", "readOnly": read_only}],
        **strategy,
    },
    st.lists(
        st.sampled_from(["ReadWriteMany", "ReadOnlyMany", "ReadWriteOnce", "ReadWriteOncePod"]),
        min_size=1,
        max_size=2,
        unique=True,
    ),
    requested_memory,
    st.booleans(),
    st.sampled_from([{}, {}, {"autoscaling": False, "replicas": 1}, {"update_strategy": {"type": "Recreate"}}]),
)
"""A claim and the answers by which the application has it."""


def some(**answers: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Sets of answers in which each of these may be given or left out."""
    return st.fixed_dictionaries({}, optional=answers)

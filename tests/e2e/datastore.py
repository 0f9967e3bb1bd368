"""A StatefulSet: pods with a name and a volume of their own."""

from e2e.environment import Environment, Topic, deploy, helm_test, identify
from e2e.promises import Report, check, parse, until

KEYS = 12  # enough for each pod to hold some


def keep(report: Report, it: Environment) -> None:
    """Put the datastore to the test."""
    deploy(report, it)
    identify(report, it)
    with report.step("each pod is found by its own name through the headless Service", it) as measured:
        it.start_client()
        pods = it.pods()
        expected = {f"{it.app}-{ordinal}" for ordinal in range(it.get(f"statefulset/{it.app}")["spec"]["replicas"])}
        check(pods.keys() == expected, f"the pods are {sorted(pods)}")
        for pod in pods:
            status, body = it.ask("GET", f"http://{pod}.{it.app}-headless:8080/")
            check(status == 200 and parse(body)["pod"]["name"] == pod, f"{pod} answers {status} {body}")
        measured.append(f"{len(pods)} pods")
    with report.step("the Service takes values, or names the pod to send them to", it) as measured:
        owners = {f"key-{number}": put(it, f"key-{number}", f"value {number}") for number in range(KEYS)}
        check(len(set(owners.values())) > 1, f"one pod has all: {owners}")
        measured.append(f"{KEYS} values, on {len(set(owners.values()))} pods")
    with report.step("the values of a pod are still there after it was deleted", it) as measured:
        name = owners["key-0"].partition(".")[0]
        before = it.pods()[name]
        it.deployer("delete", "pod", name, "--wait=false")
        until(lambda: it.replaced(before), f"another {name} is ready")
        url = f"http://{owners['key-0']}:8080"
        until(lambda: it.ask("GET", f"{url}/readyz")[0] == 200, f"{url} leads to the new pod")
        kept = [key for key, owner in owners.items() if owner == owners["key-0"]]
        seen = {key: it.ask("GET", f"{url}/keys/{key}") for key in kept}
        check(seen == {key: (200, f"value {key.removeprefix('key-')}") for key in kept}, seen)
        (recovery,) = (entry for entry in it.entries(name) if entry["message"] == "recovered")
        check(recovery["keys"] == len(kept) and recovery["keys_of_other_pods"] == 0, recovery)
        measured.append(f"{len(kept)} values")
    helm_test(report, it)


def put(it: Environment, key: str, value: str) -> str:
    """Give a value to the pod that holds the key; the pod's name under the headless Service."""
    status, body = it.ask("PUT", f"http://{it.app}/keys/{key}", value)
    check(status in (204, 421), f"{key}: {status} {body}")
    ordinals = range(it.get(f"statefulset/{it.app}")["spec"]["replicas"])
    hosts = [f"{it.app}-{ordinal}.{it.app}-headless" for ordinal in ordinals]
    if status == 204:
        (owner,) = (host for host in hosts if it.ask("GET", f"http://{host}:8080/keys/{key}")[0] == 200)
        return owner
    owner = str(parse(body)["owner"])
    check(owner in hosts, f"{owner} is no pod")
    status, body = it.ask("PUT", f"http://{owner}:8080/keys/{key}", value)
    check(status == 204, f"{owner} answers {status} {body}")
    return owner


TOPICS = {"statefulset": Topic({"workload_kind": "statefulset"}, keep)}

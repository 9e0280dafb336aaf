"""One suite that every resource kind passes. What a kind can do is in its table (`kinds_*.py`)."""
import json
import subprocess

import kinds_emr
import kinds_iam
import kinds_network
import kinds_s3
import pytest
from conformance import ABSENT, Subject, drifts
from conftest import BINARY

CASES = [kinds_s3.bucket, kinds_s3.upload, kinds_iam.role, kinds_iam.profile, kinds_network.security_group,
         kinds_network.topic, kinds_emr.emr_cluster]

SCHEMA = json.loads(subprocess.run(
    [str(BINARY), "validate", "--print-schema"], capture_output=True, text=True, check=True).stdout)
#: Of the engine, alike for all kinds.
COMMON = {"keep", "protect", "depends_on"}


def each(rows):
    """Parameters (case, ...) with readable names."""
    return [pytest.param(*row, id="-".join([row[0].kind, *[str(part) for part in names]])) for row, names in rows]


@pytest.fixture(scope="module")
def subjects(shared_cloud, tmp_path_factory):
    """The stacks of all kinds side by side in one account, each brought up when its first test asks for it."""
    made: dict[str, Subject] = {}

    def subject(case) -> Subject:
        if case.kind not in made:
            made[case.kind] = Subject(case, shared_cloud, tmp_path_factory.mktemp(case.stack) / "stack")
        return made[case.kind]

    return subject


@pytest.fixture(autouse=True)
def strict(shared_cloud):
    """Every request of every test follows AWS's models and is signed as AWS wants it."""
    yield
    violations = shared_cloud.violations()
    shared_cloud.forget()
    assert not violations, json.dumps(violations, indent=1)[:4000]


# --- nothing is left out

def test_every_kind_has_a_case():
    sections = {name for name, schema in SCHEMA["properties"].items()
                if schema.get("additionalProperties", False) and "properties" in schema["additionalProperties"]}
    assert sections - {"variables"} == {case.section for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_every_input_has_its_row(case):
    schema = SCHEMA["properties"][case.section]["additionalProperties"]["properties"]
    assert set(schema) - COMMON == set(case.inputs)
    for name, spec in case.inputs.items():
        changes = spec.updates or spec.replacements
        assert changes or spec.why, f"{name}: nothing changes it, and no reason why"
        # What can be changed in place can also be changed outside.
        assert spec.drifts or spec.replacements or spec.why, f"{name}: no drift, and no reason why"


# --- create, read back, nothing to do

@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_required_inputs_alone(subjects, case):
    """Made with server-side defaults for all the rest, which never show; and gone again when no longer declared."""
    subject = subjects(case)
    subject.bring(case.minimal)
    id = subject.id()
    subject.write(None)
    assert subject.change()["action"] == "delete"
    subject.up()
    assert case.read(subject.cloud, id) is None
    subject.check_quiet()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_all_inputs(subjects, case):
    subject = subjects(case)
    subject.bring(case.full)
    subject.done()


# --- drift

@pytest.mark.parametrize("case, name, drift", each(
    ((case, name, drift), (name or "hidden", drift.name.replace(" ", "-"))) for case in CASES
    for name, drift in drifts(case)))
def test_drift(subjects, case, name, drift):
    """What was changed outside shows, exactly, and `up` sets it back."""
    subject = subjects(case)
    subject.full()
    id = subject.id()
    drift.make(subject.cloud, id)
    change = subject.change()
    assert change["action"] == "update", change
    for key in ("drift", "attributes"):
        shown = [item["path"] for item in change[key]]
        assert shown and all(path.startswith(drift.paths) for path in shown), (key, shown)
        assert all(any(path.startswith(wanted) for path in shown) for wanted in drift.paths), (key, shown)
    subject.up()
    assert subject.id() == id
    subject.check_quiet()
    subject.check_equal(case.full)
    subject.done()


@pytest.mark.parametrize("case, other", each(
    ((case, other), (other.name.replace(" ", "-"),)) for case in CASES for other in case.same))
def test_the_same_in_other_words(subjects, case, other):
    """Order, brackets, encoding, and what others added: no drift, no change."""
    subject = subjects(case)
    subject.full()
    other.make(subject.cloud, subject.id())
    subject.check_quiet()
    subject.done()


# --- changes of the stack file

@pytest.mark.parametrize("case, name, value", each(
    ((case, name, value), (name, number)) for case in CASES for name, spec in case.inputs.items()
    for number, value in enumerate(spec.updates, 1)))
def test_update(subjects, case, name, value):
    subject = subjects(case)
    subject.full()
    id = subject.id()
    inputs = subject.inputs(**{name: value})
    subject.write(inputs)
    change = subject.change()
    assert change["action"] == "update", change
    assert not change["drift"], change
    paths = {item["path"].split(".")[0] for item in change["attributes"]}
    assert paths <= {name, "objects"} and not any(item["forcesReplacement"] for item in change["attributes"]), change
    subject.bring(inputs)
    assert subject.id() == id
    # And back, which is another change.
    subject.bring(case.full)
    subject.done()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_replacement(subjects, case):
    """Every input that cannot be changed in place says so; with the first it is carried out."""
    subject = subjects(case)
    subject.full()
    replacements = [(name, value) for name, spec in case.inputs.items() for value in spec.replacements]
    for name, value in replacements:
        subject.write(subject.inputs(**{name: value}))
        change = subject.change()
        assert change["action"] == "replace" and name in change["reason"], (name, change)
        forcing = {item["path"].split(".")[0] for item in change["attributes"] if item["forcesReplacement"]}
        assert forcing == {name}, (name, change)
    old = subject.id()
    name, value = replacements[0]
    if case.to_replace:
        subject.bring(subject.inputs(**case.to_replace))
    subject.bring(subject.inputs(**{name: value}, **case.to_replace))
    assert subject.id() != old
    assert case.read(subject.cloud, old) is None
    subject.bring(case.full)
    subject.done()


# --- deletion

@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_deleted_outside(subjects, case):
    subject = subjects(case)
    subject.full()
    old = subject.id()
    case.remove(subject.cloud, old)
    assert case.read(subject.cloud, old) is None
    if case.kind == "emr.cluster":
        # A cluster that has ended is not missing (invariant 6): a run has another one.
        subject.check_quiet()
        subject.bring(None)
        return
    if case.kind == "s3.upload":
        # An upload is its objects: without any there is still the upload, with all to do.
        assert {item["path"] for item in subject.change()["drift"]} == {"objects.code/a.py", "objects.code/deep/c.py"}
    else:
        change = subject.change()
        assert change["action"] == "create" and "deleted outside" in change["reason"], change
    subject.up()
    subject.check_quiet()
    subject.check_equal(case.full)
    subject.done()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
def test_destroyed_when_already_gone(subjects, case):
    """Missing means done; and a second time as well."""
    subject = subjects(case)
    subject.bring(subject.inputs(**case.to_replace))
    id = subject.id()
    case.remove(subject.cloud, id)
    subject.tool("destroy", "--yes")
    assert subject.cloud.tagged(case.stack) == [f"bucket/{case.lake}"]
    assert subject.tool("destroy", "--yes").out.startswith("Nothing to destroy")


# --- strangers (invariant 4)

@pytest.mark.parametrize("case", [case for case in CASES if case.foreign], ids=lambda case: case.kind)
def test_what_is_not_ours_is_left_alone(subjects, case):
    """Of the same name and without our tags: neither changed nor deleted before it is imported by name."""
    subject = subjects(case)
    subject.bring(None)
    id = case.foreign(subject.cloud, case.full)
    before = raw(subject, id)
    subject.write(case.minimal)
    if case.names_clash:
        result = subject.tool("up", "--yes", expect=4)
        assert "does not belong to this stack" in result.err and f"state import {case.address}" in result.err
        assert raw(subject, id) == before
        subject.write(None)
        subject.tool("destroy", "--yes")
        assert raw(subject, id) == before
        subject.write(case.minimal)
        subject.tool("up", "--yes", expect=4)
    else:
        subject.up()
        assert subject.id() != id
        subject.tool("destroy", "--yes")
        assert raw(subject, id) == before
        subject.bring(None)
        subject.write(case.minimal)
    subject.tool("state", "import", case.address, id)
    assert subject.id() == id
    subject.up()
    # A cluster's launch settings cannot be changed: one that was launched otherwise is replaced.
    assert (subject.id() == id) == (case.kind != "emr.cluster")
    subject.check_quiet()
    subject.tool("destroy", "--yes")
    assert case.read(subject.cloud, id) is None


def raw(subject, id):
    """Everything that boto3 tells of a stranger, whatever it looks like."""
    try:
        return subject.case.read(subject.cloud, id) or "gone"
    except (AssertionError, KeyError, subject.cloud.client("s3").exceptions.ClientError) as error:
        # It has not even the form of ours.
        return f"{type(error).__name__} {error}"

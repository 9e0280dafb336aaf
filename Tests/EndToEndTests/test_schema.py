"""The JSON Schema for editors against the parser: what one accepts, the other accepts."""
import copy
import json
import subprocess

import jsonschema
import pytest
import yaml

from conftest import BINARY, ROOT, STACK

SCHEMA = json.loads((ROOT / "templates" / "stack.schema.json").read_text())
SHIPPED = yaml.safe_load((STACK / "stack.yaml").read_text())


def parser_accepts(stack: dict, folder) -> bool:
    (folder / "stack.yaml").write_text(yaml.safe_dump(stack))
    for name in ("pipeline", "scripts", "dados"):
        if not (folder / name).exists():
            (folder / name).symlink_to(STACK / name)
    result = subprocess.run([str(BINARY), "--stack", str(folder), "validate"], capture_output=True, text=True)
    assert result.returncode in (0, 1), result.stderr
    return result.returncode == 0


def schema_accepts(stack: dict) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(stack)


def test_the_shipped_schema_is_the_parsers_own():
    printed = subprocess.run([str(BINARY), "validate", "--print-schema"], capture_output=True, text=True, check=True)
    assert json.loads(printed.stdout) == SCHEMA, "run `make schema`"


def test_the_shipped_stack_fits(tmp_path):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(SHIPPED, SCHEMA)
    assert parser_accepts(SHIPPED, tmp_path)


@pytest.mark.parametrize("path, value, fits", [
    (["buckets", "lake", "versioning"], "yes", False),
    (["buckets", "lake", "versioning"], "${var.notify_email}", True),
    (["buckets", "lake", "versionning"], True, False),
    (["buckets", "lake", "name"], None, False),
    (["clusters", "main", "idle_timeout_minutes"], 0, False),
    (["clusters", "main", "instance_groups", 0, "role"], "BOSS", False),
    (["clusters", "main", "instance_groups", 0, "count"], "two", False),
    (["pipeline", "steps", 0, "on_failure"], "CONTINUE", True),
    (["pipeline", "steps", 0, "on_failure"], "STOP", False),
    (["pipeline", "steps", 0, "args"], "--x", False),
    (["stack"], "Mr Health", False),
    (["version"], 2, False),
    (["extra"], {}, False),
])
def test_schema_and_parser_agree(tmp_path, path, value, fits):
    stack = copy.deepcopy(SHIPPED)
    place = stack
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert schema_accepts(stack) == fits
    assert parser_accepts(stack, tmp_path) == fits

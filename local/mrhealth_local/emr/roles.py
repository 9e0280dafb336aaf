"""The facts about roles and instance profiles that EMR looks at, read from moto's IAM."""

from __future__ import annotations

import datetime
import fnmatch
import json
from collections.abc import Iterator
from typing import Any


class Roles:
    def __init__(self, iam: Any) -> None:
        self._iam = iam

    def profile(self, name: str) -> Any:
        """An instance profile by name or ARN, or None."""
        wanted = name.rpartition("/")[2]
        return next((each for each in self._iam.instance_profiles.values() if each.name == wanted), None)

    def role(self, name: str) -> Any:
        wanted = name.rpartition("/")[2]
        return next((each for each in self._iam.roles.values() if each.name == wanted), None)

    @staticmethod
    def epoch(moment: Any) -> float:
        if isinstance(moment, str):
            moment = datetime.datetime.fromisoformat(moment.replace("Z", "+00:00"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return moment.timestamp()

    @staticmethod
    def trusts(role: Any, service: str) -> bool:
        """Whether a service may assume the role; conditions of the trust policy are taken as met."""
        document = _json(role.assume_role_policy_document)
        for statement in _listed(document.get("Statement", [])):
            principal = statement.get("Principal", {})
            services = _listed(principal.get("Service", [])) if isinstance(principal, dict) else []
            actions = _listed(statement.get("Action", []))
            if statement.get("Effect") == "Allow" and service in services and "sts:AssumeRole" in actions:
                return True
        return False

    @staticmethod
    def attached(role: Any) -> list[str]:
        """The ARNs of a role's managed policies."""
        return list(role.managed_policies)

    def may_pass(self, role: Any, passed_arn: str) -> bool:
        """Whether a policy of `role` allows iam:PassRole on another role."""
        for statement in self._statements(role):
            if statement.get("Effect") != "Allow":
                continue
            actions = [str(action).lower() for action in _listed(statement.get("Action", []))]
            resources = [str(each) for each in _listed(statement.get("Resource", []))]
            if any(fnmatch.fnmatchcase("iam:passrole", each) for each in actions) and any(
                fnmatch.fnmatchcase(passed_arn, each) for each in resources
            ):
                return True
        return False

    def has_permissions(self, role: Any) -> bool:
        return bool(role.managed_policies) or bool(role.policies)

    def _statements(self, role: Any) -> Iterator[dict[str, Any]]:
        documents = list(role.policies.values())
        for policy in role.managed_policies.values():
            documents += [
                version.document for version in policy.versions if version.version_id == policy.default_version_id
            ]
        for document in documents:
            yield from _listed(_json(document).get("Statement", []))


def _json(document: Any) -> dict[str, Any]:
    if isinstance(document, dict):
        return document
    try:
        parsed = json.loads(document)
    except (TypeError, ValueError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

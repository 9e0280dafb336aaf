"""EMR's JSON 1.1 protocol: request -> operation -> answer."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable
from typing import Any

from ..errors import Answer, AwsError, answer_for, not_implemented
from ..scope import Scope
from . import shapes
from .context import Context
from .store import Region

log = logging.getLogger("mrhealth.emr")

Operation = Callable[[Context, Region, dict[str, Any]], "dict[str, Any] | None"]

#: filled by the modules of ``operations`` as they are imported
OPERATIONS: dict[str, Operation] = {}


def operation(function: Operation) -> Operation:
    """Registers ``run_job_flow`` as RunJobFlow. Names that do not follow use ``named``."""
    OPERATIONS["".join(part.capitalize() for part in function.__name__.split("_"))] = function
    return function


def named(name: str) -> Callable[[Operation], Operation]:
    def register(function: Operation) -> Operation:
        OPERATIONS[name] = function
        return function

    return register


class EmrApi:
    def __init__(self, context: Context) -> None:
        from botocore.loaders import Loader
        from botocore.model import ServiceModel

        from . import operations

        operations.load()
        self.context = context
        self._model = ServiceModel(Loader().load_service_model("emr", "service-2"), "emr")
        #: answers that did not fit the model: always a mistake of ours (``/_local/health`` counts them)
        self.violations: list[str] = []

    def call(self, target: str, body: bytes, scope: Scope) -> Answer:
        name = target.rpartition(".")[2]
        try:
            return self._answer(name, self._result(name, body, scope))
        except AwsError as error:
            log.info("%s refused: %s", name, error)
            return _error(error)
        except Exception:
            log.exception("%s failed", name)
            return answer_for(
                AwsError(
                    "InternalServerException", f"The embedded AWS failed on {name}; its log.txt has the cause.", 500
                ),
                "json",
            )

    def _result(self, name: str, body: bytes, scope: Scope) -> dict[str, Any]:
        if name not in self._model.operation_names:
            raise AwsError("UnknownOperationException", f"There is no operation {name}.")
        if name not in OPERATIONS:
            raise not_implemented("json", name)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            raise AwsError("SerializationException", "The request is not valid JSON.") from None
        shape = self._model.operation_model(name).input_shape
        if shape is not None:
            shapes.check(shape, request)
        region = self.context.store.region(scope.region or self.context.region)
        return OPERATIONS[name](self.context, region, _without_nulls(request)) or {}

    def _answer(self, name: str, result: dict[str, Any]) -> Answer:
        result = _without_nulls(result)
        found = shapes.unknown_members(self._model.operation_model(name).output_shape, result, name)
        if found:
            log.error("answer of %s does not fit the model: %s", name, found)
            self.violations += found
        headers = [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", str(uuid.uuid4()))]
        return Answer(200, json.dumps(result).encode(), headers)


def _error(error: AwsError) -> Answer:
    answer = answer_for(error, "json")
    if error.code == "InvalidRequestException":
        # Its members are modelled as ErrorCode and Message, with a capital.
        answer.body = json.dumps({"__type": error.code, "ErrorCode": "", "Message": error.message}).encode()
    return answer


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value

"""A provider that the tests own, and whose behaviour the inputs of resources choose."""

from __future__ import annotations

import copy
import threading
from typing import Any

import grpc
from google.protobuf import any_pb2, empty_pb2
from pulumi.runtime.proto import provider_pb2 as pb
from pulumi.runtime.proto import provider_pb2_grpc, status_pb2

from engine import values
from engine.values import UNKNOWN, Values


class World(provider_pb2_grpc.ResourceProviderServicer):
    """A provider whose behaviour a resource's inputs choose; it adopts what an earlier step made as wanted.

    ``refuse``: check refuses with that reason. ``force*``: a change replaces. ``first``: replacement deletes
    first. ``fail``: creating and updating fail with that message. ``half``: it exists but is not ready, for
    that reason. ``shrug``: diff does not know. ``named``: it gets a name of its own, which ``name`` is not.
    """

    def __init__(self) -> None:
        self.accepts_secrets = False
        self.simulates = True
        self.things: dict[str, Values] = {}
        self.steps: dict[str, str] = {}
        self.calls: list[tuple[str, str]] = []
        self.requests: list[tuple[str, Any]] = []
        self.metadata: list[dict[str, list[str]]] = []
        self.hold: dict[str, threading.Event] = {}
        self.reached: dict[str, threading.Event] = {}
        self.unreadable: dict[str, int] = {}
        """How many reads of a thing are refused from now on, by its name."""
        self.repeats = False
        """Whether a read only says what it was told, as that of a dynamic provider that has none."""
        self._made = 0
        self._lock = threading.Lock()

    def taken(self) -> tuple[dict[str, Values], dict[str, str]]:
        """What there is at this moment: things, and the steps that made them."""
        with self._lock:
            return copy.deepcopy((self.things, self.steps))

    def _note(self, method: str, request: Any) -> str:
        with self._lock:
            self.calls.append((method, request.name))
            self.requests.append((method, request))
        if request.name in self.reached and method in ("create", "update", "delete"):
            self.reached[request.name].set()
            self.hold[request.name].wait(30)
        return str(request.name)

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        news = values.from_struct(request.news)
        failures = (
            [pb.CheckFailure(property="host", reason="no such host")] if news.get("host") == "nowhere" else []
        )
        return pb.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        olds, news = values.from_struct(request.old_inputs), values.from_struct(request.news)
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        replaces = [key for key in changed if key.startswith("force")]
        return pb.DiffResponse(
            changes=pb.DiffResponse.DIFF_SOME if changed else pb.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=replaces,
        )

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.requests.append(("configure", request))
        return pb.ConfigureResponse(acceptSecrets=self.accepts_secrets, supportsPreview=self.simulates)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.requests.append(("check", request))
        news = values.from_struct(request.news)
        failures = []
        if "refuse" in news:
            failures = [
                pb.CheckFailure(property="refuse", reason=news["refuse"]),
                pb.CheckFailure(reason="and more"),
            ]
        if "named" in news:
            olds = values.from_struct(request.olds)
            name = olds["name"] if "name" in olds.get("__defaults", ()) else request.randomSeed.hex()
            news = {"name": name, **news, "__defaults": [] if "name" in news else ["name"]}
        return pb.CheckResponse(inputs=values.to_struct({"default": "here", **news}), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.requests.append(("diff", request))
        olds, news = values.from_struct(request.old_inputs), values.from_struct(request.news)
        changed = sorted(key for key in {*olds, *news} if olds.get(key) != news.get(key))
        if "shrug" in news:
            return pb.DiffResponse(changes=pb.DiffResponse.DIFF_UNKNOWN)
        return pb.DiffResponse(
            changes=pb.DiffResponse.DIFF_SOME if changed else pb.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=[key for key in changed if key.startswith("force")],
            deleteBeforeReplace="first" in olds,
            hasDetailedDiff=True,
            detailedDiff={
                key: pb.PropertyDiff(
                    kind=pb.PropertyDiff.UPDATE_REPLACE if key.startswith("force") else pb.PropertyDiff.UPDATE
                )
                for key in changed
            },
        )

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        news = values.from_struct(request.properties)
        if request.preview:
            return pb.CreateResponse(properties=values.to_struct({**news, "made": UNKNOWN}))
        self._note("create", request)
        found: dict[str, list[str]] = {}
        for key, value in context.invocation_metadata():
            found.setdefault(key, []).append(value)
        self.metadata.append(found)
        if "fail" in news:
            context.abort(grpc.StatusCode.UNKNOWN, str(news["fail"]))
        with self._lock:
            earlier = [self.steps[one] for one in found.get("messaging-adopt", ()) if one in self.steps]
            known = [one for one in earlier if {**self.things.get(one, {}), "made": 0} == {**news, "made": 0}]
            self._made += 1
            identifier = known[0] if known else f"{request.name}-{self._made}"
            outputs = {**news, "made": f"made-{self._made}"}
            self.things[identifier] = outputs
            self.steps[found["messaging-step"][0]] = identifier
        if "half" in news:
            _half(context, identifier, outputs, str(values.reveal(news["half"])))
        return pb.CreateResponse(id=identifier, properties=values.to_struct(outputs))

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        news = values.from_struct(request.news)
        outputs = {**news, "made": values.from_struct(request.olds).get("made")}
        if request.preview:
            return pb.UpdateResponse(properties=values.to_struct(outputs))
        self._note("update", request)
        if "fail" in news:
            context.abort(grpc.StatusCode.UNKNOWN, str(news["fail"]))
        with self._lock:
            self.things[request.id] = outputs
        if "half" in news:
            _half(context, request.id, outputs, str(news["half"]))
        return pb.UpdateResponse(properties=values.to_struct(outputs))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        with self._lock:
            self.calls.append(("read", request.name))
            refused = self.unreadable.get(request.name, 0) > 0
            if refused:
                self.unreadable[request.name] -= 1
        if refused:
            context.abort(grpc.StatusCode.UNAVAILABLE, "nobody answers yet")
        if self.repeats:
            return pb.ReadResponse(id=request.id, properties=request.properties)
        found = self.things.get(request.id)
        if found is None:
            return pb.ReadResponse()
        if "unreadable" in found:
            context.abort(grpc.StatusCode.UNAVAILABLE, "nobody answers")
        inputs = {key: value for key, value in found.items() if key != "made"}
        return pb.ReadResponse(
            id=request.id, properties=values.to_struct(found), inputs=values.to_struct(inputs)
        )

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._note("delete", request)
        if not request.id:
            orphans = [value for key, value in context.invocation_metadata() if key == "messaging-adopt"]
            with self._lock:
                for orphan in orphans:
                    self.things.pop(self.steps.get(str(orphan), ""), None)
            return empty_pb2.Empty()
        if "undeletable" in values.from_struct(request.properties):
            context.abort(grpc.StatusCode.UNKNOWN, "still in use")
        with self._lock:
            self.things.pop(request.id, None)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        return pb.InvokeResponse(**{"return": request.args})


def _half(context: Any, identifier: str, outputs: Values, reason: str) -> None:
    detail = any_pb2.Any()
    detail.Pack(
        pb.ErrorResourceInitFailed(id=identifier, properties=values.to_struct(outputs), reasons=[reason]),
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message="not ready", details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, "not ready")

"""How the program's process waits for the outputs that it has begun to compute, at a cost for each of them.

The SDK looks at all outputs that are not done each time that some are, which grows with the square of their
number: minutes for a thousand streams. `install` gives it a set of outputs that remembers what fails, and a
wait that looks at nothing twice; what it waits for and what it raises stay the same. It also keeps to itself
the SDK's debug lines, several a resource and each a call, which the engine would drop.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi
from pulumi.runtime import settings, stack


class Outstanding(set[Any]):
    """The tasks of outputs that are not done; the SDK puts them in and takes them out."""

    def __init__(self) -> None:
        super().__init__()
        self._failed: list[asyncio.Task[Any]] = []
        self._news: asyncio.Event | None = None

    def add(self, task: asyncio.Task[Any]) -> None:
        """Takes in a task, and notices when it is done."""
        super().add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled() or task.exception() is not None:
            self._failed.append(task)  # stays in the set, unless another output answers for it
        if self._news:
            self._news.set()

    async def wait(self) -> None:
        """Returns when none is left; raises what the first one raised that failed."""
        self._news = asyncio.Event()
        while self:
            while self._failed:
                task = self._failed.pop()
                if task in self:
                    self.discard(task)
                    await task
            self._news.clear()
            if self:
                await self._news.wait()


def install() -> None:
    """Lets the SDK wait like this; called once, before the program runs."""
    pulumi.log.debug = lambda *_, **__: None
    waits_for_calls = stack.wait_for_rpcs
    outputs = Outstanding()
    settings.SETTINGS.outputs = outputs

    async def wait(await_all_outstanding_tasks: bool = True) -> None:
        calls = settings._get_rpc_manager()  # noqa: SLF001 - it offers no other way
        while True:
            await waits_for_calls(await_all_outstanding_tasks=False)
            if await_all_outstanding_tasks:
                await outputs.wait()
            if not calls.rpcs:
                return

    stack.wait_for_rpcs = wait

"""Loading Pulumi's gRPC stubs without the SDK they ship in."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def load_alone() -> None:
    """Let ``pulumi.runtime.proto`` be imported without ``pulumi`` itself.

    For processes that speak the protocol and run no program: the SDK takes three times as long to import as
    the stubs. Only a process's main module may call this, since afterwards the SDK cannot be imported there.
    """
    if "pulumi" in sys.modules:
        return
    spec = importlib.util.find_spec("pulumi")
    if spec is None or spec.origin is None:
        return  # the import of the stubs will say what is missing
    root = Path(spec.origin).parent
    for name, folder in (("pulumi", root), ("pulumi.runtime", root / "runtime")):
        module = ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module

"""Files that settings are read from beside a stack's own, and what is said when they are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from settings import Settings

    Configure = Callable[[dict[str, str]], None]
    Load = Callable[..., Settings]

PINS = "kafka: example/kafka:8.1.2\nschemaRegistry: example/registry:8.1.2\nkafkaUi: example/ui:v1.4.2\n"
PINS += "loadBalancer: example/haproxy:3.0\n"

SITE = """\
imageSource: local
images:
  kafka: site/kafka:4.1.2-abc
  schemaRegistry: site/registry:3.3.3-abc
  console: site/console:0.1.0-abc
"""


def refusal(load: Load, **values: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        load(**values)
    return str(refused.value)

"""The production platform on the Pulumi CLI, under traffic: what is proved for the embedded engine elsewhere.

They are the same tests. Which engine deploys is all that differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import production as cluster
from tests.e2e.test_production_recovery import (
    test_a_broker_that_is_down_can_be_rolled_first,
    test_a_quorum_that_was_lost_comes_back_with_its_nodes,
    test_a_setting_that_breaks_brokers_breaks_one_and_is_mended,
    test_all_brokers_stopped_start_together,
)
from tests.e2e.test_production_roll import (
    other_image,
    test_a_broker_that_is_gone_with_its_data_is_rebuilt_from_its_peers,
    test_a_setting_that_kafka_changes_while_it_runs_restarts_nothing,
    test_another_image_rolls_through_all_brokers_unnoticed,
)
from tests.e2e.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.harness import Workspace

__all__ = [
    "other_image",
    "test_a_broker_that_is_down_can_be_rolled_first",
    "test_a_broker_that_is_gone_with_its_data_is_rebuilt_from_its_peers",
    "test_a_quorum_that_was_lost_comes_back_with_its_nodes",
    "test_a_setting_that_breaks_brokers_breaks_one_and_is_mended",
    "test_a_setting_that_kafka_changes_while_it_runs_restarts_nothing",
    "test_all_brokers_stopped_start_together",
    "test_another_image_rolls_through_all_brokers_unnoticed",
]
pytestmark = [pytest.mark.timeout(1200), pytest.mark.long, pytest.mark.in_order]


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A production platform that the CLI deploys, for all tests here."""
    with cluster.deployed(tmp_path_factory.mktemp("production"), engine="cli") as workspace:
        yield workspace


@pytest.fixture(scope="module")
def traffic(production: Workspace) -> Iterator[Traffic]:
    """A producer and a consumer that never stop."""
    with Traffic(production, cluster.bootstrap(production), list(cluster.BROKERS)) as running:
        yield running

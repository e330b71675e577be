"""The checkpoint file: the CLI's form, secrets sealed, strangers' members kept, damage refused."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DamagedState, WrongPassphrase
from engine.resource import Deployment, PendingOperation, Resource, Timeouts
from engine.state import checkpoint
from engine.values import SECRET, SIGNATURE, UNKNOWN, ResourceReference, Secret, flatten
from engine.workspace.passphrase import Passphrase

STACK_URN = "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev"
PROVIDER_URN = "urn:pulumi:dev::shop::pulumi:providers:kafka::default_3_13_3"
TOPIC_URN = "urn:pulumi:dev::shop::kafka:index/topic:Topic::orders"


@pytest.fixture(scope="module")
def passphrase() -> Passphrase:
    return Passphrase.create("correct horse")


def stack() -> Resource:
    return Resource(STACK_URN, "pulumi:pulumi:Stack", custom=False, outputs={"topic": "orders"})


def topic(**changes: Any) -> Resource:
    return Resource(
        TOPIC_URN,
        "kafka:index/topic:Topic",
        id="orders",
        parent=STACK_URN,
        provider=f"{PROVIDER_URN}::7f0e",
        inputs={"name": "orders", "password": Secret("hunter2")},
        outputs={"name": "orders", "cluster": ResourceReference(STACK_URN), "password": Secret({"a": [1]})},
        dependencies=[STACK_URN],
        property_dependencies={"name": [STACK_URN], "password": []},
        custom_timeouts=Timeouts(create=90),
        delete_before_replace=False,
        created="2026-01-02T03:04:05.678Z",
        extra={"sourcePosition": "project:///__main__.py#7,1"},
    ).copy(**changes)


def written(deployment: Deployment, passphrase: Passphrase) -> dict[str, Any]:
    text = checkpoint.encode(deployment, passphrase, stack="dev", project="shop")
    document: dict[str, Any] = json.loads(text)
    return document


def read(document: Any, passphrase: Passphrase, *, named: str = "shop/dev") -> Deployment:
    text = document if isinstance(document, str) else json.dumps(document)
    return checkpoint.decode(text, lambda _: passphrase, where="dev.json", named=named)


def test_a_state_is_read_back_as_it_was_written(passphrase: Passphrase) -> None:
    pending = PendingOperation(topic(id="", outputs={"name": UNKNOWN}), "creating")
    before = Deployment([stack(), topic()], [pending], passphrase.salt, {"metadata": {"later": 1}})

    assert read(written(before, passphrase), passphrase) == before


def test_the_document_has_the_clis_shape(passphrase: Passphrase) -> None:
    document = written(Deployment([stack(), topic()], salt=passphrase.salt), passphrase)

    latest = document["checkpoint"]["latest"]
    manifest = latest["manifest"]
    assert (document["version"], document["checkpoint"]["stack"]) == (3, "organization/shop/dev")
    assert manifest["magic"] == hashlib.sha256(manifest["version"].encode()).hexdigest()
    assert latest["secrets_providers"] == {"type": "passphrase", "state": {"salt": passphrase.salt}}
    record = latest["resources"][1]
    assert record["customTimeouts"] == {"create": 90, "update": 0, "delete": 0}
    assert record["propertyDependencies"] == {"name": [STACK_URN], "password": []}
    assert not {"protect", "delete", "initErrors", "pendingReplacement"} & set(record), (
        "what is not is left out"
    )


def test_secrets_are_sealed_json_under_the_clis_marks(passphrase: Passphrase) -> None:
    document = written(Deployment([stack(), topic()]), passphrase)

    sealed = document["checkpoint"]["latest"]["resources"][1]["outputs"]["password"]
    assert sealed[SIGNATURE] == SECRET
    assert set(sealed) == {SIGNATURE, "ciphertext"}
    assert json.loads(passphrase.decrypt(sealed["ciphertext"])) == {"a": [1]}
    assert "hunter2" not in json.dumps(document)


def test_an_unchanged_state_keeps_its_ciphertexts(passphrase: Passphrase) -> None:
    document = written(Deployment([stack(), topic()]), passphrase)
    other_run = Passphrase("correct horse", passphrase.salt)

    again = written(read(document, other_run), other_run)

    assert again["checkpoint"]["latest"]["resources"] == document["checkpoint"]["latest"]["resources"]


def test_members_that_a_newer_tool_wrote_stay(passphrase: Passphrase) -> None:
    document = written(Deployment([stack(), topic()]), passphrase)
    latest = document["checkpoint"]["latest"]
    latest["snippets"] = [{"uuid": "u"}]
    latest["resources"][1] |= {"taint": True, "hideDiff": [["a", 0]], "stackTrace": [{"sourcePosition": "x"}]}

    again = written(read(document, passphrase), passphrase)["checkpoint"]["latest"]

    assert again["snippets"] == [{"uuid": "u"}]
    assert again["resources"] == latest["resources"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5).filter(lambda key: key != SIGNATURE), inner, max_size=3)
    ),
    max_leaves=8,
)
secret_values = st.recursive(
    json_values,
    lambda inner: (
        st.builds(Secret, inner) | st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=8,
)


@given(value=secret_values)
def test_any_value_survives_being_sealed_and_opened(value: Any) -> None:
    sealed = checkpoint.to_json(value, lambda text: text[::-1])

    assert checkpoint.from_json(json.loads(json.dumps(sealed)), lambda text: text[::-1]) == flatten(value)


def test_an_export_with_secrets_shown_is_read_back_too() -> None:
    shown = checkpoint.to_json({"password": Secret("hunter2")}, None)

    assert shown["password"]["plaintext"] == '"hunter2"'
    assert checkpoint.from_json(shown, lambda _: pytest.fail("nothing is sealed")) == {
        "password": Secret("hunter2")
    }


@pytest.mark.parametrize("version", [0, 1, 2, 4, "3", None])
def test_another_version_is_refused_by_its_number(passphrase: Passphrase, version: Any) -> None:
    document = written(Deployment([stack()]), passphrase) | {"version": version}

    with pytest.raises(DamagedState, match=r"this engine reads version 3\. Use the tool that wrote it"):
        read(document, passphrase)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", '"x"', '{"version": 3}', '{"version": 3, "checkpoint": 7}']
)
def test_damaged_json_is_told_with_the_file_and_no_traceback(passphrase: Passphrase, text: str) -> None:
    with pytest.raises(DamagedState, match=r"dev\.json"):
        read(text, passphrase)


def test_json_cut_off_in_the_middle_names_the_backup(passphrase: Passphrase) -> None:
    text = checkpoint.encode(Deployment([stack()]), passphrase, stack="dev", project="shop")

    with pytest.raises(DamagedState, match=r"in dev\.json\.bak"):
        read(text[: len(text) // 2], passphrase)


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: record.pop("urn"),
        lambda record: record.pop("type"),
        lambda record: record.pop("custom"),
        lambda record: record.update(inputs=7),
        lambda record: record.update(outputs={"a": {SIGNATURE: SECRET}}),
        lambda record: record.update(outputs={"a": {SIGNATURE: "feedface"}}),
        lambda record: record.update(customTimeouts=[1]),
        lambda record: record.update(customTimeouts={"create": "x"}),
        lambda record: record.update(urn=5),
        lambda record: record.update(urn="urn:pulumi:dev::shop::kafka:index/topic:Topic:orders"),
        lambda record: record.update(type=5),
        lambda record: record.update(id=5),
        lambda record: record.update(custom="yes"),
        lambda record: record.update(protect="no"),
        lambda record: record.update(provider=5),
        lambda record: record.update(dependencies=STACK_URN),
        lambda record: record.update(dependencies=[5]),
        lambda record: record.update(propertyDependencies={"name": 5}),
        lambda record: record.update(ignoreChanges=5),
        lambda record: record.update(deleteBeforeReplace="no"),
        lambda record: record.update(outputs={"a": {SIGNATURE: SECRET, "plaintext": "new"}}),
        lambda record: record.update(outputs={"a": "\ud800"}),
        lambda record: record.update(outputs={"a": {SIGNATURE: SECRET, "plaintext": '"\\ud800"'}}),
    ],
)
def test_a_damaged_record_is_told_and_no_traceback(passphrase: Passphrase, damage: Any) -> None:
    document = written(Deployment([stack(), topic()]), passphrase)
    damage(document["checkpoint"]["latest"]["resources"][1])

    with pytest.raises(DamagedState):
        read(document, passphrase)


def test_a_property_that_depends_on_nothing_may_say_so_with_null(passphrase: Passphrase) -> None:
    document = written(Deployment([stack(), topic()]), passphrase)
    document["checkpoint"]["latest"]["resources"][1]["propertyDependencies"] = {"name": None}

    assert read(document, passphrase).resources[1].property_dependencies == {"name": []}


def test_half_a_letter_is_told_of_without_the_secrets_beside_it(passphrase: Passphrase) -> None:
    document = written(Deployment([stack(), topic()]), passphrase)
    outputs = {"a": "\ud800", "b": {SIGNATURE: SECRET, "plaintext": '"hunter2"'}}
    document["checkpoint"]["latest"]["resources"][1]["outputs"] = outputs

    with pytest.raises(DamagedState) as refused:
        read(document, passphrase)

    assert "hunter2" not in str(refused.value)


def test_letters_that_take_two_escapes_are_read(passphrase: Passphrase) -> None:
    document = written(Deployment([stack(), topic()]), passphrase)
    document["checkpoint"]["latest"]["resources"][1]["id"] = "\N{GRINNING FACE}"

    assert "\\ud83d" in json.dumps(document)
    assert read(document, passphrase).resources[1].id == "\N{GRINNING FACE}"


def test_a_manifest_changed_by_hand_is_noticed(passphrase: Passphrase) -> None:
    document = written(Deployment([stack()]), passphrase)
    document["checkpoint"]["latest"]["manifest"]["version"] = "v9.9.9"

    with pytest.raises(DamagedState, match="changed by hand"):
        read(document, passphrase)


def test_secrets_kept_elsewhere_are_refused_by_name(passphrase: Passphrase) -> None:
    document = written(Deployment([stack()]), passphrase)
    document["checkpoint"]["latest"]["secrets_providers"] = {"type": "cloud", "state": {}}

    with pytest.raises(DamagedState, match=r"'cloud'.*Use the Pulumi CLI"):
        read(document, passphrase)


@pytest.mark.parametrize("owner", ["organization/shop/prod", "organization/other/dev", "other/dev", "prod"])
def test_the_state_of_another_stack_or_project_is_refused(passphrase: Passphrase, owner: str) -> None:
    document = written(Deployment([stack()]), passphrase)
    document["checkpoint"]["stack"] = owner

    with pytest.raises(DamagedState, match=f"holds the state of {owner}, not of shop/dev"):
        read(document, passphrase)


@pytest.mark.parametrize("owner", ["organization/shop/dev", "shop/dev", "dev", ""])
def test_every_spelling_of_the_own_stack_is_accepted(passphrase: Passphrase, owner: str) -> None:
    document = written(Deployment([stack()]), passphrase)
    document["checkpoint"]["stack"] = owner

    assert read(document, passphrase).resources == [stack()]


def test_a_wrong_passphrase_is_told_and_secrets_stay_sealed(passphrase: Passphrase) -> None:
    document = written(Deployment([stack(), topic()]), passphrase)

    with pytest.raises(WrongPassphrase):
        read(document, Passphrase("battery staple", passphrase.salt))

"""What a report must not show, in every form in which a text may hold it."""

from __future__ import annotations

import pytest

from messaging.report.redact import Redactor

BACKEND = "s3://user:p%40ss-w0rd@bucket/states?endpoint=minio.example&token=abc"


def test_the_backends_address_is_hidden_whole_and_in_parts() -> None:
    redactor = Redactor({"SHARED_BACKEND": BACKEND})
    assert redactor.text(f"cannot open {BACKEND}: closed") == "cannot open ***: closed"
    assert redactor.text("no user p@ss-w0rd") == "no user ***"
    assert redactor.text("asked with endpoint=minio.example&token=abc") == "asked with ***"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgres://user:pw@db/x is closed", "postgres://***@db/x is closed"),
        ("'https://u:p/w?x@h/y?sig=z&a=b', or", "'https://***@h/y?***', or"),
        ("http://a:1 and http://u@h:2", "http://a:1 and http://***@h:2"),
        ("ask ada@example.org? Yes", "ask ada@example.org? Yes"),
        ("image@sha256:12 of http://h/x", "image@sha256:12 of http://h/x"),
    ],
)
def test_users_and_queries_of_every_address_are_hidden(given: str, shown: str) -> None:
    assert Redactor({}).text(given) == shown


@pytest.mark.parametrize(
    "name",
    [
        "PULUMI_ACCESS_TOKEN",
        "AWS_SECRET_ACCESS_KEY",
        "PGPASSWORD",
        "GOOGLE_CREDENTIALS",
        "API_KEY_2",
        "npm_auth",
    ],
)
def test_tokens_and_passwords_of_the_environment_are_hidden(name: str) -> None:
    assert Redactor({name: 'a"b c-d+e'}).text('got a"b c-d+e, a\\"b c-d+e and a%22b%20c-d%2Be') == (
        "got ***, *** and ***"
    )


def test_each_line_of_a_key_is_hidden() -> None:
    assert Redactor({"SSH_KEY": "-----BEGIN\nabcdefgh\n-\n"}).text("a - abcdefgh") == "a - ***"


def test_a_short_passphrase_is_hidden_as_a_word() -> None:
    redactor = Redactor({"PULUMI_CONFIG_PASSPHRASE": "ab"})
    assert redactor.text("about 'ab' or ab") == "about '***' or ***"


@pytest.mark.parametrize(
    "environment",
    [
        {"PULUMI_CONFIG_PASSPHRASE": ""},
        {"GIT_AUTHOR_NAME": "Ada Lovelace", "PWD": "approved by", "USE_TOKEN": "true"},
    ],
)
def test_what_is_no_secret_stays(environment: dict[str, str]) -> None:
    assert Redactor(environment).text("true: approved by Ada Lovelace") == "true: approved by Ada Lovelace"

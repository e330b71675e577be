"""A secret is found in every place and by every name; what only looks like one passes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policies.judging import CONTAINER, NETWORK, VOLUME, judged
from tests.policies.test_other_words import given, said_of, started

SECRET = "no-secret-in-sight"


@pytest.mark.parametrize(
    ("props", "says"),
    [
        (
            said_of("KAFKA_SSL_KEYSTORE_PASSWORD=/x8Fk29sLq=="),
            "variable KAFKA_SSL_KEYSTORE_PASSWORD is named",
        ),
        (said_of("SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO=admin:x"), "USER_INFO is named like a secret"),
        (said_of("PGPASS=x"), "PGPASS is named like a secret"),
        (said_of("DB_PASS=x"), "DB_PASS is named like a secret"),
        (said_of("DBPASSWORD=x"), "DBPASSWORD is named like a secret"),
        (said_of("AUTHTOKEN=x"), "AUTHTOKEN is named like a secret"),
        (said_of("DB_PASSWORD_1=x"), "DB_PASSWORD_1 is named like a secret"),
        (said_of("PWD=hunter2"), "PWD is named like a secret"),
        (said_of("DB_PASSWORD=1234"), "DB_PASSWORD is named like a secret"),
        (said_of("DB_PASS=123456"), "DB_PASS is named like a secret"),
        (said_of("DB_PASSWORD_DEFAULT=hunter2"), "DB_PASSWORD_DEFAULT is named like a secret"),
        (said_of("API_TOKEN=12345678"), "API_TOKEN is named like a secret"),
        (
            said_of("KAFKA_CONFIG_PROVIDERS_VAULT_PARAM_TOKEN=x"),
            "KAFKA_CONFIG_PROVIDERS_VAULT_PARAM_TOKEN is named like a secret",
        ),
        (
            said_of("KAFKA_OPTS=-Dconfig.providers.vault.param.token=x"),
            "holds the value of Dconfig.providers.vault.param.token",
        ),
        (
            said_of("KAFKA_JAAS=x required username=a,password='/x';"),
            "KAFKA_JAAS holds the value of password",
        ),
        (said_of('SETTINGS={"user": "a", "password": "x"}'), "SETTINGS holds the value of password"),
        (said_of("JAVA_OPTS=-Dssl.keyStorePassword=x"), "holds the value of Dssl.keyStorePassword"),
        (said_of("OPTIONS=--secret=${file:/x:y}hunter2 --token x"), "OPTIONS holds the value of token"),
        (started("--password", "hunter2"), "the command's word 4 holds the value of password"),
        (started("--password=hunter2"), "the command's word 4 holds the value of password"),
        (
            given(entrypoints=["sh", "-c", "export DB_PASSWORD=hunter2; exec x"]),
            "the entry point's word 3 holds the value of DB_PASSWORD",
        ),
        (given(entrypoints=["env", "TOKEN=x"]), "the entry point's word 2 holds the value of TOKEN"),
        (given(entrypoints=["tool --api-key abc"]), "the entry point's word 1 holds the value of api-key"),
        (
            given(healthcheck={"tests": ["CMD", "ask", "--password", "hunter2"]}),
            "the health check's word 3 holds the value of password",
        ),
        (
            given(healthcheck={"tests": ["CMD-SHELL", "ask http://a:b@localhost"]}),
            "the health check's word 2 holds a password in an address",
        ),
        (given(logOpts={"splunk-token": "x"}), "the log option splunk-token is named like a secret"),
    ],
)
def test_a_secret_in_another_place_or_by_another_name(props: dict[str, Any], says: str) -> None:
    (said,) = judged(SECRET, CONTAINER, props)

    assert says in said
    assert "hunter2" not in said


@pytest.mark.parametrize("kind", [VOLUME, NETWORK])
def test_a_secret_among_a_drivers_options(kind: str) -> None:
    key = {VOLUME: "driverOpts", NETWORK: "options"}[kind]
    (said,) = judged(SECRET, kind, {"name": "data", key: {"o": "username=a,password=x"}})
    assert "the option o holds the value of password" in said


@pytest.mark.parametrize(
    "entry",
    [
        "DB_PASSWORD_FILE=/run/secrets/db",
        "KAFKA_SSL_KEYSTORE_LOCATION=/etc/kafka/secrets/keystore.p12",
        "KAFKA_SSL_KEYSTORE_CREDENTIALS=keystore_credentials",
        "SECRETS_DIR=/run/secrets",
        "SECRETS_ROOT=/run/secrets",
        "KAFKA_CONFIG_PROVIDERS=secrets",
        "KAFKA_CONFIG_PROVIDERS_SECRETS_PARAM_ROOT=/run/secrets",
        "KAFKA_CONFIG_PROVIDERS_MY__SECRETS_PARAM_ROOT=/run/secrets",
        "KAFKA_OPTS=-Dconfig.providers.secrets.param.root=/run/secrets",
        "KAFKA_RSM_CONFIG_FETCH_CHUNK_PASS=3",
        "KAFKA_RSM_CONFIG_URL=https://x?maxtokens=4096",
        "KAFKA_RSM_CONFIG_STORAGE_GCS_CREDENTIALS_DEFAULT=true",
        "KAFKA_RSM_CONFIG_STORAGE_GCS_CREDENTIALS_DEFAULT=FALSE",
        "PASSWORD_COUNT=12",
        "TOKEN_PATH=/run/secrets/token",
        "BASIC_AUTH_CREDENTIALS_SOURCE=USER_INFO",
        "KAFKA_DELEGATION_TOKEN_EXPIRY_TIME_MS=86400000",
        "KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL=https://login.example.org/token",
        "COMPASS=x",
        "PROXY_BYPASS=localhost",
        "PWD=/srv",
        "TOKENIZER=x",
        "JAVA_OPTS=-Dpassword.file=/run/secrets/x --password-file /run/secrets/x",
        "SCRIPT=password=$(cat /run/secrets/x); ask --password $password",
        "EMPTY=password=''",
    ],
)
def test_what_only_looks_like_a_secret_passes(entry: str) -> None:
    assert judged(SECRET, CONTAINER, said_of(entry)) == []

"""What the environment means to the console, and what it says about an environment that it cannot use."""

from pathlib import Path

import pytest

from messaging.console.cluster import client_settings
from messaging.console.settings import SettingsError, from_environment, jaas_credentials

ONE = {"KAFKA_CLUSTERS_0_NAME": "dev", "KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS": "kafka-dev:9092"}
JAAS = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="ui" password="s3cret";'


def faults(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        from_environment(environment)
    return caught.value.faults


def test_the_names_of_kafka_ui_configure_a_cluster_with_its_registry() -> None:
    settings = from_environment(
        ONE
        | {
            "KAFKA_CLUSTERS_0_SCHEMAREGISTRY": "http://schema-registry-dev:8081/",
            "KAFKA_CLUSTERS_0_SCHEMAREGISTRYAUTH_USERNAME": "reader",
            "KAFKA_CLUSTERS_0_SCHEMAREGISTRYAUTH_PASSWORD": "pw",
            "SERVER_PORT": "9000",
            "SERVER_SERVLET_CONTEXT_PATH": "/kafka-ui",
        }
    )
    (cluster,) = settings.clusters
    assert (cluster.name, cluster.bootstrap, cluster.protocol) == ("dev", "kafka-dev:9092", "PLAINTEXT")
    assert cluster.registry is not None
    assert cluster.registry.url == "http://schema-registry-dev:8081"
    assert (cluster.registry.username, cluster.registry.password) == ("reader", "pw")
    assert (settings.port, settings.context_path) == (9000, "/kafka-ui")


def test_clusters_come_in_the_order_of_their_index() -> None:
    settings = from_environment(
        {f"KAFKA_CLUSTERS_{index}_NAME": f"c{index}" for index in (10, 2)}
        | {f"KAFKA_CLUSTERS_{index}_BOOTSTRAPSERVERS": "k:9092" for index in (10, 2)}
    )
    assert [cluster.name for cluster in settings.clusters] == ["c2", "c10"]


def test_an_empty_value_counts_as_an_absent_one() -> None:
    settings = from_environment(ONE | {"SERVER_PORT": "", "KAFKA_CLUSTERS_0_SCHEMAREGISTRY": " "})
    assert settings.port == 8080
    assert settings.clusters[0].registry is None


def test_names_that_mean_nothing_here_are_listed_as_ignored() -> None:
    settings = from_environment(ONE | {"KAFKA_CLUSTERS_0_METRICS_PORT": "9404", "PATH": "/bin"})
    assert settings.ignored == ("KAFKA_CLUSTERS_0_METRICS_PORT",)


def test_sasl_user_and_password_are_taken_from_the_jaas_line() -> None:
    settings = from_environment(
        ONE
        | {
            "KAFKA_CLUSTERS_0_PROPERTIES_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_CLUSTERS_0_PROPERTIES_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_CLUSTERS_0_PROPERTIES_SASL_JAAS_CONFIG": JAAS,
        }
    )
    client = client_settings(settings.clusters[0])
    assert client["security.protocol"] == "SASL_PLAINTEXT"
    assert client["sasl.mechanism"] == "SCRAM-SHA-512"
    assert (client["sasl.username"], client["sasl.password"]) == ("ui", "s3cret")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (JAAS, ("ui", "s3cret")),
        ("X required username='a' password='b;c=d';", ("a", "b;c=d")),
        (r'X required username="a" password="q\"uo\\te";', ("a", 'q"uo\\te')),
        ("X required password=p username=u;", ("u", "p")),
        ('X required username="a";', None),
        ('X required username="a" password="";', None),
        ("", None),
    ],
)
def test_a_jaas_line_is_read_as_java_reads_it(text: str, expected: tuple[str, str] | None) -> None:
    assert jaas_credentials(text) == expected


def test_a_pem_file_of_authorities_is_used_for_kafka_and_registry(tmp_path: Path) -> None:
    pem = tmp_path / "ca.pem"
    pem.write_text("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
    (cluster,) = from_environment(
        ONE
        | {
            "KAFKA_CLUSTERS_0_PROPERTIES_SECURITY_PROTOCOL": "SSL",
            "KAFKA_CLUSTERS_0_PROPERTIES_SSL_TRUSTSTORE_LOCATION": str(pem),
            "KAFKA_CLUSTERS_0_SCHEMAREGISTRY": "https://registry:8081",
        }
    ).clusters
    assert client_settings(cluster)["ssl.ca.location"] == str(pem)
    assert cluster.registry is not None
    assert cluster.registry.ca_file == str(pem)


def test_a_java_keystore_is_refused_with_the_reason(tmp_path: Path) -> None:
    store = tmp_path / "truststore.jks"
    store.write_bytes(b"\xfe\xed\xfe\xed")
    (fault,) = faults(ONE | {"KAFKA_CLUSTERS_0_PROPERTIES_SSL_TRUSTSTORE_LOCATION": str(store)})
    assert "holds no PEM certificate" in fault


def test_without_a_cluster_the_console_says_what_to_set() -> None:
    assert faults({}) == [
        "no cluster is configured: set KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS, for example to kafka-dev:9092"
    ]


def test_all_faults_are_told_at_once_and_no_password_with_them() -> None:
    told = faults(
        {
            "KAFKA_CLUSTERS_0_NAME": "a/b",
            "KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS": "PLAINTEXT://kafka:9092,kafka:99999",
            "KAFKA_CLUSTERS_0_SCHEMAREGISTRY": "http://user:hunter2@registry:8081",
            "KAFKA_CLUSTERS_0_SCHEMAREGISTRYAUTH_PASSWORD": "hunter2",
            "KAFKA_CLUSTERS_0_PROPERTIES_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_CLUSTERS_0_PROPERTIES_SASL_MECHANISM": "GSSAPI",
            "KAFKA_CLUSTERS_0_PROPERTIES_SASL_JAAS_CONFIG": 'X required password="hunter2";',
            "KAFKA_CLUSTERS_0_PROPERTIES_SSL_TRUSTSTORE_LOCATION": "/nowhere/ca.pem",
            "SERVER_PORT": "70000",
            "SERVER_SERVLET_CONTEXT_PATH": "ui/",
        }
    )
    starts = [fault.split()[0] for fault in told]
    assert starts == [
        "KAFKA_CLUSTERS_0_PROPERTIES_SASL_MECHANISM",
        "KAFKA_CLUSTERS_0_PROPERTIES_SASL_JAAS_CONFIG",
        "KAFKA_CLUSTERS_0_PROPERTIES_SSL_TRUSTSTORE_LOCATION",
        "KAFKA_CLUSTERS_0_NAME",
        "KAFKA_CLUSTERS_0_BOOTSTRAPSERVERS",
        "KAFKA_CLUSTERS_0_SCHEMAREGISTRYAUTH_USERNAME",
        "KAFKA_CLUSTERS_0_SCHEMAREGISTRY",
        "SERVER_PORT",
        "SERVER_SERVLET_CONTEXT_PATH",
    ]
    assert "hunter2" not in "\n".join(told)


def test_two_clusters_of_one_name_are_refused() -> None:
    (fault,) = faults(
        ONE | {"KAFKA_CLUSTERS_1_NAME": "dev", "KAFKA_CLUSTERS_1_BOOTSTRAPSERVERS": "other:9092"}
    )
    assert fault.startswith("2 clusters are named 'dev'")


def test_settings_do_not_show_their_passwords() -> None:
    settings = from_environment(
        ONE
        | {
            "KAFKA_CLUSTERS_0_PROPERTIES_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_CLUSTERS_0_PROPERTIES_SASL_MECHANISM": "PLAIN",
            "KAFKA_CLUSTERS_0_PROPERTIES_SASL_JAAS_CONFIG": JAAS,
            "KAFKA_CLUSTERS_0_SCHEMAREGISTRY": "http://registry:8081",
            "KAFKA_CLUSTERS_0_SCHEMAREGISTRYAUTH_USERNAME": "reader",
            "KAFKA_CLUSTERS_0_SCHEMAREGISTRYAUTH_PASSWORD": "hunter2",
        }
    )
    assert "s3cret" not in repr(settings)
    assert "hunter2" not in repr(settings)

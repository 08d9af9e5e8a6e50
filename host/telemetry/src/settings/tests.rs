//! What the variables mean, and that nonsense in one is a mistake that names it.

use std::os::unix::ffi::OsStringExt as _;

use super::*;

fn read(set: &[(&'static str, &str)]) -> Result<Option<Settings>, Vec<Mistake>> {
    let lookup = |name: &'static str| {
        let found = set.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    };
    Settings::read(lookup).map_err(|error| match error {
        ConfigError::Variables(mistakes) => mistakes,
        ConfigError::Thread(error) => panic!("{error}"),
    })
}

fn some(set: &[(&'static str, &str)]) -> Settings {
    read(set).unwrap().unwrap()
}

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

#[test]
fn nothing_is_exported_unless_an_endpoint_or_the_exporter_is_named() {
    for set in [
        &[][..],
        &[
            ("OTEL_SERVICE_NAME", "x"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "never"),
        ],
        &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
        &[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")],
        &[
            ("OTEL_SDK_DISABLED", "true"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense"),
        ],
        &[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")],
    ] {
        assert_eq!(read(set), Ok(None), "{set:?}");
    }
    assert!(
        read(&[ENDPOINT, ("OTEL_SDK_DISABLED", "false")])
            .unwrap()
            .is_some()
    );
    assert_eq!(
        some(&[("OTEL_TRACES_EXPORTER", "otlp")]).endpoint,
        DEFAULT_ENDPOINT
    );
}

#[test]
fn an_endpoint_alone_has_the_defaults_of_the_specification() {
    let settings = some(&[ENDPOINT]);
    assert_eq!(settings.endpoint, "http://127.0.0.1:4318/v1/traces");
    assert_eq!(settings.protocol, Protocol::Protobuf);
    assert_eq!(settings.timeout, Duration::from_secs(10));
    assert_eq!(settings.headers, []);
    assert_eq!(settings.resource["service.name"], "remit");
    assert_eq!(
        settings.resource["service.version"],
        env!("CARGO_PKG_VERSION")
    );
}

#[test]
fn a_variable_for_traces_counts_more_than_one_for_everything() {
    let settings = some(&[
        ENDPOINT,
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://[::1]:9/a/b?c=d",
        ),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "250"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "b=2"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
    ]);
    assert_eq!(settings.endpoint, "http://[::1]:9/a/b?c=d");
    assert_eq!(settings.protocol, Protocol::Json);
    assert_eq!(settings.timeout, Duration::from_millis(250));
    let names: Vec<&str> = settings
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(names, ["b"]);
}

#[test]
fn a_base_may_end_with_a_slash_or_a_path() {
    for (base, whole) in [
        ("http://h:1/", "http://h:1/v1/traces"),
        ("http://h", "http://h/v1/traces"),
        (" http://h/otel/ ", "http://h/otel/v1/traces"),
    ] {
        assert_eq!(
            some(&[("OTEL_EXPORTER_OTLP_ENDPOINT", base)]).endpoint,
            whole
        );
    }
}

#[test]
fn lists_are_decoded_and_the_service_name_has_a_variable_of_its_own() {
    let settings = some(&[
        ENDPOINT,
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "x-key = a%2Cb%3D , authorization=Basic%20eA==,",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.name=other,team=%C3%A4,empty=",
        ),
        ("OTEL_SERVICE_NAME", "builds"),
    ]);
    let headers: Vec<(&str, &str)> = settings
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    assert_eq!(
        headers,
        [("x-key", "a,b="), ("authorization", "Basic eA==")]
    );
    assert_eq!(settings.resource["service.name"], "builds");
    assert_eq!(settings.resource["team"], "ä");
    assert_eq!(settings.resource["empty"], "");
    let alone = some(&[ENDPOINT, ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other")]);
    assert_eq!(alone.resource["service.name"], "other");
}

/// Each of these is one mistake, which names its variable and says the word.
fn refused(variable: &'static str, cases: &[(&str, &str)]) {
    for (value, word) in cases {
        let mistakes = read(&[(variable, value), ENDPOINT]).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{variable}={value}: {mistakes:?}");
        assert_eq!(mistakes[0].variable, variable);
        let said = mistakes[0].to_string();
        assert!(said.starts_with(variable) && said.contains(word), "{said}");
    }
}

#[test]
fn an_endpoint_that_is_nonsense_is_a_mistake_that_names_its_variable() {
    let cases = [
        ("localhost:4318", "http://"),
        ("/v1", "http://"),
        ("http://", "URL"),
        ("http://a b", "URL"),
        ("http://h:port", "`port` is not a port"),
        ("http://[::1]:", "`` is not a port"),
        ("http://h:65536", "`65536` is not a port"),
        ("ftp://h", "http://"),
        ("https://h", "https is not built in"),
    ];
    refused("OTEL_EXPORTER_OTLP_ENDPOINT", &cases);
    refused("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &cases);
    let query = ("http://h?x=y", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    refused("OTEL_EXPORTER_OTLP_ENDPOINT", &[query]);
}

#[test]
fn a_list_that_is_nonsense_is_a_mistake_that_names_its_variable() {
    let many: Vec<String> = (0..=MAX_HEADERS).map(|n| format!("h{n}=x")).collect();
    let cases = [
        ("a", "entry 1"),
        ("a=1,=2", "entry 2"),
        ("a b=1", "entry 1"),
        ("a=%0A", "entry 1"),
        ("a=%ff", "entry 1"),
        ("Content-Type=text/plain", "`content-type`"),
        (&many.join(","), "more than 32"),
    ];
    refused("OTEL_EXPORTER_OTLP_HEADERS", &cases);
    refused("OTEL_EXPORTER_OTLP_TRACES_HEADERS", &cases);
    refused(
        "OTEL_RESOURCE_ATTRIBUTES",
        &[("x", "entry 1"), ("a=%ff", "entry 1")],
    );
}

#[test]
fn other_nonsense_is_a_mistake_that_names_its_variable() {
    let long = "a".repeat(MAX_VARIABLE + 1);
    let protocols = [
        ("grpc", "`http/protobuf` or `http/json`"),
        ("json", "`http/json`"),
    ];
    refused("OTEL_EXPORTER_OTLP_PROTOCOL", &protocols);
    refused("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", &protocols);
    refused("OTEL_EXPORTER_OTLP_COMPRESSION", &[("gzip", "`none`")]);
    let times = ["10s", "0", "-1", "600001"].map(|time| (time, "milliseconds"));
    refused("OTEL_EXPORTER_OTLP_TIMEOUT", &times);
    refused("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", &times);
    refused("OTEL_SERVICE_NAME", &[(&long, "16385 bytes")]);
    refused("OTEL_SDK_DISABLED", &[("yes", "`true` or `false`")]);
    refused(
        "OTEL_TRACES_EXPORTER",
        &[("console,otlp", "`otlp` or `none`")],
    );
}

#[test]
fn all_mistakes_are_shown_at_once() {
    let mistakes = read(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nowhere"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "x"),
        ("OTEL_SDK_DISABLED", "maybe"),
    ])
    .unwrap_err();
    let named: Vec<&str> = mistakes.iter().map(|mistake| mistake.variable).collect();
    assert_eq!(
        named,
        [
            "OTEL_SDK_DISABLED",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
        ]
    );
    let said = ConfigError::Variables(mistakes).to_string();
    assert_eq!(said.lines().count(), 4);
}

#[test]
fn no_message_shows_a_secret() {
    let mut said = String::new();
    for value in [
        "hush",
        "authorization hush=x",
        "authorization=hush%0A",
        "hush=%ff",
    ] {
        said += &format!(
            "{:?}",
            read(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", value)])
        );
    }
    let url = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hush@h:1");
    said += &format!("{:?}", read(&[url]).unwrap_err());
    let good = some(&[
        ENDPOINT,
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=hush"),
    ]);
    said += &format!("{good:?}");
    assert!(
        said.contains("authorization") && !said.contains("hush"),
        "{said}"
    );
}

#[test]
fn bytes_that_are_no_text_are_a_mistake() {
    let lookup = |name: &'static str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(OsString::from("http://h")),
        "OTEL_SERVICE_NAME" => Some(OsString::from_vec(vec![0xff])),
        _ => None,
    };
    let said = Settings::read(lookup).unwrap_err().to_string();
    assert_eq!(
        said,
        "OTEL_SERVICE_NAME: it is not UTF-8; write it in UTF-8"
    );
}

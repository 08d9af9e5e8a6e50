//! HTTP requests of a plugin: the adapter `http` against real servers on this machine, through the
//! real sandbox. What is granted is answered, what is not is denied at each hop, and what comes back
//! broken, late or without end stays within its limits.
//!
//! Never: a connection beyond this machine.

use serde_json::{Value, json};

use crate::home::{Home, finish};
use crate::server::{nobody, server};

/// What a request came to.
struct Ended {
    code: Option<i32>,
    events: Vec<Value>,
}

impl Ended {
    fn one(&self, word: &str) -> &Value {
        let mut found = self.events.iter().filter(|event| event["type"] == word);
        let one = found.next();
        one.unwrap_or_else(|| panic!("no {word} in {:#?}", self.events))
    }

    fn all(&self, word: &str) -> Vec<&Value> {
        let all = self.events.iter();
        all.filter(|event| event["type"] == word).collect()
    }

    /// The adapter's report.
    fn report(&self) -> &Value {
        let report = &self.one("run-finished")["outcome"]["outputs"];
        assert!(report.is_object(), "{:#?}", self.events.last());
        report
    }
}

/// The origin of a server on this machine.
fn at(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Sends one request with these origins allowed.
fn send(home: &Home, origins: &[&str], inputs: &Value) -> Ended {
    let mut command = home.remit(&["run", "http", "--json", "--input-file", "-"]);
    command.args(["--allow-read", "--allow-write"]);
    for origin in origins {
        command.arg(format!("--allow-net={origin}"));
    }
    let output = finish(command, &inputs.to_string());
    Ended {
        code: output.status.code(),
        events: crate::check::events(&String::from_utf8_lossy(&output.stdout)).unwrap(),
    }
}

#[test]
fn a_granted_origin_answers_and_everything_is_on_record() {
    let (home, origin) = (Home::new(), at(server()));
    let url = format!("{origin}/hello?key=query-canary");
    let headers = json!({"X-Token": "header-canary", "Accept": "text/plain"});
    let inputs = json!({"url": url, "headers": headers});
    let ended = send(&home, &[&origin], &inputs);
    assert_eq!(ended.code, Some(0), "{:#?}", ended.events);
    let report = ended.report();
    assert_eq!(report["success"], true, "{report:#}");
    let said = report["output"].as_str().unwrap();
    assert!(said.contains("x-token: header-canary"), "{said}");
    assert!(said.contains(&format!("host: {}", &origin[7..])), "{said}");
    assert_eq!(report["details"]["status"], 200);
    assert_eq!(report["details"]["final_url"], url);
    assert_eq!(report["details"]["hops"], 0);
    let asked = ended.one("http-requested");
    assert_eq!(asked["origin"], origin);
    assert_eq!(
        (&asked["method"], &asked["path"]),
        (&json!("GET"), &json!("/hello"))
    );
    let finished = ended.one("http-finished");
    assert_eq!(finished["status"], 200);
    assert_eq!(finished["received"], said.len());
    for event in [asked, finished] {
        assert!(!event.to_string().contains("canary"), "{event}");
    }
    let shown = finish(home.remit(&["audit", "show"]), "");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains(&format!("GET {origin}/hello")), "{shown}");
    assert!(shown.contains("200, 0 bytes sent"), "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn what_is_not_granted_is_denied_with_the_line_that_would_allow_it() {
    let (home, server) = (Home::new(), server());
    let origin = at(server);
    let other = at(nobody());
    for (origins, url) in [
        (&[][..], format!("{origin}/")),
        (&[other.as_str()][..], format!("{origin}/")),
        // The same place under another name is another origin.
        (
            &[origin.as_str()][..],
            format!("http://localhost:{server}/"),
        ),
        (
            &[origin.as_str()][..],
            format!("https://127.0.0.1:{server}/"),
        ),
    ] {
        let ended = send(&home, origins, &json!({"url": url}));
        assert_eq!(ended.code, Some(3), "{url}: {:#?}", ended.events);
        let denial = &ended.one("denied")["denial"];
        let wanted = url.trim_end_matches('/');
        assert_eq!(denial["capability"], "net");
        assert_eq!(denial["scope"], wanted);
        let line = format!("plugins.http.net = [\"{wanted}\"]");
        assert_eq!(denial["fix"]["line"], line);
        assert_eq!(denial["fix"]["flag"], format!("--allow-net={wanted}"));
        assert!(ended.all("http-requested").is_empty());
    }
    // Another way to write an address is the same address.
    let port = server;
    let ended = send(
        &home,
        &[&origin],
        &json!({"url": format!("http://2130706433:{port}/hello")}),
    );
    assert_eq!(ended.code, Some(0), "{:#?}", ended.events);
}

#[test]
fn a_deny_rule_beats_what_is_allowed() {
    let (home, origin) = (Home::new(), at(server()));
    let policy = format!("format = 1\n[plugins.http]\ndeny-net = [\"{origin}\"]\n");
    std::fs::write(home.path("policy.toml"), policy).unwrap();
    let mut command = home.remit(&["run", "http", "--json", "--input-file", "-", "--policy"]);
    command
        .arg(home.path("policy.toml"))
        .arg(format!("--allow-net={origin}"));
    let output = finish(command, &json!({"url": format!("{origin}/")}).to_string());
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("forbidden"), "{said}");
}

#[test]
fn every_redirect_is_asked_about_and_credentials_stay_behind() {
    let (home, one, other) = (Home::new(), at(server()), at(server()));
    let headers =
        json!({"Authorization": "Bearer canary-a", "X-Token": "canary-b", "Accept": "a/b"});
    let request = |to: &str| json!({"url": format!("{one}/to?{to}"), "headers": headers});
    let there = format!("{other}/hello");

    let ended = send(&home, &[&one], &request(&there));
    assert_eq!(ended.code, Some(3), "{:#?}", ended.events);
    assert_eq!(ended.one("denied")["denial"]["scope"], other);
    assert_eq!(ended.one("http-finished")["code"], "denied");
    assert_eq!(ended.all("http-requested").len(), 1);

    let ended = send(&home, &[&one, &other], &request(&there));
    assert_eq!(ended.code, Some(0), "{:#?}", ended.events);
    let report = ended.report();
    assert_eq!(report["details"]["hops"], 1);
    assert_eq!(report["details"]["final_url"], there);
    let said = report["output"].as_str().unwrap();
    assert!(
        said.contains("accept: a/b") && !said.contains("canary"),
        "{said}"
    );
    let hops: Vec<&Value> = ended.all("http-requested");
    assert_eq!(hops.len(), 2);
    assert_eq!(
        (&hops[1]["origin"], &hops[1]["hop"]),
        (&json!(other), &json!(1))
    );

    // Within one origin they go on.
    let ended = send(&home, &[&one], &request("/hello"));
    let said = ended.report()["output"].as_str().unwrap();
    assert!(
        said.contains("canary-a") && said.contains("canary-b"),
        "{said}"
    );
}

#[test]
fn redirects_end() {
    let (home, origin) = (Home::new(), at(server()));
    let round = format!("{origin}/to?/to?/hello");
    let ended = send(
        &home,
        &[&origin],
        &json!({"url": round, "max_redirects": 1}),
    );
    assert_eq!(ended.code, Some(1), "{:#?}", ended.events);
    let outcome = &ended.one("run-finished")["outcome"];
    assert_eq!(outcome["code"], "too-many-redirects", "{outcome}");
    let inputs = json!({"url": round, "max_redirects": 0, "expect_status": "3xx"});
    let ended = send(&home, &[&origin], &inputs);
    assert_eq!(ended.report()["details"]["status"], 307);
    let nowhere = json!({"url": format!("{origin}/to?gopher://x/")});
    let ended = send(&home, &[&origin], &nowhere);
    assert_eq!(
        ended.one("run-finished")["outcome"]["code"],
        "broken-response"
    );
}

#[test]
fn success_is_what_was_expected() {
    let (home, origin) = (Home::new(), at(server()));
    for (status, expected, success) in [
        (204, json!("2xx"), true),
        (404, json!("2xx"), false),
        (404, json!([200, 404]), true),
        (503, json!(["2xx", "4xx"]), false),
    ] {
        let url = format!("{origin}/status?{status}");
        let ended = send(
            &home,
            &[&origin],
            &json!({"url": url, "expect_status": expected}),
        );
        let report = ended.report();
        assert_eq!(
            report["success"], success,
            "{status} {expected}: {report:#}"
        );
        assert_eq!(report["details"]["status"], status);
        if status != 204 {
            assert_eq!(report["details"]["headers"]["x-a"], json!(["1", "2"]));
            assert_eq!(report["output"], "said");
        }
    }
}

#[test]
fn bodies_come_from_files_and_go_into_files() {
    let (home, origin) = (Home::new(), at(server()));
    let url = format!("{origin}/echo");
    std::fs::write(home.workspace().join("sent.txt"), "from a file").unwrap();
    let inputs =
        json!({"url": url, "method": "POST", "body_file": "sent.txt", "save_to": "got/it.txt"});
    let ended = send(&home, &[&origin], &inputs);
    assert_eq!(ended.code, Some(0), "{:#?}", ended.events);
    let got = std::fs::read_to_string(home.workspace().join("got/it.txt")).unwrap();
    assert_eq!(got, "from a file");
    assert_eq!(ended.report()["details"]["saved_to"], "got/it.txt");
    assert_eq!(ended.one("http-finished")["sent"], 11);
    let json_body = json!({"url": url, "method": "PUT", "body": {"a": [1]}});
    let ended = send(&home, &[&origin], &json_body);
    assert_eq!(ended.report()["output"], "{\"a\":[1]}");
    let missing = json!({"url": url, "method": "POST", "body_file": "nothing"});
    assert_eq!(send(&home, &[&origin], &missing).code, Some(2));
}

#[test]
fn answers_that_are_late_endless_or_none_stay_within_their_limits() {
    let (home, origin) = (Home::new(), at(server()));
    let ask = |inputs: Value| send(&home, &[&origin], &inputs);
    let url = |path: &str| format!("{origin}{path}");

    let late = ask(json!({"url": url("/silent"), "timeout_ms": 200}));
    assert_eq!(late.code, Some(7), "{:#?}", late.events);
    assert_eq!(late.one("http-finished")["code"], "timed-out");

    let endless = ask(json!({"url": url("/endless"), "max_body": 1000}));
    let details = &endless.report()["details"];
    assert_eq!(
        (&details["bytes"], &details["truncated"]),
        (&json!(1000), &json!(true))
    );

    let saved = json!({"url": url("/endless"), "max_body": 1000, "save_to": "all"});
    let saved = ask(saved);
    assert_eq!(saved.report()["success"], false);
    assert!(!home.workspace().join("all").exists());

    for path in ["/garbage", "/early"] {
        let broken = ask(json!({"url": url(path)}));
        let outcome = &broken.one("run-finished")["outcome"];
        assert_eq!(outcome["code"], "broken-response", "{path}: {outcome}");
    }

    let gone = at(nobody());
    let gone = send(&home, &[&gone], &json!({"url": gone}));
    let outcome = &gone.one("run-finished")["outcome"];
    assert_eq!(outcome["code"], "unreachable", "{outcome}");
    // What speaks no TLS is nobody.
    let tls = origin.replace("http://", "https://");
    let tls = send(&home, &[&tls], &json!({"url": tls}));
    let outcome = &tls.one("run-finished")["outcome"];
    assert_eq!(outcome["code"], "unreachable", "{outcome}");
}

#[test]
fn a_request_that_could_be_more_than_one_is_refused() {
    let (home, origin) = (Home::new(), at(server()));
    for inputs in [
        json!({"url": origin, "headers": {"host": "elsewhere"}}),
        json!({"url": origin, "headers": {"content-length": "5"}}),
        json!({"url": origin, "headers": {"transfer-encoding": "chunked"}}),
        json!({"url": origin, "headers": {"a": "b\r\nc: d"}}),
        json!({"url": origin, "headers": {"a b": "c"}}),
        json!({"url": format!("{origin}/a b")}),
        json!({"url": "http://user:word@127.0.0.1/"}),
        json!({"url": "file:///etc/passwd"}),
        json!({"url": origin, "method": "CONNECT"}),
        json!({"url": origin, "body": "for nobody"}),
    ] {
        let ended = send(&home, &[&origin], &inputs);
        assert_eq!(ended.code, Some(2), "{inputs}: {:#?}", ended.events);
        assert!(ended.all("http-requested").is_empty(), "{inputs}");
    }
}

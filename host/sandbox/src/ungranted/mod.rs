//! Every function that a guest can import, called without any grant through the real linker.
//!
//! Functions and types are read from `wit/`, not listed: a new one is called as soon as it is
//! there. What is expected of it stands in the contract itself, as a line `Needs: ...` of its
//! documentation; one without that line fails. Never: a function that is skipped without a reason
//! that is checked.

mod caller;
mod values;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use remit_engine::fake::{FakeTools, FakeTree, Seen, grants, host};
use remit_engine::host::PluginHost;
use wasmtime::Store;
use wasmtime::component::{Component, Instance, Val};
use wit_parser::Resolve;

use self::caller::{CALLS, Callable, Caller};
use crate::component::LoadedPlugin;
use crate::instance::new_store;
use crate::linker;
use crate::runtime::Runtime;
use crate::store::StoreData;

/// What stands in the contract before the kind of grant that a function needs.
const NEEDS: &str = "Needs: ";

/// Kinds of grants that the contract may name, and the word for none.
const GRANTS: [&str; 6] = ["nothing", "read", "write", "env", "run", "net"];

/// WASI as far as grants stand behind it, and one interface that is not there at all. Written
/// down here because its own texts are not in this repository; the linker checks the types.
const WASI: &str = "
package remit:ungranted@0.1.0;
world imports {
  import wasi:cli/environment@0.2.0;
  import wasi:cli/terminal-stdin@0.2.0;
  import wasi:filesystem/preopens@0.2.0;
  import wasi:sockets/instance-network@0.2.0;
  import wasi:sockets/tcp-create-socket@0.2.0;
}
package wasi:cli@0.2.0 {
  interface environment {
    get-environment: func() -> list<tuple<string, string>>;
    get-arguments: func() -> list<string>;
    initial-cwd: func() -> option<string>;
  }
  interface terminal-input { resource terminal-input; }
  interface terminal-stdin {
    use terminal-input.{terminal-input};
    get-terminal-stdin: func() -> option<terminal-input>;
  }
}
package wasi:filesystem@0.2.0 {
  interface types { resource descriptor; }
  interface preopens {
    use types.{descriptor};
    get-directories: func() -> list<tuple<descriptor, string>>;
  }
}
package wasi:sockets@0.2.0 {
  interface network { resource network; enum ip-address-family { ipv4, ipv6 } enum error-code { unknown } }
  interface instance-network {
    use network.{network};
    instance-network: func() -> network;
  }
  interface tcp { resource tcp-socket; }
  interface tcp-create-socket {
    use network.{error-code, ip-address-family};
    use tcp.{tcp-socket};
    create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
  }
}
";

/// Turns a call that never returns into a failure. None waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

/// A component that calls for us, in a store without any grant. The workspace and a variable are
/// there: what is not granted could be reached if it were.
struct Ungranted {
    store: Store<StoreData>,
    instance: Instance,
    _workspace: tempfile::TempDir,
    tools: Arc<FakeTools>,
    host: Arc<PluginHost>,
    seen: Seen,
}

impl Ungranted {
    async fn of(caller: &Caller) -> Self {
        let runtime = Runtime::new(None).unwrap();
        let workspace = tempfile::tempdir().unwrap();
        let directory = Dir::open_ambient_dir(workspace.path(), ambient_authority()).unwrap();
        let probe = remit_builtin::find_testing("probe").unwrap().bytes;
        let surroundings = LoadedPlugin::load(&runtime, probe.into()).await.unwrap();
        let variables = vec![("SECRET".to_owned(), "canary".to_owned())];
        let surroundings = surroundings
            .with_surroundings(Some(Arc::new(directory)), variables, 64 << 20)
            .unwrap();
        let (tools, seen) = (Arc::new(FakeTools::default()), Seen::default());
        let host = host(
            grants("", ""),
            Arc::clone(&tools),
            FakeTree::default(),
            &seen,
        );
        let mut store = new_store(&surroundings, Arc::clone(&host)).unwrap();
        let component = Component::from_binary(runtime.engine(), &caller.bytes).unwrap();
        let linker = linker::link(runtime.engine(), &component).unwrap();
        let instance = linker
            .instantiate_async(&mut store, &component)
            .await
            .unwrap();
        Self {
            store,
            instance,
            _workspace: workspace,
            tools,
            host,
            seen,
        }
    }

    /// Calls one function with the smallest values of its types.
    async fn call(&mut self, callable: &Callable) -> wasmtime::Result<Option<Val>> {
        let (store, name) = (&mut self.store, callable.export.as_str());
        let calls = self
            .instance
            .get_export_index(&mut *store, None, CALLS)
            .unwrap();
        let place = self
            .instance
            .get_export_index(&mut *store, Some(&calls), name)
            .unwrap();
        let function = self.instance.get_func(&mut *store, place).unwrap();
        let ty = function.ty(&self.store);
        let given: Vec<Val> = ty
            .params()
            .map(|(name, ty)| values::smallest(name, &ty))
            .collect();
        let mut told = vec![Val::Bool(false); ty.results().len()];
        let call = function.call_async(&mut self.store, &given, &mut told);
        let done = tokio::time::timeout(PATIENCE, call).await;
        done.unwrap_or_else(|_| panic!("`{name}` does not return"))?;
        Ok(told.pop())
    }
}

/// Whether an answer says that a grant is missing, with a type of its own for it.
fn is_refusal(answer: Option<&Val>) -> bool {
    let Some(Val::Result(Err(Some(error)))) = answer else {
        return false;
    };
    let (Val::Variant(case, _) | Val::Enum(case)) = error.as_ref() else {
        return false;
    };
    case == "denied" || case == "not-granted"
}

/// The contract.
fn contract() -> (Resolve, wit_parser::WorldId) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(&folder).unwrap();
    let world = resolve.select_world(&[package], Some("imports")).unwrap();
    (resolve, world)
}

/// The word after `Needs: ` in a documentation.
fn needs(docs: &str) -> Option<&str> {
    let line = docs
        .lines()
        .find_map(|line| line.trim().strip_prefix(NEEDS))?;
    line.split([' ', '.', ',']).next()
}

#[test]
fn every_import_of_the_contract_says_what_it_needs() {
    let (resolve, world) = contract();
    let mut findings = Vec::new();
    for callable in caller::functions(&resolve, world) {
        let name = format!("{}#{}", callable.interface, callable.function);
        match needs(&callable.docs) {
            None => findings.push(format!(
                "{name}: add a line `/// {NEEDS}nothing` or what it needs"
            )),
            Some(word) if !GRANTS.contains(&word) => {
                findings.push(format!("{name}: `{word}` is no kind of grant: {GRANTS:?}"));
            }
            // Who has no handle cannot call it: the handle is what was granted.
            Some("nothing") if callable.takes_handle => {
                findings.push(format!("{name}: takes a handle that a grant stands behind"));
            }
            Some(_) => {}
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[tokio::test]
async fn every_import_of_the_contract_without_a_grant_is_refused_or_harmless() {
    let (resolve, world) = contract();
    let caller = Caller::of(resolve, world);
    let mut ungranted = Ungranted::of(&caller).await;
    let mut findings = Vec::new();
    let mut refused = 0;
    for callable in &caller.functions {
        let name = format!("{}#{}", callable.interface, callable.function);
        if callable.takes_handle {
            // Handles come out of functions that are refused below; nothing else makes one.
            continue;
        }
        let answer = ungranted.call(callable).await;
        let needs = needs(&callable.docs).unwrap_or("nothing");
        match (needs, &answer) {
            ("nothing", Ok(answer)) if !matches!(answer, Some(Val::Result(Err(_)))) => {}
            ("nothing", other) => findings.push(format!("{name}: needs nothing, but {other:?}")),
            (_, Ok(answer)) if is_refusal(answer.as_ref()) => refused += 1,
            (_, other) => findings.push(format!("{name}: needs `{needs}`, but {other:?}")),
        }
        if answer.is_err() {
            // A store is of no use after a fault.
            ungranted = Ungranted::of(&caller).await;
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert!(refused > 3, "only {refused} functions need a grant");
    assert!(
        ungranted.tools.started.lock().unwrap().is_empty(),
        "a tool was started"
    );
    // Who watches sees it a moment later.
    ungranted.host.journal().flush().await;
    let denied = ungranted.seen.types();
    assert!(
        denied.iter().any(|kind| kind == "denied"),
        "no denial is on record: {denied:?}"
    );
}

#[tokio::test]
async fn only_what_is_refused_makes_a_handle() {
    let (resolve, world) = contract();
    for callable in caller::functions(&resolve, world) {
        let harmless = needs(&callable.docs) == Some("nothing");
        assert!(
            !(harmless && callable.makes_handle),
            "{}#{} needs nothing and makes a handle",
            callable.interface,
            callable.function
        );
    }
}

#[tokio::test]
async fn wasi_without_a_grant_has_no_variable_no_directory_and_no_network() {
    let mut resolve = Resolve::default();
    let package = resolve.push_str("wasi.wit", WASI).unwrap();
    let world = resolve.select_world(&[package], Some("imports")).unwrap();
    let caller = Caller::of(resolve, world);
    assert_eq!(caller.functions.len(), 7);
    for callable in &caller.functions {
        // Each in a store of its own: a refusal is a fault, and ends it.
        let answer = Ungranted::of(&caller).await.call(callable).await;
        let name = callable.function.as_str();
        match (callable.interface.contains("sockets"), answer) {
            (true, Err(error)) => {
                let text = format!("{error:#}");
                assert!(text.contains("granted to no plugin"), "{name}: {text}");
            }
            (false, Ok(Some(Val::List(list)))) => assert!(list.is_empty(), "{name}: {list:?}"),
            (false, Ok(Some(Val::Option(value)))) => assert!(value.is_none(), "{name}: {value:?}"),
            (_, other) => panic!("{name}: {other:?}"),
        }
    }
}

//! The host offers exactly what `wit/` says.

use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn the_linked_functions_are_those_of_the_contract() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(&folder).unwrap();
    let world = resolve.select_world(&[package], Some("imports")).unwrap();
    let mut contract: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, _) in &resolve.worlds[world].imports {
        if let wit_parser::WorldKey::Interface(id) = key {
            let interface = &resolve.interfaces[*id];
            let mut functions: Vec<String> = interface.functions.keys().cloned().collect();
            functions.sort();
            contract.insert(interface.name.clone().unwrap(), functions);
        }
    }
    let mut offered: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (interface, functions) in remit_sandbox::OFFERED {
        let mut functions: Vec<String> = functions.iter().map(ToString::to_string).collect();
        functions.sort();
        offered.insert((*interface).to_owned(), functions);
    }
    assert_eq!(offered, contract);
}

//! Plays the conformance scenarios of the repository through this crate, a test each, by name; the controls are that
//! what is skipped is listed, and that altered scenarios fail. Arguments are the names of tests to run.
//!
//! Not seen from Rust, and so left out: result codes of setters that are chained (`try_set` tells its own).
#![allow(missing_docs)]

mod collector;
mod compare;
mod fields;
mod files;
mod player;
mod steps;
mod values;

use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// What Rust cannot say, and why.
const CANNOT: [(&str, &str); 3] = [
    ("bad_utf8", "a str is UTF-8"),
    ("handle_misuse", "a span knows its trace, and references come only from what was started"),
    ("poll", "a processor in Rust is called; pulling is for hosts that cannot be"),
];

fn conformance() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/conformance")
}

fn read(path: &Path) -> Json {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Name and content of every scenario, in the order of their names.
fn scenarios() -> Vec<(String, Json)> {
    let files = std::fs::read_dir(conformance().join("scenarios")).expect("the scenarios");
    let mut paths: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(path))).collect()
}

fn is_skipped(scenario: &Json) -> bool {
    let needs = scenario["needs"].as_array().cloned().unwrap_or_default();
    needs.iter().any(|need| CANNOT.iter().any(|(name, _)| need == name))
}

fn listed_as_skipped() -> Vec<String> {
    let text = std::fs::read_to_string(conformance().join("skips/rust.txt")).unwrap_or_default();
    text.split_whitespace().map(String::from).collect()
}

/// The scenario with one place replaced, added or removed.
fn altered(scenario: &Json, alteration: &Json) -> Json {
    let mut out = scenario.clone();
    let (path, last) = alteration["at"].as_str().unwrap().rsplit_once('/').unwrap();
    let place = out.pointer_mut(path).unwrap_or_else(|| panic!("{alteration}"));
    let last = last.replace("~1", "/").replace("~0", "~");
    let value = alteration.get("value").cloned();
    match place {
        Json::Array(list) => {
            let at: usize = last.parse().unwrap();
            match value {
                Some(value) => list[at] = value,
                None => drop(list.remove(at)),
            }
        }
        Json::Object(members) => match value {
            Some(value) => drop(members.insert(last, value)),
            None => drop(members.remove(&last).unwrap_or_else(|| panic!("{alteration}"))),
        },
        _ => panic!("{alteration}"),
    }
    out
}

fn altered_scenarios_fail(all: &[(String, Json)]) -> Vec<String> {
    let (mut wrong, mut played) = (Vec::new(), 0);
    for alteration in read(&conformance().join("alterations.json")).as_array().unwrap() {
        let Some((_, scenario)) = all.iter().find(|(name, _)| alteration["scenario"] == **name) else {
            wrong.push(format!("there is no scenario for {alteration}"));
            continue;
        };
        if is_skipped(scenario) || alteration["sees"] == "results" {
            continue;
        }
        played += 1;
        if player::play(&altered(scenario, alteration)).is_empty() {
            wrong.push(format!("passes: {alteration}"));
        }
    }
    if played < 30 {
        wrong.push(format!("only {played} alterations"));
    }
    wrong
}

fn skips_are_listed(all: &[(String, Json)]) -> Vec<String> {
    let skipped: Vec<String> =
        all.iter().filter(|(_, scenario)| is_skipped(scenario)).map(|(name, _)| name.clone()).collect();
    let listed = listed_as_skipped();
    if skipped == listed {
        return Vec::new();
    }
    vec![format!("skipped: {skipped:?}, but listed: {listed:?}")]
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let all = scenarios();
    assert!(all.len() > 50, "{} scenarios", all.len());
    // A hook that panics is part of a scenario; what a panic elsewhere says is in the failures.
    std::panic::set_hook(Box::new(|_| {}));
    let mut failed = 0;
    let mut run = |name: &str, test: &dyn Fn() -> Vec<String>| {
        if !wanted.is_empty() && !wanted.iter().any(|each| each == name) {
            return;
        }
        let failures = test();
        println!("test {name} ... {}", if failures.is_empty() { "ok" } else { "FAILED" });
        failures.iter().for_each(|failure| println!("    {failure}"));
        failed += failures.len();
    };
    for (name, scenario) in all.iter().filter(|(_, scenario)| !is_skipped(scenario)) {
        run(name, &|| player::play(scenario));
    }
    run("what_cannot_be_said_is_listed", &|| skips_are_listed(&all));
    run("altered_scenarios_fail", &|| altered_scenarios_fail(&all));
    std::process::exit(i32::from(failed > 0));
}

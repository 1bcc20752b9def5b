//! How a record is written down, and what of it is compared with what a scenario expects.

use crate::fields::Refused;
use crate::values::{exact, normal, normal_attributes, normal_expected};
use serde_json::{json, Map, Value as Json};
use std::collections::HashMap;
use trunkline::{sys, Record, RecordType, Usage};

const TYPES: [&str; 15] = [
    "trace_start",
    "span_start",
    "span_end",
    "trace_end",
    "event",
    "run_start",
    "run_log",
    "run_summary",
    "run_config",
    "run_tag",
    "run_finish",
    "run_artifact",
    "run_add_artifact",
    "run_use_artifact",
    "run_media",
];

/// A record, written down.
#[derive(Clone, Debug)]
pub struct Form {
    members: Map<String, Json>,
    pub sequence: u64,
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(list) => list.is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn usage(given: Usage) -> Json {
    let counts = [
        ("input", given.input),
        ("output", given.output),
        ("total", given.total),
        ("cache_read", given.cache_read),
        ("cache_write", given.cache_write),
        ("reasoning", given.reasoning),
    ];
    counts.into_iter().filter_map(|(name, count)| Some((name.to_string(), json!(count?)))).collect()
}

fn flags(record: &Record<'_>) -> Json {
    let all = [
        ("incomplete", record.is_incomplete()),
        ("failed", record.is_failed()),
        ("time_clamped", record.is_time_clamped()),
        ("recovered", record.is_recovered()),
    ];
    all.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| json!(name)).collect()
}

fn events(record: &Record<'_>) -> Json {
    let form = |event: trunkline::Event<'_>| {
        let attributes = normal_attributes(event.attributes());
        if is_empty(&attributes) {
            json!({"name": event.name()})
        } else {
            json!({"name": event.name(), "attributes": attributes})
        }
    };
    record.events().map(form).collect()
}

/// What of the files of an artifact depends on the machine is not compared; it must be there.
fn attributes_of(record: &Record<'_>) -> Json {
    let mut attributes = normal_attributes(record.attributes());
    if record.record_type() != RecordType::RUN_ADD_ARTIFACT {
        return attributes;
    }
    let files = attributes.pointer_mut("/files/json").and_then(Json::as_array_mut);
    for file in files.into_iter().flatten().filter_map(Json::as_object_mut) {
        if file.contains_key("file") && file.contains_key("modified_ns") {
            file.retain(|name, _| name != "file" && name != "modified_ns");
        }
    }
    attributes
}

impl Form {
    pub fn of(record: &Record<'_>) -> Self {
        let raw = record.raw();
        let type_name = TYPES.get(record.record_type().0 as usize - 1).copied().unwrap_or("unknown");
        let own_id = json!(hex(&record.span_id()));
        let mut all = vec![
            ("type", json!(type_name)),
            ("trace", json!(Some(record.trace_id()).filter(|id| *id != [0; 16]).map(|id| hex(&id)))),
            ("parent", json!(record.parent_id().map(|id| hex(&id)))),
            ("name", json!(record.name())),
            ("flags", flags(record)),
            ("group_id", json!(record.group_id())),
            ("project", json!(record.project())),
            ("foreign_id", json!(record.foreign_id())),
            ("model", json!(record.model())),
            ("score_name", json!(record.score_name())),
            ("error_type", json!(record.error_type())),
            ("error_message", json!(record.error_message())),
            ("score", record.score().map_or(Json::Null, exact)),
            ("step", json!(record.step())),
            ("usage", usage(record.usage())),
            ("attributes", attributes_of(record)),
            ("events", events(record)),
            ("dropped_attributes", json!(Some(record.dropped_attributes()).filter(|count| *count != 0))),
            ("start_ns", json!(record.start_ns())),
            ("end_ns", json!(record.end_ns())),
        ];
        for (name, value, flags) in
            [("input", record.input(), raw.input.flags), ("output", record.output(), raw.output.flags)]
        {
            if value != trunkline::Value::Null {
                all.push((name, normal(&value, flags)));
            }
        }
        if matches!(record.record_type(), RecordType::SPAN_START | RecordType::SPAN_END) {
            all.push(("span", own_id.clone()));
            let number = record.kind().0;
            all.push(("kind", json!(record.kind().name().map_or_else(|| format!("kind-{number}"), String::from))));
        }
        if type_name.starts_with("run_") {
            all.push(("run", own_id));
        }
        if record.record_type() == RecordType::RUN_FINISH {
            let (status, code) = record.run_result();
            let name = match status {
                sys::TR_RUN_FINISHED => "finished",
                sys::TR_RUN_FAILED => "failed",
                _ => "killed",
            };
            all.push(("run_status", json!(name)));
            all.push(("exit_code", json!(code)));
        }
        let members = all.into_iter().filter(|(_, value)| !is_empty(value));
        Self { members: members.map(|(name, value)| (name.into(), value)).collect(), sequence: record.sequence() }
    }

    pub fn text(&self, name: &str) -> &str {
        self.members.get(name).and_then(Json::as_str).unwrap_or("")
    }

    /// What holds for every record and does not for this one.
    pub fn complaints(&self) -> Vec<String> {
        let number = |name: &str| self.members[name].as_i64().unwrap();
        let (start, end) = (number("start_ns"), number("end_ns"));
        let mut out = Vec::new();
        if start <= 0 {
            out.push(format!("starts at {start}"));
        }
        let wrong_end = match self.text("type") {
            "trace_start" | "span_start" => end != 0,
            "trace_end" | "span_end" => end < start,
            _ => false,
        };
        if wrong_end {
            out.push(format!("ends at {end}"));
        }
        out
    }
}

/// Which name stands for which id: one for one.
#[derive(Default)]
pub struct Names {
    name_of: HashMap<String, String>,
    id_of: HashMap<String, String>,
}

impl Names {
    pub fn bind(&mut self, name: &str, id: &str) {
        if !self.name_of.contains_key(id) && !self.id_of.contains_key(name) {
            self.name_of.insert(id.into(), name.into());
            self.id_of.insert(name.into(), id.into());
        }
    }

    /// The id as an expectation would name it, which has `wanted` at this place.
    pub fn show(&mut self, id: &str, wanted: &str) -> String {
        let is_id = (wanted.len() == 16 || wanted.len() == 32) && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id {
            return id.into();
        }
        self.bind(wanted, id);
        self.name_of.get(id).cloned().unwrap_or_else(|| id.into())
    }
}

/// An expected record in the form of one that was delivered.
fn expected_form(expected: &Json) -> Result<Map<String, Json>, Refused> {
    let mut form = expected.as_object().ok_or_else(|| format!("{expected} is no record"))?.clone();
    for name in ["input", "output"] {
        if let Some(value) = form.get_mut(name) {
            *value = normal_expected(value)?;
        }
    }
    if let Some(score) = form.get_mut("score") {
        *score = exact(crate::values::double(score)?);
    }
    if let Some(attributes) = form.get_mut("attributes") {
        *attributes = expected_attributes(attributes)?;
    }
    for event in form.get_mut("events").and_then(Json::as_array_mut).into_iter().flatten() {
        if let Some(attributes) = event.get_mut("attributes") {
            *attributes = expected_attributes(attributes)?;
        }
    }
    Ok(form)
}

fn expected_attributes(given: &Json) -> Result<Json, Refused> {
    let members = given.as_object().ok_or_else(|| format!("{given} are no attributes"))?;
    members.iter().map(|(key, value)| Ok((key.clone(), normal_expected(value)?))).collect()
}

fn same(expected: &Json, actual: &Json) -> bool {
    match (expected, actual) {
        (Json::Object(one), Json::Object(other)) => {
            if let (1, Some(Json::String(name))) = (one.len(), one.get("any")) {
                return other.contains_key(name);
            }
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|found| same(value, found)))
        }
        (Json::Array(one), Json::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => expected == actual,
    }
}

/// What differs between what was expected of a processor and what it has taken.
pub fn differences(names: &mut Names, expected: &[Json], taken: &[Form]) -> Result<Vec<String>, Refused> {
    let mut out = Vec::new();
    if expected.len() != taken.len() {
        out.push(format!("{} records and not {}", taken.len(), expected.len()));
    }
    for (number, (wanted, form)) in expected.iter().zip(taken).enumerate() {
        let wanted = expected_form(wanted)?;
        let mut actual = form.members.clone();
        for name in ["start_ns", "end_ns"] {
            if !wanted.contains_key(name) {
                actual.remove(name);
            }
        }
        for name in ["trace", "span", "run", "parent"] {
            if let (Some(Json::String(id)), Some(Json::String(name))) = (actual.get_mut(name), wanted.get(name)) {
                *id = names.show(id, name);
            }
        }
        let (wanted, actual) = (Json::Object(wanted), Json::Object(actual));
        if !same(&wanted, &actual) {
            out.push(format!("record {number}: expected {wanted}\n      but got {actual}"));
        }
    }
    for (number, form) in taken.iter().enumerate() {
        out.extend(form.complaints().into_iter().map(|what| format!("record {number} {what}")));
    }
    if taken.windows(2).any(|pair| pair[0].sequence >= pair[1].sequence) {
        out.push("a sequence does not rise".into());
    }
    Ok(out)
}

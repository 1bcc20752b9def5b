//! Values of scenarios: from JSON into the crate's, and back into one form that can be compared.

use crate::fields::{Fields, Refused};
use serde_json::{json, Value as Json};
use trunkline::{Attribute, Text, Value};

/// A value that lives as long as the step.
#[derive(Clone, Debug)]
pub enum Owned {
    Null,
    Bool(bool),
    I64(i64),
    F64(f64),
    Str(String),
    Bytes(Vec<u8>),
    Json(String),
    Bools(Vec<bool>),
    I64s(Vec<i64>),
    F64s(Vec<f64>),
    Strs(Vec<String>),
}

impl Owned {
    pub fn lend(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::I64(value) => Value::I64(*value),
            Self::F64(value) => Value::F64(*value),
            Self::Str(text) => Value::Str(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
            Self::Json(text) => Value::Json(text),
            Self::Bools(items) => Value::from(items.as_slice()),
            Self::I64s(items) => Value::from(items.as_slice()),
            Self::F64s(items) => Value::from(items.as_slice()),
            Self::Strs(items) => Value::StrArray(items.iter().map(|each| Text::from(each.as_str())).collect()),
        }
    }
}

pub type OwnedAttributes = Vec<(String, Owned)>;

pub fn lend_all(items: &OwnedAttributes) -> Vec<(&str, Value<'_>)> {
    items.iter().map(|(key, value)| (key.as_str(), value.lend())).collect()
}

/// The attributes under this name; left out: none.
pub fn attributes(fields: &mut Fields, name: &str) -> Result<OwnedAttributes, Refused> {
    let members = Fields::or_empty(fields.maybe(name), name)?.rest();
    members.into_iter().map(|(key, given)| Ok((key, value(&given)?))).collect()
}

fn wrong<T>(given: &Json) -> Result<T, Refused> {
    Err(format!("{given} is no value"))
}

pub fn double(given: &Json) -> Result<f64, Refused> {
    match given.as_str() {
        Some("nan") => Ok(f64::NAN),
        Some("inf") => Ok(f64::INFINITY),
        Some("-inf") => Ok(f64::NEG_INFINITY),
        Some("-0") => Ok(-0.0),
        Some(_) => wrong(given),
        None => given.as_f64().map_or_else(|| wrong(given), Ok),
    }
}

fn text(given: &Json) -> Result<String, Refused> {
    given.as_str().map_or_else(|| wrong(given), |text| Ok(text.into()))
}

fn items<T>(given: &Json, of: impl Fn(&Json) -> Result<T, Refused>) -> Result<Vec<T>, Refused> {
    given.as_array().map_or_else(|| wrong(given), |list| list.iter().map(of).collect())
}

pub fn value(given: &Json) -> Result<Owned, Refused> {
    let mut fields = Fields::of(given, "a value")?;
    let times = fields.integer_or("repeat", 1)? as usize;
    let repeats = given.get("repeat").is_some();
    let rest = fields.rest();
    let [(name, inner)] = rest.iter().collect::<Vec<_>>()[..] else {
        return wrong(given);
    };
    if repeats && !["str", "bytes", "json"].contains(&name.as_str()) {
        return wrong(given);
    }
    let integer = |each: &Json| each.as_i64().map_or_else(|| wrong(each), Ok);
    let truth = |each: &Json| each.as_bool().map_or_else(|| wrong(each), Ok);
    Ok(match name.as_str() {
        "null" if inner.is_null() => Owned::Null,
        "bool" => Owned::Bool(truth(inner)?),
        "i64" => Owned::I64(integer(inner)?),
        "f64" => Owned::F64(double(inner)?),
        "str" => Owned::Str(text(inner)?.repeat(times)),
        "bytes" => Owned::Bytes(from_base64(&text(inner)?)?.repeat(times)),
        "json" => Owned::Json(text(inner)?.repeat(times)),
        "bools" => Owned::Bools(items(inner, truth)?),
        "i64s" => Owned::I64s(items(inner, integer)?),
        "f64s" => Owned::F64s(items(inner, double)?),
        "strs" => Owned::Strs(items(inner, text)?),
        _ => return wrong(given),
    })
}

const FLAGS: [(u32, &str); 4] = [
    (trunkline::sys::TR_VALUE_TRUNCATED, "truncated"),
    (trunkline::sys::TR_VALUE_REDACTED, "redacted"),
    (trunkline::sys::TR_VALUE_INVALID_JSON, "invalid_json"),
    (trunkline::sys::TR_VALUE_REPAIRED, "repaired"),
];

/// A number as text that tells every double from every other.
pub fn exact(number: f64) -> Json {
    json!(format!("{number:?}"))
}

/// The form of a value in which it is compared: its type, content and flags.
pub fn normal(value: &Value<'_>, flags: u32) -> Json {
    let mut form = match value {
        Value::Null => json!({"null": null}),
        Value::Bool(value) => json!({ "bool": value }),
        Value::I64(value) => json!({ "i64": value }),
        Value::F64(value) => json!({"f64": exact(*value)}),
        Value::Str(text) => json!({ "str": text }),
        Value::Bytes(bytes) => json!({ "bytes": bytes }),
        Value::Json(text) => json!({"json": serde_json::from_str::<Json>(text).unwrap_or_else(|_| json!(text))}),
        Value::BoolArray(items) => json!({"bools": items.to_vec()}),
        Value::I64Array(items) => json!({"i64s": items.to_vec()}),
        Value::F64Array(items) => json!({"f64s": items.iter().map(|each| exact(*each)).collect::<Vec<_>>()}),
        Value::StrArray(items) => json!({"strs": items.iter().map(Text::as_str).collect::<Vec<_>>()}),
        other => json!({"unknown": format!("{other:?}")}),
    };
    let names: Vec<&str> = FLAGS.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect();
    if !names.is_empty() {
        form["flags"] = json!(names);
    }
    form
}

pub fn normal_attributes<'a>(attributes: impl Iterator<Item = Attribute<'a>>) -> Json {
    attributes.map(|each| (each.key().to_string(), normal(&each.value(), each.flags()))).collect()
}

/// The same form of what a scenario expects.
pub fn normal_expected(given: &Json) -> Result<Json, Refused> {
    let mut fields = Fields::of(given, "an expected value")?;
    if fields.has("any") {
        let name = fields.text("any")?;
        fields.finish()?;
        return Ok(json!({ "any": name }));
    }
    let flags = fields.maybe("flags");
    let mut form = normal(&value(&Json::Object(fields.rest()))?.lend(), 0);
    if let Some(flags) = flags {
        form["flags"] = flags;
    }
    Ok(form)
}

pub fn from_base64(text: &str) -> Result<Vec<u8>, Refused> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = DIGITS.iter().position(|each| *each == byte).ok_or_else(|| format!("{text} is not base64"))?;
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Ok(out)
}

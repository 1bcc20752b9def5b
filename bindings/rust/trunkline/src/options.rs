//! The built-in processors and their options.

use crate::config::with_message;
use crate::error::text_at;
use crate::json::quote;
use crate::{Registration, Result};
use std::ffi::{c_char, c_int};
use trunkline_sys as sys;

/// Options of a built-in processor, as `trunkline.h` names them.
#[derive(Clone, Debug, Default)]
pub struct Options {
    members: String,
    whole: Option<String>,
}

impl Options {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The options as a JSON object.
    pub fn from_json(json: impl Into<String>) -> Self {
        Self { members: String::new(), whole: Some(json.into()) }
    }

    /// An option that is a text.
    pub fn text(self, name: &str, value: &str) -> Self {
        let mut quoted = String::new();
        quote(value, &mut quoted);
        self.json(name, &quoted)
    }

    /// An option that is a number.
    pub fn number(self, name: &str, value: i64) -> Self {
        self.json(name, &value.to_string())
    }

    /// An option that is on or off.
    pub fn flag(self, name: &str, value: bool) -> Self {
        self.json(name, if value { "true" } else { "false" })
    }

    /// An option that is anything, as JSON text.
    pub fn json(mut self, name: &str, value: &str) -> Self {
        if !self.members.is_empty() {
            self.members.push(',');
        }
        quote(name, &mut self.members);
        self.members.push(':');
        self.members.push_str(value);
        self
    }

    pub(crate) fn to_text(&self) -> String {
        self.whole.clone().unwrap_or_else(|| format!("{{{}}}", self.members))
    }
}

type Fill = unsafe fn(*const c_char, usize, *mut sys::tr_processor, *mut sys::tr_error) -> c_int;

fn made(fill: Fill, options: &Options) -> Result<Registration> {
    sys::load()?;
    let mut table = sys::tr_processor::zeroed();
    table.struct_size = size_of::<sys::tr_processor>() as u32;
    let text = options.to_text();
    with_message(|error| unsafe { fill(text.as_ptr().cast(), text.len(), &mut table, error) })?;
    Ok(Registration::built_in(table))
}

macro_rules! built_in {
    ($($(#[$meta:meta])* $name:ident $function:ident;)*) => {
        $(
            $(#[$meta])*
            pub fn $name(options: &Options) -> Result<Registration> {
                made(|json, size, out, error| unsafe { sys::$function(json, size, out, error) }, options)
            }
        )*
    };
}

built_in! {
    /// The local store, which `trunkline ls` reads.
    local tr_local_processor;
    /// JSON lines, one record a line.
    jsonl tr_jsonl_processor;
    /// A readable tree on a stream.
    console tr_console_processor;
    /// A run for each trace at MLflow.
    mlflow tr_mlflow_processor;
    /// A run for each trace at W&B.
    wandb tr_wandb_processor;
}

/// What an agent for a family of models is commonly set up with, as JSON for the config of a run; the family is found by
/// its name or by that of a model.
pub fn family_preset(model: &str) -> Option<String> {
    let preset = unsafe { sys::tr_family_preset(model.as_ptr().cast(), model.len()) };
    (!preset.is_null()).then(|| text_at(preset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_json_whatever_they_hold() {
        let options = Options::new().text("a\"b", "line\n\\ü").number("n", -3).flag("f", true).json("j", "[1]");
        let value: serde_json::Value = serde_json::from_str(&options.to_text()).unwrap();
        assert_eq!(value, serde_json::json!({"a\"b": "line\n\\ü", "n": -3, "f": true, "j": [1]}));
        assert_eq!(Options::new().to_text(), "{}");
        assert_eq!(Options::from_json("{\"x\": 1}").to_text(), "{\"x\": 1}");
    }
}

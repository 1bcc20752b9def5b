//! A JSON object whose members are taken out one by one: what is left at the end is not known, and refused.

use serde_json::{Map, Value as Json};

/// What a runner does not know.
pub type Refused = String;

pub struct Fields {
    what: String,
    members: Map<String, Json>,
}

impl Fields {
    pub fn of(json: &Json, what: &str) -> Result<Self, Refused> {
        let members = json.as_object().ok_or_else(|| format!("{what} is no object: {json}"))?.clone();
        Ok(Self { what: what.into(), members })
    }

    /// An object that may be left out.
    pub fn or_empty(json: Option<Json>, what: &str) -> Result<Self, Refused> {
        Self::of(&json.unwrap_or_else(|| Json::Object(Map::new())), what)
    }

    pub fn what(&self) -> &str {
        &self.what
    }

    pub fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    pub fn maybe(&mut self, name: &str) -> Option<Json> {
        self.members.remove(name)
    }

    pub fn take(&mut self, name: &str) -> Result<Json, Refused> {
        self.maybe(name).ok_or_else(|| format!("{} has no {name}", self.what))
    }

    pub fn text(&mut self, name: &str) -> Result<String, Refused> {
        match self.take(name)? {
            Json::String(text) => Ok(text),
            other => Err(format!("{}: {name} is {other}", self.what)),
        }
    }

    pub fn text_or(&mut self, name: &str, otherwise: &str) -> Result<String, Refused> {
        if self.has(name) {
            self.text(name)
        } else {
            Ok(otherwise.into())
        }
    }

    pub fn integer(&mut self, name: &str) -> Result<i64, Refused> {
        let value = self.take(name)?;
        value.as_i64().ok_or_else(|| format!("{}: {name} is {value}", self.what))
    }

    pub fn integer_or(&mut self, name: &str, otherwise: i64) -> Result<i64, Refused> {
        if self.has(name) {
            self.integer(name)
        } else {
            Ok(otherwise)
        }
    }

    pub fn truth_or(&mut self, name: &str, otherwise: bool) -> Result<bool, Refused> {
        match self.maybe(name) {
            None => Ok(otherwise),
            Some(Json::Bool(value)) => Ok(value),
            Some(other) => Err(format!("{}: {name} is {other}", self.what)),
        }
    }

    pub fn list(&mut self, name: &str) -> Result<Vec<Json>, Refused> {
        match self.maybe(name) {
            None => Ok(Vec::new()),
            Some(Json::Array(list)) => Ok(list),
            Some(other) => Err(format!("{}: {name} is {other}", self.what)),
        }
    }

    /// What is left.
    pub fn rest(self) -> Map<String, Json> {
        self.members
    }

    pub fn finish(self) -> Result<(), Refused> {
        if self.members.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = self.members.keys().collect();
        Err(format!("{} has the unknown {names:?}", self.what))
    }
}

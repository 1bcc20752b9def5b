//! JSON of texts and numbers, as far as this crate writes any itself.

use crate::Text;
use std::fmt::Write;

pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for each in text.chars() {
        match each {
            '"' | '\\' => {
                out.push('\\');
                out.push(each);
            }
            each if each < ' ' => {
                let _never_fails = write!(out, "\\u{:04x}", each as u32);
            }
            each => out.push(each),
        }
    }
    out.push('"');
}

fn array<T>(items: &[T], write: impl Fn(&T, &mut String)) -> String {
    let mut out = String::from("[");
    for (index, each) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(each, &mut out);
    }
    out.push(']');
    out
}

pub(crate) fn texts(items: &[Text<'_>]) -> String {
    array(items, |each, out| quote(each.as_str(), out))
}

/// JSON has no infinity and nothing that is not a number: they are null.
pub(crate) fn numbers(items: &[f64]) -> String {
    array(items, |each, out| {
        let _never_fails = if each.is_finite() { write!(out, "{each}") } else { write!(out, "null") };
    })
}

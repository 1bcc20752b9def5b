//! Values of attributes, borrowed for the call that records them and, in records, from the library.

use std::borrow::Cow;
use std::ffi::{c_char, c_void};
use std::marker::PhantomData;
use std::{fmt, slice, str};
use trunkline_sys as sys;

/// What an attribute holds. Bools, numbers, texts, bytes, slices of them and options convert by `into()`.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// An integer.
    I64(i64),
    /// A double; not-a-number is kept.
    F64(f64),
    /// A text.
    Str(&'a str),
    /// Bytes that are no text.
    Bytes(&'a [u8]),
    /// JSON text; what does not parse is kept as a text and flagged.
    Json(&'a str),
    /// Several bools.
    BoolArray(Cow<'a, [bool]>),
    /// Several integers.
    I64Array(Cow<'a, [i64]>),
    /// Several doubles.
    F64Array(Cow<'a, [f64]>),
    /// Several texts.
    StrArray(Cow<'a, [Text<'a>]>),
}

/// A borrowed text in the library's own layout, an element of [`Value::StrArray`].
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Text<'a>(sys::tr_string, PhantomData<&'a str>);

// It is a borrowed text and nothing else.
unsafe impl Send for Text<'_> {}
unsafe impl Sync for Text<'_> {}

impl<'a> Text<'a> {
    /// The text itself.
    pub fn as_str(&self) -> &'a str {
        unsafe { borrowed(self.0) }
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(lent(text), PhantomData)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(out)
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

pub(crate) fn lent(text: &str) -> sys::tr_string {
    sys::tr_string { data: text.as_ptr().cast::<c_char>(), size: text.len() }
}

/// # Safety
/// The text must live as long as `'a`.
pub(crate) unsafe fn borrowed<'a>(text: sys::tr_string) -> &'a str {
    text_of(unsafe { elements(text.data.cast(), text.size) })
}

// The library repairs all that it delivers; if it ever did not, this would be an empty text and no undefined behaviour.
fn text_of(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

/// An array of the library's; an empty one may begin anywhere.
///
/// # Safety
/// The elements must live as long as `'a`.
pub(crate) unsafe fn elements<'a, T>(data: *const T, count: usize) -> &'a [T] {
    if data.is_null() || count == 0 {
        return &[];
    }
    unsafe { slice::from_raw_parts(data, count) }
}

const EMPTY: sys::tr_value = sys::tr_value::zeroed();

fn raw(kind: sys::tr_type, data: *const c_void, size: usize) -> sys::tr_value {
    sys::tr_value { r#type: kind, data, size, ..EMPTY }
}

impl<'a> Value<'a> {
    /// A JSON text.
    pub fn json(text: &'a str) -> Self {
        Self::Json(text)
    }

    /// The text of a `Str` or `Json`.
    pub fn as_str(&self) -> Option<&'a str> {
        match self {
            Self::Str(text) | Self::Json(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an `I64`.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::I64(number) => Some(*number),
            _ => None,
        }
    }

    /// The number of an `F64` or `I64`.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::F64(number) => Some(*number),
            Self::I64(number) => Some(*number as f64),
            _ => None,
        }
    }

    pub(crate) fn to_raw(&self) -> sys::tr_value {
        match self {
            Self::Null => EMPTY,
            Self::Bool(value) => sys::tr_value { r#type: sys::TR_TYPE_BOOL, i64: i64::from(*value), ..EMPTY },
            Self::I64(value) => sys::tr_value { r#type: sys::TR_TYPE_I64, i64: *value, ..EMPTY },
            Self::F64(value) => sys::tr_value { r#type: sys::TR_TYPE_F64, f64: *value, ..EMPTY },
            Self::Str(text) => raw(sys::TR_TYPE_STR, text.as_ptr().cast(), text.len()),
            Self::Bytes(bytes) => raw(sys::TR_TYPE_BYTES, bytes.as_ptr().cast(), bytes.len()),
            Self::Json(text) => raw(sys::TR_TYPE_JSON, text.as_ptr().cast(), text.len()),
            Self::BoolArray(items) => raw(sys::TR_TYPE_BOOL_ARRAY, items.as_ptr().cast(), items.len()),
            Self::I64Array(items) => raw(sys::TR_TYPE_I64_ARRAY, items.as_ptr().cast(), items.len()),
            Self::F64Array(items) => raw(sys::TR_TYPE_F64_ARRAY, items.as_ptr().cast(), items.len()),
            Self::StrArray(items) => raw(sys::TR_TYPE_STR_ARRAY, items.as_ptr().cast(), items.len()),
        }
    }

    /// # Safety
    /// What the value points to must live as long as `'a`.
    pub(crate) unsafe fn from_raw(value: &sys::tr_value) -> Value<'a> {
        let (data, size) = (value.data, value.size);
        unsafe {
            match value.r#type {
                sys::TR_TYPE_BOOL => Value::Bool(value.i64 != 0),
                sys::TR_TYPE_I64 => Value::I64(value.i64),
                sys::TR_TYPE_F64 => Value::F64(value.f64),
                sys::TR_TYPE_STR => Value::Str(text_of(elements(data.cast(), size))),
                sys::TR_TYPE_BYTES => Value::Bytes(elements(data.cast(), size)),
                sys::TR_TYPE_JSON => Value::Json(text_of(elements(data.cast(), size))),
                // Any byte but 0 is true in C.
                sys::TR_TYPE_BOOL_ARRAY => {
                    Value::BoolArray(elements(data.cast::<u8>(), size).iter().map(|each| *each != 0).collect())
                }
                sys::TR_TYPE_I64_ARRAY => Value::I64Array(Cow::Borrowed(elements(data.cast(), size))),
                sys::TR_TYPE_F64_ARRAY => Value::F64Array(Cow::Borrowed(elements(data.cast(), size))),
                sys::TR_TYPE_STR_ARRAY => Value::StrArray(Cow::Borrowed(elements(data.cast(), size))),
                _ => Value::Null,
            }
        }
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

macro_rules! integers {
    ($($type:ty)*) => {
        $(impl From<$type> for Value<'_> {
            fn from(value: $type) -> Self {
                Self::I64(value.into())
            }
        })*
    };
}

integers!(i8 i16 i32 i64 u8 u16 u32);

impl From<isize> for Value<'_> {
    fn from(value: isize) -> Self {
        Self::I64(value as i64)
    }
}

/// A number that no `i64` holds becomes the nearest double.
impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::F64(value as f64), Self::I64)
    }
}

/// A number that no `i64` holds becomes the nearest double.
impl From<usize> for Value<'_> {
    fn from(value: usize) -> Self {
        Self::from(value as u64)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

impl From<f32> for Value<'_> {
    fn from(value: f32) -> Self {
        Self::F64(value.into())
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Str(value)
    }
}

impl<'a> From<&'a &str> for Value<'a> {
    fn from(value: &'a &str) -> Self {
        Self::Str(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Str(value)
    }
}

impl<'a> From<&'a Cow<'_, str>> for Value<'a> {
    fn from(value: &'a Cow<'_, str>) -> Self {
        Self::Str(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a> From<&'a [bool]> for Value<'a> {
    fn from(value: &'a [bool]) -> Self {
        Self::BoolArray(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a [i64]> for Value<'a> {
    fn from(value: &'a [i64]) -> Self {
        Self::I64Array(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a [f64]> for Value<'a> {
    fn from(value: &'a [f64]) -> Self {
        Self::F64Array(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a [&'a str]> for Value<'a> {
    fn from(value: &'a [&'a str]) -> Self {
        Self::StrArray(value.iter().map(|each| Text::from(*each)).collect())
    }
}

impl<'a> From<&'a [String]> for Value<'a> {
    fn from(value: &'a [String]) -> Self {
        Self::StrArray(value.iter().map(|each| Text::from(each.as_str())).collect())
    }
}

macro_rules! sequences {
    ($($type:ty)*) => {
        $(impl<'a, const N: usize> From<&'a [$type; N]> for Value<'a> {
            fn from(value: &'a [$type; N]) -> Self {
                Self::from(value.as_slice())
            }
        }

        impl<'a> From<&'a Vec<$type>> for Value<'a> {
            fn from(value: &'a Vec<$type>) -> Self {
                Self::from(value.as_slice())
            }
        })*
    };
}

sequences!(u8 bool i64 f64 &'a str String);

/// What is not there is null.
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Keys and values in the library's layout; they borrow from `items`.
pub(crate) fn lent_attributes(items: &[(&str, Value<'_>)]) -> Vec<sys::tr_attribute> {
    items.iter().map(|(key, value)| sys::tr_attribute { key: lent(key), value: value.to_raw() }).collect()
}

/// Tokens of a generation; what is `None` is not known. Cached tokens are part of input, reasoning tokens of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input: Option<i64>,
    /// Tokens of the answer.
    pub output: Option<i64>,
    /// Where it is not given: input + output.
    pub total: Option<i64>,
    /// Read from a cache.
    pub cache_read: Option<i64>,
    /// Written to a cache.
    pub cache_write: Option<i64>,
    /// Spent on reasoning.
    pub reasoning: Option<i64>,
}

impl Usage {
    /// Input and output, and nothing else.
    pub fn new(input: i64, output: i64) -> Self {
        Self { input: Some(input), output: Some(output), ..Self::default() }
    }

    pub(crate) fn to_raw(self) -> sys::tr_usage {
        let known = |count: Option<i64>| count.unwrap_or(-1);
        sys::tr_usage {
            input: known(self.input),
            output: known(self.output),
            total: known(self.total),
            cache_read: known(self.cache_read),
            cache_write: known(self.cache_write),
            reasoning: known(self.reasoning),
        }
    }

    pub(crate) fn from_raw(raw: &sys::tr_usage) -> Self {
        let known = |count: i64| (count >= 0).then_some(count);
        Self {
            input: known(raw.input),
            output: known(raw.output),
            total: known(raw.total),
            cache_read: known(raw.cache_read),
            cache_write: known(raw.cache_write),
            reasoning: known(raw.reasoning),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_byte_of_an_array_but_0_is_true() {
        let bytes = [0u8, 1, 2, 255];
        let value = unsafe { Value::from_raw(&raw(sys::TR_TYPE_BOOL_ARRAY, bytes.as_ptr().cast(), bytes.len())) };
        assert_eq!(value, Value::from(&[false, true, true, true]));
    }
}

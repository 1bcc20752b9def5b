//! Errors are the library's codes with words to them.

use std::ffi::CStr;
use std::fmt;
use trunkline_sys as sys;

/// What a call that can fail returns.
pub type Result<T> = std::result::Result<T, Error>;

/// A code of the library (`trunkline::sys::TR_E...`) and what it means here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    code: i32,
    message: String,
}

impl Error {
    /// The library's code, below 0.
    pub fn code(&self) -> i32 {
        self.code
    }

    pub(crate) fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The code and the library's name for it.
    pub(crate) fn of(code: i32) -> Self {
        let name = unsafe { sys::tr_strerror(code) };
        let words = if name.is_null() { "the library is not loaded".into() } else { text_at(name) };
        Self::new(code, words)
    }
}

/// Nothing, or the error that the code names.
pub(crate) fn check(code: i32) -> Result<()> {
    if code >= 0 {
        Ok(())
    } else {
        Err(Error::of(code))
    }
}

/// A C string of the library's; null is the empty text.
pub(crate) fn text_at(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Error {}

impl From<sys::LoadError> for Error {
    fn from(error: sys::LoadError) -> Self {
        let code = match error {
            sys::LoadError::NotFound { .. } => sys::TR_ENOENT,
            _ => sys::TR_EUNSUPPORTED,
        };
        Self::new(code, error.to_string())
    }
}

const MAX_SOURCES: usize = 32;

/// A short type and the message of an error, with the messages of what caused it.
pub(crate) fn words_of<E: std::error::Error + ?Sized>(error: &E) -> (String, String) {
    let mut message = error.to_string();
    let mut next = error.source();
    for _ in 0..MAX_SOURCES {
        let Some(source) = next else { break };
        let text = source.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        next = source.source();
    }
    (type_of(error), message)
}

/// What an error may lie behind.
const HOLDERS: [&str; 4] = ["&", "alloc::boxed::Box<", "alloc::rc::Rc<", "alloc::sync::Arc<"];

/// The name of the type; behind `dyn Error`, where it is not known, what `Debug` begins with.
fn type_of<E: std::error::Error + ?Sized>(error: &E) -> String {
    let mut name = std::any::type_name::<E>();
    while let Some(held) = HOLDERS.iter().find_map(|holder| name.strip_prefix(holder)) {
        name = held;
    }
    if !name.starts_with("dyn ") {
        return name.split(['<', '>']).next().unwrap_or(name).into();
    }
    let shown = format!("{error:?}");
    let head: String = shown.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
    if head.is_empty() {
        "error".into()
    } else {
        head
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);

    impl fmt::Display for Outer {
        fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(out, "no number")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn the_chain_of_sources_is_one_message() {
        let error = Outer("x".parse::<i32>().unwrap_err());
        let (name, message) = words_of(&error);
        assert!(name.ends_with("::Outer"), "{name}");
        assert_eq!(message, "no number: invalid digit found in string");
        let boxed: Box<dyn std::error::Error> = Box::new(error);
        assert_eq!(words_of(&*boxed).0, "Outer");
    }

    #[test]
    fn the_type_is_that_of_the_error_and_not_of_what_holds_it() {
        let error = || Outer("x".parse::<i32>().unwrap_err());
        let name = type_of(&error());
        assert_eq!([type_of(&Box::new(error())), type_of(&&Arc::new(error()))], [name.clone(), name]);
        let shared: Arc<dyn std::error::Error + Send + Sync> = Arc::new(error());
        assert_eq!([type_of(&shared), type_of(&(&shared as &dyn std::error::Error))], ["Outer", "Outer"]);
    }
}

//! Why the library cannot be used: it is not there, it is something else, or it is of another version.

use std::fmt;

/// What [`load`](crate::load) says when the library cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file, or the loader refuses it.
    NotFound {
        /// What was looked for.
        library: String,
        /// In the loader's words.
        reason: String,
    },
    /// It was loaded and lacks a function: it is not libtrunkline, or an older one.
    LacksFunction {
        /// What was loaded.
        library: String,
        /// The first function that is not there.
        function: &'static str,
    },
    /// Its ABI is not the one that these declarations describe.
    WrongAbi {
        /// What was loaded.
        library: String,
        /// Its version as `tr_abi_version` returns it.
        found: u32,
    },
}

/// A library works when the majors are equal and its minor is not smaller.
pub(crate) fn check_abi(library: &str, found: u32) -> Result<(), LoadError> {
    let wanted = crate::TR_ABI_VERSION;
    if found >> 16 == wanted >> 16 && found & 0xffff >= wanted & 0xffff {
        return Ok(());
    }
    Err(LoadError::WrongAbi { library: library.into(), found })
}

impl fmt::Display for LoadError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { library, reason } => write!(out, "cannot load {library}: {reason}"),
            Self::LacksFunction { library, function } => {
                write!(out, "{library} has no {function}: it is not libtrunkline, or too old for this program")
            }
            Self::WrongAbi { library, found } => {
                let wanted = crate::TR_ABI_VERSION;
                write!(
                    out,
                    "{library} has ABI version {}.{}, this program needs {}.{}",
                    found >> 16,
                    found & 0xffff,
                    wanted >> 16,
                    wanted & 0xffff
                )
            }
        }
    }
}

impl std::error::Error for LoadError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majors_must_be_equal_and_the_minor_not_smaller() {
        let wanted = crate::TR_ABI_VERSION;
        assert_eq!(check_abi("x", wanted), Ok(()));
        assert_eq!(check_abi("x", wanted + 1), Ok(()));
        for wrong in [wanted - 1, wanted + (1 << 16)] {
            assert!(check_abi("x", wrong).unwrap_err().to_string().starts_with("x has ABI version"));
        }
    }
}

//! `trunkline.h` in Rust: types, constants and functions under their C names, and nothing more. What each does is said
//! in the header; `trunkline` is the safe crate above this one.
//!
//! The functions are linked, as pkg-config says; with the feature `dlopen` they are found at run time, and until
//! [`load`] has succeeded each returns 0, null or `TR_ESTATE` as if nothing were started.
#![allow(non_camel_case_types)]

#[macro_use]
mod functions;
mod constants;
mod error;
#[cfg(not(feature = "dlopen"))]
mod linked;
#[cfg(feature = "dlopen")]
mod loaded;
mod types;

pub use constants::*;
pub use error::LoadError;
#[cfg(not(feature = "dlopen"))]
pub use linked::*;
#[cfg(feature = "dlopen")]
pub use loaded::*;
pub use types::*;

/// Name and type of each function that is declared here, to be compared with the header.
pub const FUNCTIONS: &[(&str, &str)] = functions!(function_names);

//! The functions, found by the linker.

use crate::error::check_abi;
use crate::{types::*, LoadError};
use std::ffi::{c_char, c_int, c_void};

macro_rules! declare {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        extern "C" {
            $(
                /// As in trunkline.h.
                pub fn $name($($argument: $type),*) -> $result;
            )*
        }
    };
}

functions!(declare);

/// Whether the library that the loader found fits these declarations.
pub fn load() -> Result<(), LoadError> {
    check_abi("libtrunkline", unsafe { tr_abi_version() })
}

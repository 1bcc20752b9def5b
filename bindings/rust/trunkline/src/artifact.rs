//! Artifacts and media of runs: named sets of files, of which a server keeps versions, and pictures in a history.

use crate::config::with_message;
use crate::error::check;
use crate::value::{lent, lent_attributes};
use crate::{Options, Result, Value};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use trunkline_sys as sys;

/// What media is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// PNG, JPEG, GIF or WebP.
    Image,
    /// A page.
    Html,
}

impl Media {
    pub(crate) fn raw(self) -> sys::tr_media {
        match self {
            Self::Image => sys::TR_MEDIA_IMAGE,
            Self::Html => sys::TR_MEDIA_HTML,
        }
    }
}

/// Names of files are bytes; what is not UTF-8 the library refuses.
pub(crate) fn lent_path(path: &Path) -> sys::tr_string {
    let bytes = path.as_os_str().as_bytes();
    sys::tr_string { data: bytes.as_ptr().cast(), size: bytes.len() }
}

/// A named set of files, for [`Run::add_artifact`](crate::Run::add_artifact). All of them are read there.
#[derive(Clone, Debug)]
pub struct Artifact<'a> {
    name: &'a str,
    kind: &'a str,
    description: &'a str,
    aliases: Vec<&'a str>,
    metadata: Vec<(&'a str, Value<'a>)>,
    files: Vec<(&'a str, PathBuf)>,
}

impl<'a> Artifact<'a> {
    /// Of a type such as `model` or `dataset`.
    pub fn new(name: &'a str, artifact_type: &'a str) -> Self {
        Self {
            name,
            kind: artifact_type,
            description: "",
            aliases: Vec::new(),
            metadata: Vec::new(),
            files: Vec::new(),
        }
    }

    /// A file, or a folder with all files below it, under a path in the artifact; an empty one: by its own name.
    pub fn file(mut self, path: &'a str, file: impl AsRef<Path>) -> Self {
        self.files.push((path, file.as_ref().into()));
        self
    }

    /// What it is.
    pub fn description(mut self, text: &'a str) -> Self {
        self.description = text;
        self
    }

    /// A name of this version besides `latest`.
    pub fn alias(mut self, alias: &'a str) -> Self {
        self.aliases.push(alias);
        self
    }

    /// One item of metadata.
    pub fn metadata(mut self, key: &'a str, value: impl Into<Value<'a>>) -> Self {
        self.metadata.push((key, value.into()));
        self
    }

    pub(crate) fn add_to(&self, run: sys::tr_run) -> Result<()> {
        let aliases: Vec<_> = self.aliases.iter().map(|alias| lent(alias)).collect();
        let metadata = lent_attributes(&self.metadata);
        let file = |(path, file): &(&str, PathBuf)| sys::tr_artifact_file { path: lent(path), file: lent_path(file) };
        let files: Vec<_> = self.files.iter().map(file).collect();
        let artifact = sys::tr_artifact {
            struct_size: size_of::<sys::tr_artifact>() as u32,
            flags: 0,
            name: lent(self.name),
            r#type: lent(self.kind),
            description: lent(self.description),
            aliases: aliases.as_ptr(),
            alias_count: aliases.len(),
            metadata: metadata.as_ptr(),
            metadata_count: metadata.len(),
            files: files.as_ptr(),
            file_count: files.len(),
        };
        check(unsafe { sys::tr_run_add_artifact(run, &artifact) })
    }
}

/// Downloads an artifact of W&B, `entity/project/name:alias`, into a folder; the options are those of
/// [`wandb`](crate::wandb). It waits until all files are there, and needs no session.
pub fn wandb_download_artifact(options: &Options, name: &str, folder: impl AsRef<Path>) -> Result<()> {
    sys::load()?;
    let text = options.to_text();
    let (options, name, folder) = (lent(&text), lent(name), lent_path(folder.as_ref()));
    with_message(|error| unsafe {
        sys::tr_wandb_download_artifact(
            options.data,
            options.size,
            name.data,
            name.size,
            folder.data,
            folder.size,
            error,
        )
    })
}

//! The steps of a run that name files, which are made for them.

use crate::fields::{Fields, Refused};
use crate::player::Player;
use crate::values::{attributes, lend_all};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use trunkline::{sys, Artifact, Media, Result, Run};

static MADE: AtomicU32 = AtomicU32::new(0);

fn write(path: PathBuf, content: &str) -> std::result::Result<(), Refused> {
    let write = || {
        std::fs::create_dir_all(path.parent().expect("it lies in a folder"))?;
        std::fs::write(&path, content)
    };
    write().map_err(|error: std::io::Error| error.to_string())
}

/// A file with this content, a folder with these files, or the name of neither.
fn new_file(player: &Player, given: &mut Fields) -> std::result::Result<PathBuf, Refused> {
    let file = player.folder.join(format!("file-{}", MADE.fetch_add(1, Ordering::Relaxed)));
    if given.has("content") {
        write(file.clone(), &given.text("content")?)?;
    }
    for (name, content) in Fields::or_empty(given.maybe("folder"), "a folder")?.rest() {
        write(file.join(name), content.as_str().ok_or("a content is no text")?)?;
    }
    Ok(file)
}

pub fn log_artifact(run: &Run, player: &Player, step: &mut Fields) -> std::result::Result<Result<()>, Refused> {
    let path = step.text("path")?;
    Ok(run.log_artifact(&path, new_file(player, step)?))
}

pub fn log_media(run: &Run, player: &Player, step: &mut Fields) -> std::result::Result<Result<()>, Refused> {
    let at = if step.has("step") { Some(step.integer("step")?) } else { None };
    let media = match step.text("media")?.as_str() {
        "image" => Media::Image,
        "html" => Media::Html,
        other => return Err(format!("the unknown media {other}")),
    };
    Ok(run.log_media(at, &step.text("key")?, media, new_file(player, step)?))
}

pub fn add_artifact(run: &Run, player: &Player, step: &mut Fields) -> std::result::Result<Result<()>, Refused> {
    let (name, kind) = (step.text("name")?, step.text("type")?);
    let (description, metadata) = (step.text_or("description", "")?, attributes(step, "metadata")?);
    let (aliases, mut files) = (step.list("aliases")?, Vec::new());
    for given in step.list("files")? {
        let mut file = Fields::of(&given, "a file")?;
        files.push((file.text("path")?, new_file(player, &mut file)?));
        file.finish()?;
    }
    let mut artifact = Artifact::new(&name, &kind).description(&description);
    for alias in &aliases {
        artifact = artifact.alias(alias.as_str().ok_or("an alias is no text")?);
    }
    for (key, value) in lend_all(&metadata) {
        artifact = artifact.metadata(key, value);
    }
    for (path, file) in &files {
        artifact = artifact.file(path, file);
    }
    Ok(run.add_artifact(&artifact))
}

/// The same of a run that has finished, which no owner can say.
pub fn of_ended(what: &str, step: &mut Fields, run: u64) -> std::result::Result<i32, Refused> {
    let lend = |text: &str| sys::tr_string { data: text.as_ptr().cast(), size: text.len() };
    for unread in ["content", "folder", "step", "media", "files"] {
        step.maybe(unread);
    }
    Ok(match what {
        "run_log_artifact" => {
            let path = step.text("path")?;
            let (path, file) = (lend(&path), lend("file"));
            unsafe { sys::tr_run_log_artifact(run, path.data, path.size, file.data, file.size) }
        }
        "run_log_media" => {
            let key = step.text("key")?;
            let (key, file) = (lend(&key), lend("file"));
            unsafe { sys::tr_run_log_media(run, -1, key.data, key.size, sys::TR_MEDIA_HTML, file.data, file.size) }
        }
        "run_use_artifact" => {
            let name = step.text("name")?;
            unsafe { sys::tr_run_use_artifact(run, name.as_ptr().cast(), name.len()) }
        }
        "run_add_artifact" => {
            let (name, kind) = (step.text("name")?, step.text("type")?);
            let files = [sys::tr_artifact_file { path: lend("file"), file: lend("file") }];
            let artifact = sys::tr_artifact {
                struct_size: size_of::<sys::tr_artifact>() as u32,
                flags: 0,
                name: lend(&name),
                r#type: lend(&kind),
                description: lend(""),
                aliases: std::ptr::null(),
                alias_count: 0,
                metadata: std::ptr::null(),
                metadata_count: 0,
                files: files.as_ptr(),
                file_count: files.len(),
            };
            unsafe { sys::tr_run_add_artifact(run, &artifact) }
        }
        _ => return Err(format!("{what} of a run that has finished")),
    })
}

//! The starter set: templates that travel in the binary, for a beginning and as an example.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use include_dir::{Dir, include_dir};

use super::disk::{self, Files};
use super::folder::{self, Folder};
use crate::app::{App, Caller};
use crate::cli::failure::{Exit, Failure, Outcome};
use crate::cli::print;

static STARTER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/starter");

/// `commlog templates init …`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder; it is made if it is not there. Files that are there are not changed.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// The files of the starter set.
#[must_use]
pub fn files() -> Files {
    let mut found = BTreeMap::new();
    let mut folders = vec![&STARTER];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        let files = folder.files().filter_map(|file| Some((file.path().to_str()?, file.contents())));
        found.extend(files.map(|(path, bytes)| (path.replace('\\', "/"), bytes.to_vec())));
    }
    found
}

/// The templates of the starter set.
#[must_use]
pub fn templates() -> Folder {
    folder::read(Path::new("starter"), "starter", &files())
}

/// Saves and publishes the starter set in an empty store. Repeating it changes nothing.
pub async fn publish(app: &App, caller: &Caller) -> Outcome {
    let library = super::library::Library::of(templates());
    for code in library.in_order().map_err(|problems| super::problem::refused(&problems))? {
        let key = |what: &str| caller.clone().with_key(format!("starter: {what} {code}"));
        super::push::save(app, &key("save"), library.folder.templates[&code].draft.clone(), None).await?;
        super::push::publish(app, &key("publish"), &code).await?;
    }
    Ok(())
}

/// Runs `commlog templates init …`.
pub fn run(args: &InitArgs) -> Outcome {
    let files = files();
    let root = &args.folder;
    let there = |path: &str| std::fs::read(root.join(path)).ok();
    let taken: Vec<&str> = files
        .iter()
        .filter(|(path, bytes)| there(path).is_some_and(|found| found != **bytes))
        .map(|(path, _)| path.as_str())
        .collect();
    if !taken.is_empty() {
        let message =
            format!("{} has other files with these names; nothing was written: {}", root.display(), taken.join(", "));
        return Err(Failure::new(Exit::Refused, message));
    }
    for (path, bytes) in files.iter().filter(|(path, _)| there(path).is_none()) {
        disk::write(root, path, &String::from_utf8_lossy(bytes))?;
    }
    let count = templates().templates.len();
    print::line(format_args!("{}: {count} templates of the starter set", root.display()))?;
    print::note(format_args!(
        "next: commlog templates preview {0}/weekly-specials --output preview.html\n      commlog templates push {0} --publish",
        root.display()
    ));
    Ok(())
}

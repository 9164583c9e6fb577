//! The starter set, rendered with its sample values. `UPDATE_STARTER=1 cargo test --test it -- templates::starter` writes
//! the files of `tests/starter` again; look at them in a browser before you commit them.

use std::path::Path;

use chrono_tz::Tz;
use commlog::cli::templates::{Library, findings, sample_values, starter};
use commlog::domain::template::content::{Content, TemplateKind};
use commlog::domain::value::sms;
use commlog::rendering::compile;

/// What each template becomes, by file name.
fn rendered() -> Vec<(String, String)> {
    let library = Library::of(starter::templates());
    let mut files = vec![];
    for (code, template) in &library.folder.templates {
        let draft = &template.draft;
        if draft.kind == TemplateKind::Partial {
            continue;
        }
        let values = sample_values(&library.folder.samples_for(template), &draft.variables, None);
        for local in &draft.contents {
            let compiled = compile(local, &library.includes(&draft.contents)).unwrap();
            let made = compiled.render(&values, Tz::UTC).unwrap_or_else(|fault| panic!("{code}: {fault}"));
            let name = format!("{code}.{}", local.locale);
            if let Content::Sms(_) = local.content {
                assert!(made.body.chars().all(sms::is_gsm), "{name}: {}", made.body);
                files.push((format!("{name}.sms.txt"), format!("{}\n", made.body)));
            } else {
                files.push((format!("{name}.txt"), format!("Subject: {}\n\n{}\n", made.subject.unwrap(), made.body)));
                files.push((format!("{name}.html"), made.html.unwrap()));
            }
        }
    }
    files
}

#[test]
fn each_template_is_rendered_as_it_was_looked_at() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/starter");
    let files = rendered();
    assert_eq!(files.iter().filter(|(name, _)| name.ends_with(".html")).count(), 16, "eight, in two languages");
    if std::env::var_os("UPDATE_STARTER").is_some() {
        files.iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
    }
    for (name, text) in &files {
        let kept = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(kept == *text, "{name} is rendered otherwise: see the top of this file");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), files.len(), "no file is left over");
}

#[test]
fn nothing_is_found_in_any_of_them() {
    let library = Library::of(starter::templates());
    assert_eq!(library.folder.problems, []);
    assert_eq!(findings(&library, library.folder.templates.keys()), []);
    assert!(library.in_order().is_ok_and(|order| order.len() == 13), "five partials and eight templates");
}

#[test]
fn a_text_fits_into_two_segments_and_a_page_is_shown_whole() {
    for (name, text) in rendered() {
        if name.ends_with(".sms.txt") {
            assert!(sms::segments(text.trim_end()) <= 2, "{name}: {text}");
        }
        assert!(text.len() < 102 * 1024, "{name}: Gmail cuts it off");
    }
}

/// A file that is added to the folder does not make Cargo build again (Michael-F-Bryan/include_dir#120).
#[test]
fn the_binary_holds_the_files_of_the_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("starter");
    let embedded = starter::files();
    let (mut folders, mut count) = (vec![root.clone()], 0);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            let is_held = embedded.get(&name) == Some(&std::fs::read(&path).unwrap());
            assert!(is_held, "touch src/cli/templates/starter.rs and build again: the binary lacks {name}");
            count += 1;
        }
    }
    assert_eq!(count, embedded.len(), "touch src/cli/templates/starter.rs and build again");
}

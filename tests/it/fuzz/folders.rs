//! Folders of templates: what is read is written and read again as the same, and whatever is wrong has a place.

use std::path::Path;

use commlog::cli::templates::disk::Files;
use commlog::cli::templates::folder::{read, through_files};
use commlog::cli::templates::{Library, findings};

const NAMES: [&str; 5] = ["t/template.toml", "t/en.mjml", "t/en.txt", "t/en.sms.txt", "sample.toml"];
const BETWEEN: &[u8] = b"\n----\n";

/// Files one after the other, with four dashes between them.
pub(super) fn template_folder(input: &[u8]) {
    let mut rest = Some(input);
    let mut files = Files::new();
    for name in NAMES {
        let Some(left) = rest else { break };
        let end = left.windows(BETWEEN.len()).position(|window| window == BETWEEN);
        let (file, more) = end.map_or((left, None), |end| (&left[..end], Some(&left[end + BETWEEN.len()..])));
        files.insert(name.to_owned(), file.to_vec());
        rest = more;
    }
    let folder = read(Path::new("f"), "f", &files);
    for problem in &folder.problems {
        assert!(problem.file.starts_with('f') && !problem.message.is_empty(), "{problem}");
    }
    for template in folder.templates.values() {
        assert_eq!(through_files(&template.draft).as_ref(), Some(&template.draft));
    }
    let library = Library::of(folder);
    for finding in findings(&library, library.folder.templates.keys()) {
        assert!(finding.file.starts_with('f') && !finding.message.is_empty(), "{finding}");
    }
}

//! The house rules that no compiler holds: files that can be read in one sitting, parameters that say what they are.

use std::fs;
use std::path::{Path, PathBuf};

/// The most lines of a file.
const LONGEST: usize = 500;

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    files.sort();
    files
}

fn sources() -> Vec<(PathBuf, String)> {
    let files = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).unwrap())).collect()
}

/// The parameters of each function in code, each as it is written.
fn parameters(code: &str) -> Vec<String> {
    let mut found = vec![];
    for (start, _) in code.match_indices("fn ") {
        let is_word = !code[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let name = code[start + 3..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
        if !is_word || name.len() == code[start + 3..].len() {
            continue;
        }
        let Some(list) = after_generics(name).strip_prefix('(') else { continue };
        let (mut depth, mut parameter) = (0_i32, String::new());
        let mut before = ' ';
        for character in list.chars() {
            match character {
                '(' | '[' | '{' | '<' => depth += 1,
                ')' if depth == 0 => break,
                '>' if before == '-' => {}
                ')' | ']' | '}' | '>' => depth -= 1,
                ',' if depth == 0 => {
                    found.push(std::mem::take(&mut parameter));
                    before = ' ';
                    continue;
                }
                _ => {}
            }
            before = character;
            parameter.push(character);
        }
        found.push(parameter);
    }
    found.into_iter().map(|parameter| parameter.trim().to_owned()).collect()
}

/// What follows the generic parameters behind a function's name.
fn after_generics(text: &str) -> &str {
    let (mut depth, mut before) = (0_i32, ' ');
    for (index, character) in text.char_indices() {
        match character {
            '<' => depth += 1,
            '>' if before != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 && character == '(' {
            return &text[index..];
        }
        before = character;
    }
    ""
}

#[test]
fn parameters_are_read_out_of_code() {
    let code = "fn a(x: u8, (b, c): (u8, u8)) {} pub fn b<F: Fn(u8) -> u8>(&self, f: F) {} type X = fn(u8);";
    assert_eq!(parameters(code), ["x: u8", "(b, c): (u8, u8)", "&self", "f: F"]);
}

#[test]
fn files_are_read_in_one_sitting() {
    let long: Vec<String> = sources()
        .iter()
        .map(|(path, code)| (path.display(), code.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "longer than {LONGEST} lines:\n{}", long.join("\n"));
}

#[test]
fn parameters_have_names() {
    let mut unnamed = vec![];
    for (path, code) in sources() {
        // What a property draws is a pattern by design; a parameter has its type behind the pattern.
        let is_tuple = |parameter: &String| parameter.starts_with('(') && parameter.contains("):");
        let tuples = parameters(&code).into_iter().filter(is_tuple);
        unnamed.extend(tuples.map(|parameter| format!("{}: {parameter}", path.display())));
    }
    assert!(unnamed.is_empty(), "a struct would say what these are:\n{}", unnamed.join("\n"));
}

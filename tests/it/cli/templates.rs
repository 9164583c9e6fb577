//! Folders of templates: pushed, pulled, checked and previewed; and what people have in folders.

use std::collections::BTreeMap;
use std::path::Path;

use super::Place;

const MANIFEST: &str = "# ours\ntitle = \"Welcome\"\nclass = \"transactional\"\ndefault_locale = \"en\"\n\n[email.en]\n\
    subject = \"Hello {{ name }}\"\n\n[variables]\nshop = \"Juniper\"\n";
const LAYOUT: &str = "<mjml><mj-body><mj-section><mj-column><mj-text>Hi {{ name }}</mj-text></mj-column></mj-section></mj-body></mjml>\n";

/// A place with the folder `t` with a template `welcome`.
fn place() -> Place {
    let place = Place::new();
    add(&place, "t/welcome/template.toml", MANIFEST);
    add(&place, "t/welcome/en.mjml", LAYOUT);
    place
}

fn add(place: &Place, path: &str, content: impl AsRef<[u8]>) {
    let path = place.path(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// All files of a folder, by path.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            found.insert(name, std::fs::read(path).unwrap());
        }
    }
    found
}

/// What a command says of each template: change, or change and files.
fn changes(place: &Place, arguments: &[&str]) -> BTreeMap<String, (String, String)> {
    let printed = place.ok(&[arguments, &["--format", "jsonl"]].concat());
    let rows = printed.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let files =
        |row: &serde_json::Value| row["files"].as_array().unwrap().iter().map(text).collect::<Vec<_>>().join(", ");
    rows.map(|row| (text(&row["template"]), (text(&row["change"]), files(&row)))).collect()
}

fn all_are(changes: &BTreeMap<String, (String, String)>, change: &str) -> bool {
    !changes.is_empty() && changes.values().all(|(found, files)| found == change && files.is_empty())
}

/// Values that databases and TOML write in their own ways.
const VALUES: &str = "\n[variables]\na = 1.0\nb = 1e300\nc = 9223372036854775807\nd = -0.0\ne = 1979-05-27T07:32:00Z\n\
    f = [[1, \"x\"], { y = true }]\n\"g h\" = \"\\u0001\\u007f\\\\u0041 \\U0001F600\"\n";

fn what_is_pushed_is_pulled(place: &Place) {
    place.ok(&["templates", "init", "t"]);
    add(place, "t/odd/template.toml", MANIFEST.split("\n[variables]").next().unwrap().to_owned() + VALUES);
    add(place, "t/odd/en.mjml", LAYOUT);
    place.ok(&["templates", "push", "t", "--publish"]);
    assert!(all_are(&changes(place, &["templates", "push", "t", "--publish"]), "unchanged"));
    let before = files(&place.path("t"));
    assert!(all_are(&changes(place, &["templates", "pull", "t"]), "unchanged"));
    assert!(files(&place.path("t")) == before, "the files stay as they are");
    place.ok(&["templates", "init", "t"]);
    add(place, "t/sample.toml", "ours = 1\n");
    assert!(place.fails(3, &["templates", "init", "t"]).contains("nothing was written: sample.toml"));

    place.ok(&["templates", "pull", "other"]);
    assert!(all_are(&changes(place, &["templates", "push", "other", "--dry-run"]), "unchanged"));
    assert!(all_are(&changes(place, &["templates", "pull", "other"]), "unchanged"));
}

#[test]
fn what_is_pushed_is_pulled_and_neither_changes_anything_again() {
    what_is_pushed_is_pulled(&Place::new());
}

#[tokio::test]
async fn what_is_pushed_is_pulled_on_postgresql_too() {
    let place = Place::postgres().await;
    tokio::task::spawn_blocking(move || what_is_pushed_is_pulled(&place)).await.unwrap();
}

#[test]
fn files_of_other_systems_are_read_and_stay_as_they_are() {
    let place = Place::new();
    let utf16 =
        |text: &str| [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect::<Vec<_>>();
    let german =
        MANIFEST.replace("[email.en]", "[email.DE_at]\nsubject = \"Grüß Gott\"\n[email.en]").replace('\n', "\r\n");
    add(&place, "t/group/welcome/Template.TOML", format!("\u{feff}{german}"));
    add(&place, "t/group/welcome/EN.MJML", LAYOUT.replace("<mj-text>", "\r\n<mj-text>\r\n"));
    add(&place, "t/group/welcome/de-at.html", utf16("<p>Grüß Gott</p>\r\n"));
    add(&place, "t/group/welcome/en.sms.txt", "no line end");
    for litter in ["en.mjml~", ".en.mjml.swp", ".DS_Store", "#en.mjml#", "en.mjml.orig"] {
        add(&place, &format!("t/group/welcome/{litter}"), [0xff, 0x00]);
    }
    add(&place, "t/README.md", "ours");
    add(&place, "t/group/welcome/logo.png", [0x89, 0x50]);
    let before = files(&place.path("t"));
    let pushed = place.run(&["templates", "push", "t", "--publish"]);
    assert_eq!(pushed.code, Some(0), "{}{}", pushed.stdout, pushed.stderr);
    assert!(pushed.stderr.contains("left alone: README.md, group/welcome/logo.png\n"), "{}", pushed.stderr);
    let listed = place.ok(&["templates", "list"]);
    assert!(listed.contains("email.de-AT email.en sms.en"), "{listed}");
    assert!(all_are(&changes(&place, &["templates", "push", "t", "--publish"]), "unchanged"));
    assert!(all_are(&changes(&place, &["templates", "pull", "t"]), "unchanged"));
    let mut after = files(&place.path("t"));
    assert!(after.remove(".commlog-seen.json").is_some());
    assert!(after == before, "the files stay as they are");
    let shown = place.ok(&["templates", "preview", "welcome", "--locale", "de-AT", "--var", "name=Ann"]);
    assert!(shown.contains("subject  Grüß Gott"), "{shown}");
}

#[test]
fn what_the_store_has_changed_is_not_overwritten_unless_that_is_wanted() {
    let place = place();
    place.ok(&["templates", "push", "t"]);
    // A colleague works in another copy.
    place.ok(&["templates", "pull", "colleague"]);
    add(&place, "colleague/welcome/en.mjml", LAYOUT.replace("Hi", "Ho"));
    add(&place, "colleague/welcome/en.sms.txt", "Ho\n");
    let pushed = changes(&place, &["templates", "push", "colleague"]);
    assert_eq!(pushed["welcome"], ("changed".to_owned(), "en.mjml, en.sms.txt".to_owned()));

    add(&place, "t/welcome/en.txt", "Hello\n");
    let refused = place.fails(3, &["templates", "push", "t"]);
    assert!(refused.contains("welcome: en.mjml, en.sms.txt, en.txt (by cli, "), "{refused}");
    let refused = place.fails(3, &["templates", "pull", "t"]);
    assert!(refused.contains("welcome/en.txt") && place.path("t/welcome/en.txt").exists(), "{refused}");
    let shown = changes(&place, &["templates", "pull", "t", "--overwrite", "--dry-run"]);
    assert_eq!(shown["welcome"].1, "welcome/en.mjml, welcome/en.sms.txt, welcome/en.txt (removed)");
    assert!(place.path("t/welcome/en.txt").exists());
    place.ok(&["templates", "pull", "t", "--overwrite"]);
    assert!(!place.path("t/welcome/en.txt").exists());
    assert!(std::fs::read_to_string(place.path("t/welcome/template.toml")).unwrap().starts_with("# ours\n"));

    add(&place, "t/welcome/en.sms.txt", "Hey\n");
    assert_eq!(changes(&place, &["templates", "push", "t"])["welcome"].1, "en.sms.txt");
    place.fails(3, &["templates", "push", "colleague"]);
    assert_eq!(changes(&place, &["templates", "push", "colleague", "--overwrite"])["welcome"].1, "en.sms.txt");
}

#[test]
fn partials_are_published_before_what_includes_them_and_take_it_along() {
    let place = place();
    add(&place, "t/welcome/en.mjml", LAYOUT.replace("</mj-text>", "</mj-text>{% include 'zfoot' %}"));
    let foot = "<mj-text>{% include 'zname' %}</mj-text>\n";
    for (code, layout) in [("zfoot", foot), ("zname", "Juniper\n")] {
        add(&place, &format!("t/parts/{code}/template.toml"), "title = \"Part\"\nkind = \"partial\"\n");
        add(&place, &format!("t/parts/{code}/en.mjml"), layout);
    }
    let dry = place.ok(&["templates", "push", "t", "--publish", "--dry-run", "--format", "json"]);
    assert_eq!(dry.matches("\"published\":true").count(), 3, "{dry}");
    place.fails(4, &["templates", "list"]);
    place.ok(&["templates", "push", "t", "--publish"]);
    assert!(place.ok(&["templates", "preview", "welcome", "--var", "name=Ann"]).contains("Juniper"));
    add(&place, "t/parts/zname/en.mjml", "Oak\n");
    let published = place.ok(&["templates", "push", "t", "--publish", "--format", "json"]);
    assert_eq!(published.matches("\"version\":2").count(), 3, "{published}");
    let shown = place.ok(&["templates", "preview", "welcome", "--published", "2", "--var", "name=Ann"]);
    assert!(shown.contains("Oak") && !shown.contains("Juniper"), "{shown}");
    let kind = "title = \"Part\"\nclass = \"transactional\"\n[email.en]\nsubject = \"a\"\n";
    add(&place, "t/parts/zname/template.toml", kind);
    add(&place, "t/parts/zname/en.mjml", LAYOUT);
    assert!(place.fails(3, &["templates", "push", "t"]).contains("t/parts/zname: error: kind: cannot change"));
    add(&place, "t/parts/zname/template.toml", "title = \"Part\"\nkind = \"partial\"\n");
    add(&place, "t/parts/zname/en.mjml", "Oak\n");
    // One folder alone finds its partials beside it, and where there are none, in the store.
    place.ok(&["templates", "lint", "t/welcome"]);
    std::fs::remove_dir_all(place.path("t/parts")).unwrap();
    place.ok(&["templates", "push", "t", "--publish"]);
    add(&place, "t/circle/template.toml", "title = \"Part\"\nkind = \"partial\"\n");
    add(&place, "t/circle/en.mjml", "{% include 'circle' %}\n");
    assert!(
        place
            .fails(3, &["templates", "push", "t"])
            .contains("t/circle: error: templates include each other in a circle")
    );
}

#[test]
fn mistakes_are_refused_with_file_line_and_column_and_nothing_is_done() {
    let long = "x".repeat(2 * 1024 * 1024);
    let twice = MANIFEST.replace("subject = \"Hello {{ name }}\"", "subject = \"Hello\\t{{ name\"");
    let cases: [(&str, &str, &str); 16] = [
        ("en.mjml", "<mjml><mj-body>\n  <mj-section>Hi</mj-body></mjml>", "t/welcome/en.mjml:2:34: error: "),
        ("en.mjml", "<mjml><mj-body>\r\n{{ name | nonsense }}</mj-body></mjml>", "t/welcome/en.mjml:2:1: error: "),
        ("en.txt", "Hi\n  {{ name", "t/welcome/en.txt:2:3: error: "),
        ("template.toml", &MANIFEST.replace("{{ name }}", "{{ name"), "t/welcome/template.toml:7:18: error: "),
        ("template.toml", &twice, "t/welcome/template.toml:7:11: error: "),
        (
            "template.toml",
            &MANIFEST.replace("class", "clas"),
            "t/welcome/template.toml:3:1: error: unknown field `clas`",
        ),
        ("template.toml", &MANIFEST.replace("\"en\"", "\"fr\""), "t/welcome/template.toml:4:1: error: default_locale"),
        (
            "template.toml",
            &MANIFEST.replace("transactional", "urgent"),
            "t/welcome/template.toml:3:9: error: must be one of",
        ),
        ("template.toml", &MANIFEST.replace("Hello {{ name }}", " "), "t/welcome/template.toml:7:12: error: subject"),
        ("template.toml", "title = \"a\n", "t/welcome/template.toml:1:"),
        ("de.mjml", LAYOUT, "t/welcome/de.mjml: error: template.toml has no subject for it: [email.de]"),
        ("de.txt", "Hallo", "t/welcome/de.txt: error: the email needs its layout: de.mjml"),
        ("en.html", "<p>Hi</p>", "t/welcome/en.mjml: error: t/welcome/en.html is the same mail's layout"),
        ("EN.mjml", LAYOUT, "is the same file of the template; remove one"),
        ("en.txt", &long, "t/welcome/en.txt: error: it has 2097152 bytes"),
        ("en.sms.txt", &long[..300_000], "error: body: has 300000 characters"),
    ];
    for (file, content, expected) in cases {
        let place = place();
        add(&place, &format!("t/welcome/{file}"), content);
        let refused = place.fails(3, &["templates", "push", "t", "--publish"]);
        assert!(refused.contains(expected), "{file}: {refused}");
        place.fails(4, &["templates", "list"]);
        let found = place.run(&["templates", "lint", "t"]);
        assert!(found.stdout.contains(expected) && found.code == Some(1), "{}{}", found.stdout, found.stderr);
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_at_their_place() {
    let place = place();
    add(&place, "t/welcome/en.txt", b"Hi\r\nGr\xfc\xdfe");
    let found = place.run(&["templates", "lint", "t"]).stdout;
    assert!(found.contains("t/welcome/en.txt:2:3: error: the file is not UTF-8"), "{found}");
    add(&place, "t/welcome/en.txt", "H\0i\0");
    assert!(place.run(&["templates", "lint", "t"]).stdout.contains("NUL"));
    add(&place, "t/welcome/en.txt", "Hi");
    add(&place, "t/Welcome2/template.toml", MANIFEST);
    add(&place, "t/Welcome2/en.mjml", LAYOUT);
    assert!(
        place
            .run(&["templates", "lint", "t"])
            .stdout
            .contains("t/Welcome2: error: the folder's name is the template's code")
    );
    std::fs::rename(place.path("t/Welcome2"), place.path("t/group")).unwrap();
    add(&place, "t/group/welcome/template.toml", MANIFEST);
    add(&place, "t/group/welcome/en.mjml", LAYOUT);
    assert!(place.run(&["templates", "lint", "t"]).stdout.contains("has the same code"));
    std::fs::remove_file(place.path("t/welcome/template.toml")).unwrap();
    assert!(
        place.run(&["templates", "lint", "t"]).stdout.contains("t/welcome/en.mjml: error: there is no template.toml")
    );
}

#[test]
fn what_will_be_regretted_is_found_with_its_place_and_stops_nothing_unless_that_is_wanted() {
    let place = place();
    let layout =
        LAYOUT.replace("<mj-text>", "<mj-image src=\"https://example.com/a.png\" />\n<mj-tex>Hi</mj-tex><mj-text>");
    add(&place, "t/welcome/en.mjml", layout);
    let found = place.ok(&["templates", "lint", "t"]);
    assert!(found.contains("t/welcome/en.mjml:1:39: warning: the image has no alt text"), "{found}");
    assert!(found.contains("t/welcome/en.mjml:2:1: warning: MJML has no element \"mj-tex\""), "{found}");
    place.fails(1, &["templates", "lint", "t", "--strict"]);
    let rows: serde_json::Value =
        serde_json::from_str(&place.ok(&["templates", "lint", "t", "--format", "json"])).unwrap();
    assert_eq!((&rows[1]["line"], &rows[1]["code"]), (&2.into(), &"MJML_UNKNOWN_ELEMENT".into()));
    add(&place, "t/sample.toml", "other = 1\n");
    let found = place.ok(&["templates", "lint", "t"]);
    assert!(found.contains("t/welcome/en.mjml:2:32: warning: `{{ name }}` has no value"), "{found}");
    place.ok(&["templates", "push", "t", "--publish"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_within_the_folder_only_and_never_written_through() {
    use std::os::unix::fs::symlink;
    let place = place();
    add(&place, "secret", "a secret");
    symlink("en.mjml", place.path("t/welcome/de.mjml")).unwrap();
    add(
        &place,
        "t/welcome/template.toml",
        MANIFEST.replace("[email.en]", "[email.de]\nsubject = \"Hallo\"\n[email.en]"),
    );
    place.ok(&["templates", "push", "t"]);
    symlink("../../secret", place.path("t/welcome/en.sms.txt")).unwrap();
    let refused = place.fails(3, &["templates", "push", "t"]);
    assert!(refused.contains("t/welcome/en.sms.txt: error: the link leads out of the folder"), "{refused}");
    std::fs::remove_file(place.path("t/welcome/en.sms.txt")).unwrap();
    symlink("nowhere", place.path("t/welcome/en.txt")).unwrap();
    assert!(place.fails(3, &["templates", "push", "t"]).contains("t/welcome/en.txt: error: the file cannot be read"));
    std::fs::remove_file(place.path("t/welcome/en.txt")).unwrap();
    symlink(".", place.path("t/round")).unwrap();
    assert!(all_are(&changes(&place, &["templates", "push", "t"]), "unchanged"));

    std::fs::create_dir(place.path("elsewhere")).unwrap();
    std::fs::create_dir(place.path("u")).unwrap();
    symlink("../elsewhere", place.path("u/welcome")).unwrap();
    assert!(place.fails(4, &["templates", "pull", "u"]).contains("the folder's place is taken"));
    assert!(files(&place.path("elsewhere")).is_empty());
}

#[test]
fn what_is_archived_stays_so_and_what_is_not_here_stays_there() {
    let place = place();
    place.ok(&["templates", "push", "t"]);
    add(&place, "u/other/template.toml", MANIFEST);
    add(&place, "u/other/en.mjml", LAYOUT);
    let pushed = place.run(&["templates", "push", "u"]);
    assert!(pushed.stderr.contains("in the store only, and left as they are: welcome"), "{}", pushed.stderr);
    assert!(place.ok(&["templates", "list"]).contains("welcome"));
    let pulled = place.run(&["templates", "pull", "t"]);
    assert!(pulled.stdout.contains("other") && place.path("t/other/en.mjml").exists(), "{}", pulled.stdout);

    place.ok(&["templates", "archive", "welcome"]);
    let pushed = place.run(&["templates", "push", "t"]);
    assert!(pushed.stderr.contains("archived in the store, and left so"), "{}", pushed.stderr);
    let pulled = place.run(&["templates", "pull", "t"]);
    assert!(pulled.stderr.contains("their folders are left as they are: welcome"), "{}", pulled.stderr);
    assert!(!place.ok(&["templates", "list"]).contains("welcome"));
    assert_eq!(changes(&place, &["templates", "push", "t", "--restore"])["welcome"].0, "restored");
    assert!(place.ok(&["templates", "list"]).contains("welcome"));
    assert!(place.fails(4, &["templates", "push", "nowhere"]).contains("cannot read the folder nowhere"));
    std::fs::create_dir(place.path("empty")).unwrap();
    assert!(place.fails(3, &["templates", "push", "empty"]).contains("there are no templates in empty"));
}

#[test]
fn a_preview_takes_sample_values_or_those_of_a_customer() {
    let place = place();
    add(&place, "t/sample.toml", "name = \"Ann\"\n[order]\nnumber = \"A-7\"\n");
    let layout = LAYOUT.replace("Hi", "{{ order.number }} {{ customer_name | default: 'you' }} {{ shop }}");
    add(&place, "t/welcome/en.mjml", layout);
    let shown = place.ok(&["templates", "preview", "t/welcome", "--output", "page.html", "--var", "order.number=B-8"]);
    assert!(shown.contains("subject  Hello Ann\n") && shown.contains("B-8 you Juniper Ann"), "{shown}");
    assert!(std::fs::read_to_string(place.path("page.html")).unwrap().contains("B-8 you Juniper Ann"));
    add(&place, "t/welcome/en.sms.txt", "{{ now | date: 'short' }}");
    assert!(place.ok(&["templates", "preview", "t/welcome", "--channel", "sms"]).contains("segments 1 (GSM-7)"));
    place.ok(&["templates", "lint", "t", "--strict"]);
    std::fs::remove_file(place.path("t/welcome/en.sms.txt")).unwrap();
    place.file("crm.csv", "customer,name,email\nk1,Ada,ada@example.com\n");
    place.ok(&["import", "customers", "crm.csv"]);
    let found = place.ok(&["find", "ada", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let id = found[0]["customer_id"].as_str().unwrap();
    let shown = place.ok(&["templates", "preview", "t/welcome", "--customer", id]);
    assert!(shown.contains("A-7 Ada Juniper Ann"), "{shown}");
    place.ok(&["templates", "push", "t"]);
    let refused = place.fails(3, &["templates", "preview", "welcome", "--customer", id]);
    assert!(refused.contains("line 1, column") && refused.contains("name"), "{refused}");
    let shown = place.ok(&[
        "templates",
        "preview",
        "welcome",
        "--customer",
        id,
        "--var",
        "name=Bo",
        "--var",
        "order={\"number\": 9}",
    ]);
    assert!(shown.contains("9 Ada Juniper Bo"), "{shown}");
    let log = place.ok(&["export", "events"]);
    assert_eq!(log.matches("templates preview").count(), 3, "each access is recorded");
    let missing = place.fails(3, &["templates", "preview", "t/welcome", "--channel", "sms"]);
    assert!(missing.contains("no text for the channel sms"), "{missing}");
}

#[test]
fn the_page_on_templates_shows_one_that_can_be_pushed() {
    let place = place();
    let blocks = super::pages::blocks("templates.md", "toml");
    add(&place, "t/welcome/template.toml", &blocks[0]);
    place.ok(&["templates", "push", "t"]);
    let listed = place.ok(&["templates", "list", "--format", "json"]);
    assert!(listed.contains("email.en whatsapp.en voice.en push.en"), "{listed}");
}

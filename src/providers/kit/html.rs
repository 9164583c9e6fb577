//! Text made of a mail's HTML, for mails that bring no text.

/// How much HTML is read, in bytes.
const MAX_HTML: usize = 512 * 1024;
/// Of a page with more tags than this, only the words are taken: laying it out would take too long.
const MAX_TAGS: usize = 20_000;
/// Lines are not broken: the reader's screen does that.
const WIDTH: usize = 100_000;

/// The words of a page, with links behind their words; empty if it has none.
pub(in crate::providers) fn text_of(html: &str) -> String {
    let mut end = html.len().min(MAX_HTML);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let html = &html[..end];
    if html.bytes().filter(|&byte| byte == b'<').count() > MAX_TAGS {
        return words(html);
    }
    let laid_out = html2text::config::plain_no_decorate()
        .no_table_borders()
        .raw_mode(true)
        .allow_width_overflow()
        .string_from_read(html.as_bytes(), WIDTH);
    match laid_out {
        Ok(text) => text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned(),
        Err(_) => words(html),
    }
}

/// What stands outside of tags.
fn words(html: &str) -> String {
    let outside = html.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, after)| after));
    outside.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_kept_and_markup_is_not() {
        let text = text_of("<style>p{color:red}</style><p>Hello &amp; <b>good</b> day</p><ul><li>one<li>two</ul>");
        for word in ["Hello & good day", "one", "two"] {
            assert!(text.contains(word), "{text}");
        }
        assert!(!text.contains("color") && !text.contains('<'), "{text}");
        assert_eq!(text_of(""), "");
    }

    #[test]
    fn deep_and_endless_pages_end() {
        let deep = format!("{}word", "<div>".repeat(15_000));
        assert!(text_of(&deep).contains("word"));
        let many = "<td><table><tr>word".repeat(30_000);
        assert!(text_of(&many).contains("word"));
    }
}

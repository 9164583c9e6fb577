//! Texts in the charsets that mail still comes in.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// The upper half of code page 850, which old mail programs of Western Europe write and the web's standard lacks.
const CODE_PAGE_850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
    ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{AD}±‗¾¶§÷¸°¨·¹³²■\u{A0}";

/// Reads bytes in a charset. Without one, or with one that nobody knows: UTF-8 if it is that, or else Windows-1252, in
/// which every byte is a letter.
pub(in crate::providers) fn decode(bytes: &[u8], charset: Option<&str>) -> String {
    let charset = charset.map(str::trim).unwrap_or_default();
    if matches!(charset.to_ascii_lowercase().as_str(), "cp850" | "ibm850" | "850") {
        return code_page_850(bytes);
    }
    match Encoding::for_label(charset.as_bytes()) {
        Some(encoding) if encoding != UTF_8 => encoding.decode(bytes).0.into_owned(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{FEFF}').to_owned(),
            Err(_) if charset.eq_ignore_ascii_case("utf-8") => String::from_utf8_lossy(bytes).into_owned(),
            Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        },
    }
}

fn code_page_850(bytes: &[u8]) -> String {
    let upper: Vec<char> = CODE_PAGE_850.chars().collect();
    let letter = |&byte: &u8| match byte.checked_sub(128) {
        None => char::from(byte),
        Some(place) => upper.get(usize::from(place)).copied().unwrap_or('\u{FFFD}'),
    };
    bytes.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_charset_is_read_as_what_it_is() {
        assert_eq!(CODE_PAGE_850.chars().count(), 128);
        let cases: [(&[u8], Option<&str>, &str); 8] = [
            (b"pidi\xa2", Some("cp850"), "pidió"),
            (b"\xbfEsto?", Some("iso-8859-1"), "¿Esto?"),
            (b"ESP\x92s\x85", Some("windows-1252"), "ESP’s…"),
            ("Opérateur".as_bytes(), Some("UTF-8"), "Opérateur"),
            ("Opérateur".as_bytes(), None, "Opérateur"),
            (b"caf\xe9", None, "café"),
            (b"caf\xe9", Some("no-such-charset"), "café"),
            (b"caf\xff", Some("utf-8"), "caf\u{FFFD}"),
        ];
        for (bytes, charset, expected) in cases {
            assert_eq!(decode(bytes, charset), expected, "{charset:?}");
        }
    }
}

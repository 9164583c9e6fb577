//! Cuts SQL into tokens: enough to find statements, macros, words and literals without being fooled by quotes.

/// A piece of SQL text, with where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: Kind,
    /// The text as written, quotes included.
    pub text: &'a str,
    /// Its offset in bytes.
    pub at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A keyword, name or number.
    Word,
    /// `"a name in quotes"`.
    Name,
    /// `'a text'`.
    Text,
    /// `@macro`.
    Macro,
    /// `-- to the end of the line` or `/* … */`.
    Comment,
    /// Blanks.
    Space,
    /// Any other character.
    Sign,
}

impl<'a> Token<'a> {
    /// Whether this is the keyword, in any case.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether this is the sign.
    pub fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }

    /// The name that a word or quoted name stands for.
    pub fn name(&self) -> Option<&'a str> {
        match self.kind {
            Kind::Word => Some(self.text),
            Kind::Name => Some(&self.text[1..self.text.len() - 1]),
            _ => None,
        }
    }

    /// What stands between a text's quotes.
    pub fn literal(&self) -> Option<&'a str> {
        (self.kind == Kind::Text).then(|| &self.text[1..self.text.len() - 1])
    }
}

/// A quote or comment that is not closed, and where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unclosed {
    pub at: usize,
}

/// All tokens of a text; put together they are the text again.
pub fn tokens(sql: &str) -> Result<Vec<Token<'_>>, Unclosed> {
    let mut tokens = Vec::with_capacity(sql.len() / 4);
    let mut at = 0;
    while let Some(&first) = sql.as_bytes().get(at) {
        let rest = &sql[at..];
        let (kind, length) = match first {
            b'\'' => (Kind::Text, quoted(rest, '\'').ok_or(Unclosed { at })?),
            b'"' => (Kind::Name, quoted(rest, '"').ok_or(Unclosed { at })?),
            b'-' if rest.starts_with("--") => (Kind::Comment, rest.find('\n').unwrap_or(rest.len())),
            b'/' if rest.starts_with("/*") => (Kind::Comment, rest.find("*/").ok_or(Unclosed { at })? + 2),
            b'@' => (Kind::Macro, 1 + span(&rest[1..], is_word)),
            _ if is_word(first) => (Kind::Word, span(rest, is_word)),
            _ if first.is_ascii_whitespace() => (Kind::Space, span(rest, |byte| byte.is_ascii_whitespace())),
            _ => (Kind::Sign, 1),
        };
        tokens.push(Token { kind, text: &rest[..length], at });
        at += length;
    }
    Ok(tokens)
}

/// As both engines have it, whatever is not ASCII belongs to a name.
const fn is_word(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | 0x80..)
}

/// Every command that reads tables reads all projections first, so this is a plain loop: without optimisation, a third of
/// the time of `find`.
fn span(text: &str, belongs: impl Fn(u8) -> bool) -> usize {
    let (bytes, mut length) = (text.as_bytes(), 0);
    while length < bytes.len() && belongs(bytes[length]) {
        length += 1;
    }
    length
}

/// The length of a quoted text that `text` begins with; a doubled quote stands for itself.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut from = 1;
    loop {
        let behind = from + text[from..].find(quote)? + 1;
        if !text[behind..].starts_with(quote) {
            return Some(behind);
        }
        from = behind + 1;
    }
}

/// The line, from 1, that an offset is in.
pub fn line_of(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at.min(text.len())].iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hide_signs_and_comments() {
        let sql = "SELECT 'a;''b -- c', \"x;y\" -- d;\n, @text(a, 'k'); /* ; */";
        let tokens = tokens(sql).unwrap();
        assert_eq!(tokens.iter().map(|token| token.text).collect::<String>(), sql);
        assert_eq!(tokens.iter().filter(|token| token.is_sign(";")).count(), 1);
        assert_eq!(tokens.iter().find_map(Token::literal), Some("a;''b -- c"));
        assert!(tokens.iter().any(|token| token.kind == Kind::Macro && token.text == "@text"));
    }

    #[test]
    fn an_open_quote_is_found_where_it_begins() {
        assert_eq!(tokens("a 'b"), Err(Unclosed { at: 2 }));
    }
}

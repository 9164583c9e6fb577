//! Lines of a delimited file, split into fields.
//!
//! The `csv-core` machine does the splitting; it is fed line by line, so that a quote which is never closed costs one
//! line and not the rest of the file, and so that line numbers are right whatever ends the lines.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, BufRead};

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::cells::restored;
use super::columns::REFUSED;

/// The longest record, in bytes. An event may have no more, so nothing longer could be stored.
pub const MAX_RECORD_BYTES: usize = 256 * 1024;

/// How values are separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// Between two values.
    pub delimiter: u8,
    /// Whether double quotes enclose values; in tab-separated files they are text.
    pub quoting: bool,
}

impl Dialect {
    /// Tabs, no quoting.
    pub const TSV: Self = Self { delimiter: b'\t', quoting: false };

    /// Quoted values, separated by whichever of comma, semicolon and tab stands most often in the header line.
    #[must_use]
    pub fn of_csv_header(header: &str) -> Self {
        let count = |delimiter: char| header.matches(delimiter).count();
        let delimiter = match (count(','), count(';'), count('\t')) {
            (comma, semicolon, tab) if semicolon > comma && semicolon >= tab => b';',
            (comma, _, tab) if tab > comma => b'\t',
            _ => b',',
        };
        Self { delimiter, quoting: true }
    }
}

/// How bytes become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; a record that is not is read as Windows-1252.
    Auto,
    /// UTF-8; a record that is not is refused.
    Utf8,
    /// Windows-1252, which holds all of Latin-1's letters.
    Windows1252,
}

/// One record of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The number of the line that it begins in; the header is line 1.
    pub line: u64,
    /// Its values.
    pub fields: Vec<String>,
    /// Why it cannot be read as a record, although these fields were found.
    pub malformed: Option<String>,
    /// Whether it was not UTF-8 and was read as Windows-1252.
    pub fallback: bool,
}

/// Reads records one after the other.
pub struct Records<R> {
    input: R,
    machine: Reader,
    encoding: Encoding,
    delimiter: u8,
    columns: Option<usize>,
    /// Whether the file is one of refused lines, whose cells were kept from being formulas.
    is_defused: bool,
    /// Lines that were read ahead while a quote was open.
    pending: VecDeque<Line>,
    next_line: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
}

struct Line {
    number: u64,
    bytes: Vec<u8>,
    too_long: bool,
}

impl<R: BufRead> Records<R> {
    /// Reads `input` from its first line. A byte order mark is skipped.
    pub fn new(input: R, dialect: Dialect, encoding: Encoding) -> Self {
        let machine = ReaderBuilder::new().delimiter(dialect.delimiter).quoting(dialect.quoting).build();
        Self {
            input,
            machine,
            encoding,
            delimiter: dialect.delimiter,
            columns: None,
            is_defused: false,
            pending: VecDeque::new(),
            next_line: 1,
            text: vec![0; 1024],
            ends: vec![0; 64],
        }
    }

    /// The number of the last line that was read.
    pub fn lines_read(&self) -> u64 {
        self.next_line - 1
    }

    /// Skips the next line, whatever it holds.
    pub fn skip_line(&mut self) -> io::Result<()> {
        self.take_line().map(drop)
    }

    /// The next record that is not blank. The first one sets the number of columns that the others must have.
    pub fn read(&mut self) -> io::Result<Option<Record>> {
        loop {
            let Some(line) = self.take_line()? else { return Ok(None) };
            if line.bytes.iter().all(u8::is_ascii_whitespace) && !line.too_long {
                continue;
            }
            let is_header = self.columns.is_none();
            let mut record = self.record(line)?;
            if is_header {
                self.is_defused = REFUSED.iter().all(|name| record.fields.iter().any(|field| field == name));
            }
            if self.is_defused {
                record.fields = record.fields.into_iter().map(restored).collect();
            }
            if record.malformed.is_none() && record.fields.iter().all(|field| field.trim().is_empty()) {
                continue;
            }
            return Ok(Some(record));
        }
    }

    fn record(&mut self, first: Line) -> io::Result<Record> {
        if first.too_long {
            let reason = format!("the line is longer than {MAX_RECORD_BYTES} bytes");
            return Ok(self.unreadable(&first, reason));
        }
        self.machine.reset();
        let (mut written, mut ended) = (0, 0);
        let mut lines = vec![first];
        let mut bytes = 0;
        loop {
            let line = lines.last().expect("at least the first line");
            bytes += line.bytes.len();
            // Inside quotes the line's own end is kept; a last line without an end gets one, to end the record.
            let ended_line: Cow<'_, [u8]> = match line.bytes.last() {
                Some(b'\n' | b'\r') => Cow::Borrowed(&line.bytes),
                _ => Cow::Owned([&line.bytes[..], b"\n"].concat()),
            };
            if self.feed(&ended_line, &mut written, &mut ended) {
                return Ok(self.finish(lines[0].number, lines.len(), written, ended));
            }
            let next = if bytes > MAX_RECORD_BYTES { None } else { self.take_line()? };
            match next {
                Some(next) if !next.too_long => lines.push(next),
                too_long_or_end => {
                    // Only the line with the open quote is lost: reading goes on with the line after it.
                    self.pending.extend(too_long_or_end);
                    let first = lines.remove(0);
                    for line in lines.into_iter().rev() {
                        self.pending.push_front(line);
                    }
                    return Ok(
                        self.unreadable(&first, "a quote that is opened in this line is never closed".to_owned())
                    );
                }
            }
        }
    }

    /// Gives a line to the machine; true if the record is complete.
    fn feed(&mut self, mut input: &[u8], written: &mut usize, ended: &mut usize) -> bool {
        loop {
            let (result, read, out, ends) =
                self.machine.read_record(input, &mut self.text[*written..], &mut self.ends[*ended..]);
            input = &input[read..];
            *written += out;
            *ended += ends;
            match result {
                ReadRecordResult::Record => return true,
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return false,
                ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
            }
        }
    }

    fn finish(&mut self, line: u64, lines: usize, written: usize, ended: usize) -> Record {
        let text = &self.text[..written];
        let utf8 = std::str::from_utf8(text).is_ok();
        let mut start = 0;
        let mut fields = Vec::with_capacity(ended);
        for &end in &self.ends[..ended] {
            fields.push(self.decode(&text[start..end], utf8));
            start = end;
        }
        let columns = *self.columns.get_or_insert(fields.len());
        let mut malformed = None;
        if !utf8 && self.encoding == Encoding::Utf8 {
            malformed = Some("the line is not valid UTF-8".to_owned());
        } else if fields.len() != columns {
            let spanning = if lines > 1 { format!(", over {lines} lines") } else { String::new() };
            malformed = Some(format!("the line has {} values{spanning}; the header has {columns}", fields.len()));
        }
        let fallback = !utf8 && self.encoding == Encoding::Auto;
        Record { line, fields, malformed, fallback }
    }

    fn unreadable(&self, line: &Line, reason: String) -> Record {
        let utf8 = std::str::from_utf8(&line.bytes).is_ok();
        let shown = &line.bytes[..line.bytes.len().min(4096)];
        let fields = shown
            .trim_ascii_end()
            .split(|&byte| byte == self.delimiter)
            .map(|field| self.decode(field, utf8))
            .collect();
        Record { line: line.number, fields, malformed: Some(reason), fallback: false }
    }

    fn decode(&self, bytes: &[u8], utf8: bool) -> String {
        match self.encoding {
            Encoding::Windows1252 => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
            Encoding::Auto if !utf8 => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
            Encoding::Auto | Encoding::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// The next line with its end: `\n`, `\r\n` or a lone `\r`. Of a line that is too long, only the beginning is kept.
    fn take_line(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.pending.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::with_capacity(128);
        let mut too_long = false;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let end = buffer.iter().position(|&byte| byte == b'\n' || byte == b'\r');
            let taken = end.map_or(buffer.len(), |end| end + 1);
            if bytes.len() + taken <= MAX_RECORD_BYTES {
                bytes.extend_from_slice(&buffer[..taken]);
            } else {
                too_long = true;
            }
            let last = end.map(|end| buffer[end]);
            self.input.consume(taken);
            if last == Some(b'\r') && self.input.fill_buf()?.first() == Some(&b'\n') {
                self.input.consume(1);
                bytes.push(b'\n');
            }
            if last.is_some() {
                break;
            }
        }
        if bytes.is_empty() && !too_long {
            return Ok(None);
        }
        if self.next_line == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        let number = self.next_line;
        self.next_line += 1;
        Ok(Some(Line { number, bytes, too_long }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], dialect: Dialect, encoding: Encoding) -> Vec<Record> {
        let mut records = Records::new(text, dialect, encoding);
        std::iter::from_fn(|| records.read().unwrap()).collect()
    }

    fn csv(text: &[u8]) -> Vec<Record> {
        read(text, Dialect { delimiter: b',', quoting: true }, Encoding::Auto)
    }

    fn fields(record: &Record) -> Vec<&str> {
        record.fields.iter().map(String::as_str).collect()
    }

    #[test]
    fn quotes_bom_mixed_line_ends_and_blank_lines() {
        let records = csv(b"\xef\xbb\xbfa,b\r\n1,\"x,\"\"y\"\"\"\n\n  \r\n2,\"two\r\nlines\"\r3,last");
        assert_eq!(fields(&records[0]), ["a", "b"]);
        assert_eq!(fields(&records[1]), ["1", "x,\"y\""]);
        assert_eq!((records[2].line, fields(&records[2])), (5, vec!["2", "two\r\nlines"]));
        assert_eq!((records[3].line, fields(&records[3])), (7, vec!["3", "last"]));
        assert!(records.iter().all(|record| record.malformed.is_none()));
    }

    #[test]
    fn a_wrong_number_of_values_is_malformed_and_keeps_what_was_found() {
        let records = csv(b"a,b\n1\n1,2,3\n1,2\n");
        assert_eq!(records[1].malformed.as_deref(), Some("the line has 1 values; the header has 2"));
        assert_eq!(fields(&records[2]), ["1", "2", "3"]);
        assert_eq!(records[3].malformed, None);
    }

    #[test]
    fn an_open_quote_costs_one_line() {
        let records = csv(b"a,b\n1,\"open\n2,x\n3,y\n");
        assert_eq!(records[1].malformed.as_deref(), Some("a quote that is opened in this line is never closed"));
        assert_eq!((records[2].line, fields(&records[2])), (3, vec!["2", "x"]));
        assert_eq!((records[3].line, fields(&records[3])), (4, vec!["3", "y"]));
    }

    #[test]
    fn an_open_quote_in_a_long_file_is_given_up_after_one_record_length() {
        let mut text = b"a,b\n1,\"open\n".to_vec();
        for _ in 0..MAX_RECORD_BYTES / 2 {
            text.extend_from_slice(b"2,x\n");
        }
        let records = csv(&text);
        assert_eq!(records.len(), 2 + MAX_RECORD_BYTES / 2);
        assert_eq!(records.iter().filter(|record| record.malformed.is_some()).count(), 1);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_without_being_held() {
        let mut text = b"a,b\n1,".to_vec();
        text.resize(text.len() + 2 * MAX_RECORD_BYTES, b'x');
        text.extend_from_slice(b"\n2,y\n");
        let records = read(&text, Dialect { delimiter: b',', quoting: true }, Encoding::Auto);
        assert!(records[1].malformed.as_deref().unwrap().starts_with("the line is longer than"));
        assert_eq!((records[2].line, fields(&records[2])), (3, vec!["2", "y"]));
    }

    #[test]
    fn text_that_is_not_utf_8_is_windows_1252() {
        let text = b"a,b\ncaf\xe9,\x80 5\nna\xc3\xafve,z\n";
        let records = csv(text);
        assert_eq!((records[1].fallback, fields(&records[1])), (true, vec!["café", "€ 5"]));
        assert_eq!((records[2].fallback, fields(&records[2])), (false, vec!["naïve", "z"]));
        let dialect = Dialect { delimiter: b',', quoting: true };
        assert!(read(text, dialect, Encoding::Utf8)[1].malformed.is_some());
        assert_eq!(fields(&read(text, dialect, Encoding::Windows1252)[2]), ["naÃ¯ve", "z"]);
    }

    #[test]
    fn quotes_are_text_in_tab_separated_files() {
        let records = read(b"Label\tSMS\nham\t\"he said\nspam\t5\" \xc2\x92 off\n", Dialect::TSV, Encoding::Auto);
        assert_eq!(fields(&records[1]), ["ham", "\"he said"]);
        assert_eq!(fields(&records[2]), ["spam", "5\" \u{92} off"]);
    }

    #[test]
    fn the_header_shows_the_delimiter() {
        assert_eq!(Dialect::of_csv_header("a,b;c,d").delimiter, b',');
        assert_eq!(Dialect::of_csv_header("a;b,1;c").delimiter, b';');
        assert_eq!(Dialect::of_csv_header("a\tb").delimiter, b'\t');
        assert_eq!(Dialect::of_csv_header("a").delimiter, b',');
    }

    proptest::proptest! {
        /// Whatever the bytes are: no panic, every line is accounted for in order, and malformed lines say why.
        #[test]
        fn any_bytes_are_read_to_the_end(bytes in proptest::collection::vec(proptest::sample::select(b"a\",\r\n\xff\t".to_vec()), 0..200)) {
            let records = csv(&bytes);
            assert!(records.windows(2).all(|pair| pair[0].line < pair[1].line));
        }
    }
}

//! Where an export goes.

use std::io::{self, Write};

use crate::files::cells::defused_throughout;

/// Where an export goes, line by line.
pub struct Output {
    to: Box<dyn Write + Send>,
    /// A reader that went away (`| head`) ends the export quietly.
    closed: bool,
    /// Whether cells that begin as formulas are made harmless.
    spreadsheet: bool,
    /// Whether a record was written.
    begun: bool,
}

/// Without it, spreadsheets on Windows read text beyond ASCII in the system's own encoding.
const BYTE_ORDER_MARK: &str = "\u{feff}";

impl Output {
    /// Lines to a file or a pipe, which is best buffered. With `spreadsheet`, CSV begins with a byte order mark, and no cell of it is
    /// taken for a formula.
    #[must_use]
    pub fn new(to: Box<dyn Write + Send>, spreadsheet: bool) -> Self {
        Self { to, closed: false, spreadsheet, begun: false }
    }

    /// Whether nobody reads any more.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Writes a line.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.write(|to| writeln!(to, "{text}"))
    }

    /// Writes a record of CSV.
    pub fn record(&mut self, values: &[String]) -> io::Result<()> {
        let spreadsheet = self.spreadsheet;
        let is_first = !std::mem::replace(&mut self.begun, true);
        self.write(|to| {
            let mark = if spreadsheet && is_first { BYTE_ORDER_MARK } else { "" };
            let mut writer = csv::Writer::from_writer(mark.as_bytes().to_vec());
            let cell =
                |value: &String| if spreadsheet { defused_throughout(value).into_owned() } else { value.clone() };
            writer.write_record(values.iter().map(cell))?;
            // Flushing a writer over `to` would flush `to` as well, for each record.
            to.write_all(&writer.into_inner().map_err(csv::IntoInnerError::into_error)?)
        })
    }

    /// Ends it.
    pub fn finish(mut self) -> io::Result<()> {
        self.write(|to| to.flush())
    }

    fn write(&mut self, work: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match work(&mut self.to) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.closed = true,
            other => other?,
        }
        Ok(())
    }
}

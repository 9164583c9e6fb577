//! The files of a backup within: a line that names the kind, then frames, each a tag, a length and so many bytes.

use std::io::{self, ErrorKind, Read, Write};

/// The largest frame, in bytes: what is larger was not written by us.
const LARGEST: u32 = 256 * 1024 * 1024;

/// Begins a file of a kind.
pub(super) fn write_kind(out: &mut impl Write, kind: &str) -> io::Result<()> {
    out.write_all(kind.as_bytes())
}

/// Reads the beginning of a file, which must be of this kind.
pub(super) fn read_kind(input: &mut impl Read, kind: &str) -> io::Result<()> {
    let mut found = vec![0; kind.len()];
    input.read_exact(&mut found)?;
    if found == kind.as_bytes() {
        return Ok(());
    }
    let kind = kind.trim_end();
    Err(io::Error::new(ErrorKind::InvalidData, format!("it does not begin with {kind:?}")))
}

/// Writes a frame.
pub(super) fn write(out: &mut impl Write, tag: u8, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|length| *length <= LARGEST);
    let length = length.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "a frame is too large"))?;
    out.write_all(&[tag])?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(body)
}

/// Reads the next frame, its tag and its bytes; [`None`] at the end.
pub(super) fn read(input: &mut impl Read) -> io::Result<Option<(u8, Vec<u8>)>> {
    let Some((tag, length)) = read_head(input)? else { return Ok(None) };
    let mut body = Vec::with_capacity(length.min(1 << 20) as usize);
    input.take(u64::from(length)).read_to_end(&mut body)?;
    if body.len() == length as usize { Ok(Some((tag, body))) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

/// Reads the tag of the next frame and the number of its bytes, which follow.
pub(super) fn read_head(input: &mut impl Read) -> io::Result<Option<(u8, u32)>> {
    let mut tag = [0];
    if input.read(&mut tag)? == 0 {
        return Ok(None);
    }
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    match u32::from_be_bytes(length) {
        length if length <= LARGEST => Ok(Some((tag[0], length))),
        length => Err(io::Error::new(ErrorKind::InvalidData, format!("a frame of {length} bytes is too large"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_and_a_cut_file_does_not_end_quietly() {
        let mut file = vec![];
        write(&mut file, 1, b"one").expect("is written");
        write(&mut file, 2, b"").expect("is written");
        let mut input = file.as_slice();
        assert_eq!(read(&mut input).expect("a frame"), Some((1, b"one".to_vec())));
        assert_eq!(read(&mut input).expect("a frame"), Some((2, vec![])));
        assert_eq!(read(&mut input).expect("the end"), None);
        for length in 1..8 {
            assert!(read(&mut &file[..length]).is_err(), "{length}");
        }
    }
}

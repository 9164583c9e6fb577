//! What kind of picture bytes are, and how large it is: read from the bytes themselves, never from a name or a declared type.
//!
//! The size counts because a few bytes can stand for a picture that takes gigabytes once it is shown. SVG is not a picture here:
//! it is a document that may hold scripts and links.

use super::words;

words! {
    /// A kind of picture that every browser shows, by its media type.
    PictureType, "picture type" {
        /// PNG.
        Png = "image/png",
        /// JPEG.
        Jpeg = "image/jpeg",
        /// WebP.
        Webp = "image/webp",
    }
}

/// What bytes turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// The kind.
    pub media_type: PictureType,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// Reads the head of a picture; [`None`] if it is not one.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Picture> {
    let (media_type, (width, height)) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        (PictureType::Png, png(bytes)?)
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        (PictureType::Jpeg, jpeg(bytes)?)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12)? == b"WEBP" {
        (PictureType::Webp, webp(bytes)?)
    } else {
        return None;
    };
    (width > 0 && height > 0).then_some(Picture { media_type, width, height })
}

/// The first chunk is the header (PNG, third edition, 11.2.1).
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |from: usize| Some(u32::from_be_bytes(bytes.get(from..from + 4)?.try_into().ok()?));
    (bytes.get(12..16)? == b"IHDR").then_some(())?;
    Some((number(16)?, number(20)?))
}

/// Segments follow each other until the one that says how a frame is coded (ITU-T T.81, B.1.1.3 and B.2.2).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |from: usize| Some(u16::from_be_bytes(bytes.get(from..from + 2)?.try_into().ok()?));
    let mut at = 2;
    loop {
        (*bytes.get(at)? == 0xff).then_some(())?;
        match *bytes.get(at + 1)? {
            // Any number of bytes may fill up a segment.
            0xff => at += 1,
            // Of these, C4, C8 and CC say other things.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((u32::from(number(at + 7)?), u32::from(number(at + 5)?)));
            }
            // Without a length; the picture's end, or its content before its frame, is none.
            0x01 | 0xd0..=0xd7 => at += 2,
            0xd8..=0xda | 0x00 => return None,
            _ => at += 2 + usize::from(number(at + 2)?.max(2)),
        }
    }
}

/// The first chunk says how the picture is coded (RFC 9649, 2.5 to 2.7).
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    let number = |from: usize, length: usize| {
        let mut padded = [0; 4];
        padded[..length].copy_from_slice(bytes.get(from..from + length)?);
        Some(u32::from_le_bytes(padded))
    };
    match bytes.get(12..16)? {
        b"VP8 " => {
            (bytes.get(23..26)? == [0x9d, 0x01, 0x2a]).then_some(())?;
            Some((number(26, 2)? & 0x3fff, number(28, 2)? & 0x3fff))
        }
        b"VP8L" => {
            (*bytes.get(20)? == 0x2f).then_some(())?;
            let packed = number(21, 4)?;
            Some(((packed & 0x3fff) + 1, (packed >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => Some((number(24, 3)? + 1, number(27, 3)? + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(bytes: &[u8]) -> Option<(PictureType, u32, u32)> {
        read(bytes).map(|picture| (picture.media_type, picture.width, picture.height))
    }

    #[test]
    fn a_picture_says_itself_what_it_is() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x01\x40\0\0\0\x50\x08\x06\0\0\0";
        assert_eq!(size(png), Some((PictureType::Png, 320, 80)));
        // A segment of the application, two bytes that fill up, then a progressive frame.
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xff\xc2\0\x11\x08\0\x50\x01\x40\x03";
        assert_eq!(size(jpeg), Some((PictureType::Jpeg, 320, 80)));
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0abc\x9d\x01\x2a\x40\x01\x50\0";
        assert_eq!(size(lossy), Some((PictureType::Webp, 320, 80)));
        let lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x3f\xc1\x13\0";
        assert_eq!(size(lossless), Some((PictureType::Webp, 320, 80)));
        let extended = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0\x3f\x01\0\x4f\0\0";
        assert_eq!(size(extended), Some((PictureType::Webp, 320, 80)));
    }

    #[test]
    fn nothing_else_is_a_picture() {
        let others: [&[u8]; 12] = [
            b"",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
            b"GIF89a\x01\0\x01\0",
            b"<html>",
            b"\x89PNG\r\n\x1a\n",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\0\0\0\0\x50",
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dtEXt\0\0\x01\x40\0\0\0\x50",
            b"\xff\xd8\xff",
            b"\xff\xd8\xff\xda\0\x04ab\xff\xc0\0\x11\x08\0\x50\x01\x40",
            b"\xff\xd8\xff\xe0\0\0\xff\xe0\0\0",
            b"RIFF\0\0\0\0WAVEfmt ",
            b"RIFF\0\0\0\0WEBPVP8X",
        ];
        for bytes in others {
            assert_eq!(size(bytes), None, "{bytes:?}");
        }
    }
}

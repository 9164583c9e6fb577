//! Colours, and what can be read on them: contrast as WCAG 2.2 measures it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidValue;

/// The contrast that WCAG 2.2 asks of text at level AA (success criterion 1.4.3).
pub const READABLE: f64 = 4.5;

/// A colour in sRGB, written as `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(pub [u8; 3]);

impl Colour {
    /// Black.
    pub const BLACK: Self = Self([0; 3]);
    /// White.
    pub const WHITE: Self = Self([255; 3]);

    /// The contrast of two colours, from 1 (none) to 21 (black and white).
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever is read better on this colour: one of them always is [`READABLE`].
    #[must_use]
    pub fn ink(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) { Self::WHITE } else { Self::BLACK }
    }

    /// The colour itself if it can be read on `ground`; else darkened, or on a dark ground lightened, until it can.
    #[must_use]
    pub fn readable_on(self, ground: Self) -> Self {
        const STEPS: u16 = 20;
        let ink = ground.ink();
        let mixed = |step: u16| {
            let part = |own: u8, ink: u8| {
                let mixed = (u16::from(own) * (STEPS - step) + u16::from(ink) * step) / STEPS;
                u8::try_from(mixed).unwrap_or(u8::MAX)
            };
            let ([r, g, b], [ink_r, ink_g, ink_b]) = (self.0, ink.0);
            Self([part(r, ink_r), part(g, ink_g), part(b, ink_b)])
        };
        (0..STEPS).map(mixed).find(|colour| colour.contrast(ground) >= READABLE).unwrap_or(ink)
    }

    /// The relative luminance, from 0 (black) to 1 (white).
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [r, g, b] = self.0.map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }
}

impl FromStr for Colour {
    type Err = InvalidValue;

    /// Reads `#rrggbb` and the short form `#rgb`; the `#` may be missing.
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let wrong = || InvalidValue::new("colour", "must be a colour such as #7a1f3d");
        let digits = text.strip_prefix('#').unwrap_or(text);
        let long = match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            _ => digits.to_owned(),
        };
        let bytes = hex::decode(long).map_err(|_| wrong())?;
        bytes.try_into().map(Self).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Colour {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.to_string()
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Colours from all over the cube.
    fn colours() -> impl Iterator<Item = Colour> {
        let parts = || (0..=255_u8).step_by(15);
        parts().flat_map(move |r| parts().flat_map(move |g| parts().map(move |b| Colour([r, g, b]))))
    }

    #[test]
    fn a_colour_is_read_in_its_usual_forms_and_written_in_one() {
        for text in ["#7A1F3D", "7a1f3d", "#7a1f3d"] {
            assert_eq!(text.parse::<Colour>().map(String::from), Ok("#7a1f3d".to_owned()), "{text}");
        }
        assert_eq!("#fc0".parse(), Ok(Colour([0xff, 0xcc, 0])));
        for wrong in ["", "#", "#12", "#12345", "#1234567", "red", "#ggg", "#é1", "rgb(1,2,3)", "##123456", "#fff;x:y"]
        {
            assert!(wrong.parse::<Colour>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn contrast_is_as_wcag_defines_it() {
        assert!((Colour::BLACK.contrast(Colour::WHITE) - 21.0).abs() < 1e-9);
        // The lightest grey that passes on white is #767676, as the guideline's examples say.
        let grey = |part| Colour([part; 3]).contrast(Colour::WHITE);
        assert!(grey(0x76) >= READABLE && grey(0x77) < READABLE);
    }

    #[test]
    fn whatever_the_colour_its_text_can_be_read() {
        for colour in colours() {
            assert!(colour.contrast(colour.ink()) >= READABLE, "{colour}");
            for ground in [Colour([0xf5, 0xf5, 0xf4]), Colour::WHITE, Colour([0x1e, 0x1f, 0x24]), colour] {
                assert!(colour.readable_on(ground).contrast(ground) >= READABLE, "{colour} on {ground}");
            }
        }
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        let wine: Colour = "#7a1f3d".parse().expect("a colour");
        assert_eq!(wine.readable_on(Colour::WHITE), wine);
        assert_ne!(wine.readable_on(Colour::BLACK), wine);
    }
}

//! The style of a page: a fixed sheet, and the colours of a brand. Whatever colours are chosen, text on them can be read, by day
//! and by night.

use std::fmt::Write as _;

use crate::domain::tenant::brand::Brand;
use crate::domain::value::colour::Colour;

const SHEET: &str = include_str!("page.css");

/// The accent of who chose none.
const ACCENT: Colour = Colour([0x2b, 0x4c, 0x7e]);
/// The grounds on which the accent is read, as the sheet has them: of those of a scheme the one that leaves less contrast.
const LIGHT: Colour = Colour([0xf5, 0xf5, 0xf4]);
const DARK: Colour = Colour([0x1e, 0x1f, 0x24]);

/// The whole style of a page.
pub fn style(brand: &Brand) -> String {
    let accent = brand.accent.unwrap_or(ACCENT);
    let mut style = SHEET.to_owned();
    let (ink, light, dark) = (accent.ink(), accent.readable_on(LIGHT), accent.readable_on(DARK));
    let _ = write!(style, ":root{{--accent:{accent};--on-accent:{ink};--mark:{light}}}");
    let _ = write!(style, "@media(prefers-color-scheme:dark){{:root{{--mark:{dark}}}}}");
    if let Some(banner) = brand.banner {
        let _ = write!(style, ":root{{--banner:{banner};--on-banner:{}}}", banner.ink());
    }
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_has_the_grounds_that_the_accent_is_measured_on() {
        assert!(SHEET.contains(&format!("--page: {LIGHT}")), "{SHEET}");
        let dark = SHEET.split_once("prefers-color-scheme: dark").expect("a dark scheme").1;
        assert!(dark.contains(&format!("--card: {DARK}")), "{SHEET}");
    }

    #[test]
    fn a_brand_of_any_colour_is_read_in_both_schemes() {
        let brand = |accent, banner| Brand { accent: Some(accent), banner, ..Brand::default() };
        let yellow = style(&brand(Colour([0xff, 0xe0, 0x00]), Some(Colour::BLACK)));
        assert!(yellow.contains("--accent:#ffe000;--on-accent:#000000;"), "{yellow}");
        assert!(!yellow.contains("--on-accent:#000000;--mark:#ffe000"), "yellow is not read on a light page: {yellow}");
        assert!(yellow.ends_with("{:root{--mark:#ffe000}}:root{--banner:#000000;--on-banner:#ffffff}"), "{yellow}");
        assert!(!style(&Brand::default()).contains("--on-banner:#"), "without a banner the page's colour stays");
    }
}

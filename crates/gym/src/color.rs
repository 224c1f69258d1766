//! Colours: RGB, `#rgb`, `#rrggbb`, names.

use std::fmt;
use std::str::FromStr;

/// An opaque colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
}

/// A text that names no colour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a colour; write #rgb, #rrggbb or a name such as \"navy\": {0:?}")]
pub struct ColorError(pub String);

impl Color {
    pub const BLACK: Self = Self::rgb(0, 0, 0);
    pub const WHITE: Self = Self::rgb(255, 255, 255);

    pub const fn rgb(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// From a number such as `0x1a2b3c`; higher bits are ignored.
    pub const fn hex(rgb: u32) -> Self {
        Self::rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
    }
}

impl From<(u8, u8, u8)> for Color {
    fn from((red, green, blue): (u8, u8, u8)) -> Self {
        Self::rgb(red, green, blue)
    }
}

impl fmt::Display for Color {
    /// As on the wire: `#rrggbb`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl FromStr for Color {
    type Err = ColorError;

    /// Case and outer spaces do not matter.
    fn from_str(text: &str) -> Result<Self, ColorError> {
        let name = text.trim().to_ascii_lowercase();
        let color = match name.strip_prefix('#') {
            Some(digits) => from_digits(digits),
            None => NAMES
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, rgb)| Self::hex(*rgb)),
        };
        color.ok_or_else(|| ColorError(text.to_owned()))
    }
}

fn from_digits(digits: &str) -> Option<Color> {
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(digits, 16).ok()?;
    match digits.len() {
        6 => Some(Color::hex(number)),
        3 => {
            let double = |shift: u32| ((number >> shift & 0xF) * 0x11) as u8;
            Some(Color::rgb(double(8), double(4), double(0)))
        }
        _ => None,
    }
}

/// The names that CSS gives to these colours.
const NAMES: [(&str, u32); 42] = [
    ("aqua", 0x00ffff),
    ("beige", 0xf5f5dc),
    ("black", 0x000000),
    ("blue", 0x0000ff),
    ("brown", 0xa52a2a),
    ("chocolate", 0xd2691e),
    ("coral", 0xff7f50),
    ("crimson", 0xdc143c),
    ("cyan", 0x00ffff),
    ("darkblue", 0x00008b),
    ("darkgray", 0xa9a9a9),
    ("darkgreen", 0x006400),
    ("darkgrey", 0xa9a9a9),
    ("darkred", 0x8b0000),
    ("fuchsia", 0xff00ff),
    ("gold", 0xffd700),
    ("gray", 0x808080),
    ("green", 0x008000),
    ("grey", 0x808080),
    ("indigo", 0x4b0082),
    ("ivory", 0xfffff0),
    ("khaki", 0xf0e68c),
    ("lavender", 0xe6e6fa),
    ("lightblue", 0xadd8e6),
    ("lightgray", 0xd3d3d3),
    ("lightgrey", 0xd3d3d3),
    ("lime", 0x00ff00),
    ("magenta", 0xff00ff),
    ("maroon", 0x800000),
    ("navy", 0x000080),
    ("olive", 0x808000),
    ("orange", 0xffa500),
    ("pink", 0xffc0cb),
    ("purple", 0x800080),
    ("red", 0xff0000),
    ("salmon", 0xfa8072),
    ("silver", 0xc0c0c0),
    ("skyblue", 0x87ceeb),
    ("teal", 0x008080),
    ("violet", 0xee82ee),
    ("white", 0xffffff),
    ("yellow", 0xffff00),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_write_a_colour_meet() {
        for text in ["#FFA500", "orange", " Orange ", "#ffa500"] {
            assert_eq!(text.parse(), Ok(Color::from((255, 165, 0))), "{text}");
        }
        assert_eq!("#f80".parse(), Ok(Color::hex(0xff8800)));
        assert_eq!(Color::hex(0x01_0a_ff).to_string(), "#010aff");
    }

    #[test]
    fn every_name_is_known_and_sorted() {
        assert!(NAMES.is_sorted_by_key(|(name, _)| *name));
        for (name, rgb) in NAMES {
            assert_eq!(name.parse(), Ok(Color::hex(rgb)));
        }
    }

    #[test]
    fn what_is_no_colour_is_an_error_that_says_what_is() {
        for text in [
            "", "#", "#12", "#12345", "#1234567", "#ggg", "#+12", "reddish", "#é",
        ] {
            let error = text.parse::<Color>().unwrap_err();
            assert!(error.to_string().contains("#rrggbb"), "{error}");
        }
    }
}

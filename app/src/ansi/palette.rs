//! Reduces colours to the sixteen that the style sheets define in readable shades.

/// The nearest of the sixteen to one of xterm's 256.
pub(super) fn of_256(number: u8) -> u8 {
    match number {
        0..=15 => number,
        16..=231 => {
            let cube = number - 16;
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            of_rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
        }
        232..=255 => {
            let grey = 8 + 10 * (number - 232);
            of_rgb(grey, grey, grey)
        }
    }
}

/// The nearest of the sixteen to a true colour, by hue: a readable shade matters more than the exact one.
pub(super) fn of_rgb(r: u8, g: u8, b: u8) -> u8 {
    let (r, g, b) = (i32::from(r), i32::from(g), i32::from(b));
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let spread = most - least;
    if spread * 5 <= most {
        return match most {
            0..48 => 0,
            48..150 => 8,
            150..225 => 7,
            _ => 15,
        };
    }
    // Degrees of the colour wheel.
    let hue = if most == r {
        60 * (g - b) / spread
    } else if most == g {
        120 + 60 * (b - r) / spread
    } else {
        240 + 60 * (r - g) / spread
    };
    let plain = match (hue + 360) % 360 {
        20..=80 => 3,
        81..=160 => 2,
        161..=205 => 6,
        206..=265 => 4,
        266..=335 => 5,
        _ => 1,
    };
    if most >= 225 { plain + 8 } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_are_kept() {
        for (rgb, number) in [
            ((200, 30, 30), 1),
            ((30, 160, 40), 2),
            ((200, 150, 20), 3),
            ((40, 60, 190), 4),
            ((150, 40, 160), 5),
            ((30, 160, 170), 6),
            ((255, 120, 120), 9),
            ((120, 255, 130), 10),
            ((255, 180, 0), 11),
            ((0, 0, 0), 0),
            ((90, 90, 90), 8),
            ((200, 200, 205), 7),
            ((255, 255, 255), 15),
        ] {
            let (r, g, b) = rgb;
            assert_eq!(of_rgb(r, g, b), number, "{rgb:?}");
        }
    }

    #[test]
    fn every_number_maps_to_one_of_sixteen() {
        assert!((0..=255).all(|number| of_256(number) < 16));
        assert!((0..16).all(|number| of_256(number) == number));
    }
}

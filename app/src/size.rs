//! Sizes in words.

/// By how many bytes something grew, with its sign, in the unit in which it has one to four digits before the point:
/// `+13.9 KiB`.
pub(crate) fn size(bytes: i64) -> String {
    let sign = if bytes < 0 { '−' } else { '+' };
    let mut tenths = u128::from(bytes.unsigned_abs()) * 10;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if tenths < 10_240 {
            return match unit {
                "B" => format!("{sign}{} B", tenths / 10),
                _ => format!("{sign}{}.{} {unit}", tenths / 10, tenths % 10),
            };
        }
        tenths = (tenths + 512) / 1024;
    }
    format!("{sign}{}.{} TiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn the_unit_fits() {
        for (bytes, words) in [
            (0, "+0 B"),
            (-1023, "−1023 B"),
            (13 * 1024 + 922, "+13.9 KiB"),
            (2400 * 1024, "+2.3 MiB"),
            (-(3 << 30), "−3.0 GiB"),
            (i64::MAX, "+8388608.0 TiB"),
        ] {
            assert_eq!(size(bytes), words, "{bytes}");
        }
    }
}

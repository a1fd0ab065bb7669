//! Options of the demo.

use std::time::Duration;

use clap::Args;

/// Options of the demo.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// For programs: print one line of JSON that says where everything is, once all is ready. Everything else
    /// goes to standard error.
    #[arg(long)]
    pub(crate) json: bool,
    /// End after this time, such as 90s, 10m or 1h.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) until: Option<Duration>,
    /// Port of the server; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("“{text}” is not a duration: write a whole number and s, m or h, as in 90s");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_number_and_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
        assert_eq!(duration("2h"), Ok(Duration::from_hours(2)));
    }

    #[test]
    fn anything_else_is_no_time() {
        for wrong in ["", "s", "60", "1.5h", "-1s", "5d", "5ä", "99999999999s"] {
            assert!(duration(wrong).unwrap_err().contains("90s"), "{wrong}");
        }
    }
}

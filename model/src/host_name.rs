//! The order of hosts by name.

use std::cmp::Ordering;

/// Compares host names as every list of hosts sorts them: without regard to case. Names that differ in case
/// alone are in byte order, so that the order is total.
pub fn cmp_host_names(one: &str, other: &str) -> Ordering {
    lower(one).cmp(lower(other)).then_with(|| one.cmp(other))
}

fn lower(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_decides_only_between_equals() {
        let mut names = ["web", "Backup", "apple", "backup", "web2"];
        names.sort_by(|one, other| cmp_host_names(one, other));
        assert_eq!(names, ["apple", "Backup", "backup", "web", "web2"]);
    }
}

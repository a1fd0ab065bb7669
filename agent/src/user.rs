//! Users of this machine.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use crate::command::{self, Invocation, User};

/// The list of users on Linux.
const PASSWD: &str = "/etc/passwd";
/// Time limit for asking another program about a user.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Returns the user with this number.
pub(crate) fn user(uid: u32) -> Option<User> {
    let listed = fs::read_to_string(PASSWD).unwrap_or_default();
    find(&listed, uid).or_else(|| find(&look_up(uid)?, uid))
}

/// Returns the owner of a folder, following links.
pub(crate) fn owner(path: &Path) -> io::Result<u32> {
    fs::metadata(path).map(|found| found.uid())
}

/// Looks up a user that no file lists: from a directory service, or on a Mac.
fn look_up(uid: u32) -> Option<String> {
    let program = if cfg!(target_os = "macos") { ["id", "-P"] } else { ["getent", "passwd"] };
    let words = [program[1].to_owned(), uid.to_string()];
    command::read(&Invocation::new(&[program[0].to_owned()], words), TIMEOUT).ok()
}

fn find(listed: &str, uid: u32) -> Option<User> {
    listed.lines().filter_map(parse).find(|user| user.uid == uid)
}

/// Parses `name:password:uid:gid:…:home:shell`. The middle differs: Linux has one field there, a Mac's `id
/// -P` four.
fn parse(line: &str) -> Option<User> {
    let fields: Vec<_> = line.trim_end().split(':').collect();
    let [name, _, uid, gid, .., home, _] = fields.as_slice() else { return None };
    Some(User { uid: uid.parse().ok()?, gid: gid.parse().ok()?, name: (*name).to_owned(), home: home.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_on_linux_and_on_a_mac() {
        let linux = "root:x:0:0:root:/root:/bin/bash\nalex:x:1000:100:Alex,,,:/home/alex:/bin/zsh\n";
        let mac = "alex:********:1000:100::0:0:Alex:/home/alex:/bin/zsh\n";
        for listed in [linux, mac] {
            let alex = find(listed, 1000).unwrap();
            assert_eq!((alex.gid, alex.name.as_str()), (100, "alex"));
            assert_eq!(alex.home, Path::new("/home/alex"));
        }
        assert_eq!(find(linux, 7), None);
        assert_eq!(find("broken\n::::\n", 0), None);
    }

    #[test]
    fn root_is_known_everywhere() {
        assert_eq!(user(0).unwrap().name, "root");
    }
}

//! What is known of a host, and how old that is.
//!
//! The lights of a host that is connected are never stale: its agent looks at the host all the time and tells what has
//! changed, and one that stands still is disconnected within a minute. So there is no age of facts at which a host
//! would count as stale, only whether its agent is there. What a page knows is old where the page itself has lost the
//! server, and that is said of the whole page.

use backstay_model::{HostView, Light, State};

/// One of a host's lights, by its place. Of a host that is offline, it says what was so when it was last heard of.
pub(crate) fn light_of(host: &HostView, place: usize) -> Light {
    let light = host.lights.named()[place].1;
    // What was never known was nothing either.
    if host.online || light.state == State::Unknown {
        return light.clone();
    }
    Light {
        state: light.state,
        words: format!("was: {}", light.words),
        hint: format!("When last seen: {}", light.hint),
    }
}

/// The worst that a host's lights show.
pub(crate) fn worst_of(host: &HostView) -> State {
    let lights = host.lights.named();
    [State::Failed, State::Attention, State::Working, State::Unknown]
        .into_iter()
        .find(|state| lights.iter().any(|(_, light)| light.state == *state))
        .unwrap_or(State::Ok)
}

#[cfg(test)]
mod tests {
    use super::super::sample::host;
    use super::*;

    #[test]
    fn the_lights_of_a_host_that_is_offline_say_that_they_are_old() {
        let there = host("gpc0");
        assert_eq!(light_of(&there, 3), there.lights.system);
        let away = HostView { online: false, ..there };
        assert_eq!(light_of(&away, 3).words, "was: Fine");
        assert_eq!(light_of(&away, 3).state, away.lights.system.state);
    }

    #[test]
    fn the_worst_light_is_found_wherever_it_is() {
        let mut host = host("gpc0");
        assert_eq!(worst_of(&host), State::Ok);
        host.lights.agent.state = State::Unknown;
        assert_eq!(worst_of(&host), State::Unknown);
        host.lights.tests.state = State::Working;
        assert_eq!(worst_of(&host), State::Working);
        host.lights.lock.state = State::Attention;
        assert_eq!(worst_of(&host), State::Attention);
        host.lights.git.state = State::Failed;
        assert_eq!(worst_of(&host), State::Failed);
    }
}

//! The lights of a host as the fleet page shows them.
//!
//! The lights of a connected host are never stale: its agent watches the host and reports changes, and an
//! agent that hangs is disconnected within a minute. So facts have no maximum age; it only matters whether
//! the agent is connected. If the page itself has lost the server, a banner says so for the whole page.

use backstay_model::{HostView, Light, State};

/// One of a host's lights, by index. For an offline host, it shows the last known state.
pub(crate) fn light_of(host: &HostView, place: usize) -> Light {
    let light = host.lights.named()[place].1;
    // An unknown light has no last known state.
    if host.online || light.state == State::Unknown {
        return light.clone();
    }
    Light {
        state: light.state,
        words: format!("was: {}", light.words),
        hint: format!("When last seen: {}", light.hint),
    }
}

/// The worst state of a host's lights.
pub(crate) fn worst_of(host: &HostView) -> State {
    let lights = host.lights.named();
    [State::Failed, State::Attention, State::Working, State::Unknown]
        .into_iter()
        .find(|state| lights.iter().any(|(_, light)| light.state == *state))
        .unwrap_or(State::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backstay_model::sample::host;

    #[test]
    fn the_lights_of_an_offline_host_show_the_past() {
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

//! Marks that people put on generations.

use backstay_model::{GenerationPin, GenerationRef, HostId};

use super::Bench;
use super::fixture::{at, audited, enrolled, entry, facts, generation};

fn pin(number: u32, note: &str) -> GenerationPin {
    GenerationPin {
        generation: generation(number).reference(),
        by: "maria".into(),
        at: at(1),
        note: note.into(),
    }
}

pub(super) async fn a_pin_is_kept_with_its_audit_entry(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    store.record_facts(id, &facts(1, &[48, 47])).await.unwrap();
    for known in [pin(47, "“before” the kernel"), pin(48, ""), pin(47, "still the best")] {
        store.put_pin(id, &known, &entry("generation.pinned")).await.unwrap();
    }
    store.put_pin(HostId::new(), &pin(47, ""), &entry("generation.pinned")).await.unwrap();
    assert_eq!(store.pins(id).await.unwrap(), [pin(48, ""), pin(47, "still the best")]);

    let other = GenerationRef { store_path: "/nix/store/other".into(), ..generation(48).reference() };
    for gone in [generation(48).reference(), generation(48).reference(), other] {
        store.delete_pin(id, &gone, &entry("generation.unpinned")).await.unwrap();
    }
    assert_eq!(store.pins(id).await.unwrap(), [pin(47, "still the best")]);
    let pinned = ["generation.pinned"; 3];
    assert_eq!(audited(&*store).await, [&pinned[..], &["generation.unpinned"]].concat());
}

pub(super) async fn pins_of_generations_that_left_the_profile_make_room(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    store.record_facts(id, &facts(1, &[48, 47])).await.unwrap();
    store.put_pin(id, &pin(47, ""), &entry("generation.pinned")).await.unwrap();
    store.record_facts(id, &facts(2, &[48])).await.unwrap();
    assert_eq!(store.pins(id).await.unwrap().len(), 1, "it may come back");
    store.put_pin(id, &pin(48, ""), &entry("generation.pinned")).await.unwrap();
    assert_eq!(store.pins(id).await.unwrap(), [pin(48, "")]);
}

pub(super) async fn a_removed_host_takes_its_pins_with_it(bench: &mut impl Bench) {
    let store = bench.store();
    let id = enrolled(&*store, "gpc0").await.id;
    store.record_facts(id, &facts(1, &[47])).await.unwrap();
    store.put_pin(id, &pin(47, ""), &entry("generation.pinned")).await.unwrap();
    assert!(store.remove_host(id, at(9), &entry("host.removed")).await.unwrap());
    store.put_pin(id, &pin(47, ""), &entry("generation.pinned")).await.unwrap();
    assert_eq!(store.pins(id).await.unwrap(), []);
}

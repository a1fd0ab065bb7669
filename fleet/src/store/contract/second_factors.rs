//! Second factors.

use backstay_model::Role;

use super::Bench;
use super::fixture::{audited, entry, put};
use crate::store::{PersonChange, Store, TokenHash};

const CODES: [&str; 2] = ["one", "two"];

/// Gives maria a confirmed second factor, whose first code was that of step 7.
async fn confirmed(store: &dyn Store) {
    put(store, "maria", "h", Role::Viewer).await;
    assert!(store.put_second_factor("maria", "seed").await.unwrap());
    let codes = CODES.map(TokenHash::of);
    assert!(store.confirm_second_factor("maria", "seed", 7, &codes, &entry("factor.on")).await.unwrap());
}

pub(super) async fn a_seed_counts_once_it_is_confirmed(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    assert_eq!(store.second_factor("maria").await.unwrap(), None);
    assert!(!store.put_second_factor("nobody", "seed").await.unwrap());
    for seed in ["first", "second"] {
        assert!(store.put_second_factor("maria", seed).await.unwrap());
    }
    assert!(!store.second_factor("maria").await.unwrap().unwrap().is_confirmed);
    assert!(!store.use_step("maria", 9).await.unwrap(), "it is not confirmed");
    let confirm = async |seed: &str| {
        store.confirm_second_factor("maria", seed, 7, &[TokenHash::of("x")], &entry("factor.on")).await.unwrap()
    };
    assert!(!confirm("first").await, "another seed replaced it");
    assert!(confirm("second").await);
    assert!(!confirm("second").await, "once");
    assert!(!store.put_second_factor("maria", "third").await.unwrap(), "a confirmed one stays");
    let factor = store.second_factor("maria").await.unwrap().unwrap();
    assert_eq!((factor.sealed_seed.as_str(), factor.is_confirmed, factor.recovery_codes), ("second", true, 1));
    assert_eq!(audited(&*store).await.iter().filter(|action| *action == "factor.on").count(), 1);
}

pub(super) async fn a_code_works_once_also_if_two_servers_get_it(bench: &mut impl Bench) {
    let (one, other) = (bench.store(), bench.another().await);
    confirmed(&*one).await;
    assert!(!one.use_step("maria", 7).await.unwrap(), "it confirmed the seed");
    let used = tokio::join!(one.use_step("maria", 8), other.use_step("maria", 8));
    assert_eq!([used.0.unwrap(), used.1.unwrap()].iter().filter(|used| **used).count(), 1);
    assert!(!one.use_step("maria", 6).await.unwrap(), "an earlier one");
    assert!(one.use_step("maria", 9).await.unwrap());
    let code = TokenHash::of("one");
    let audit = entry("factor.recovery");
    let used = tokio::join!(
        one.use_recovery_code("maria", &code, &audit),
        other.use_recovery_code("maria", &code, &audit)
    );
    assert_eq!([used.0.unwrap(), used.1.unwrap()].iter().filter(|used| **used).count(), 1);
    assert!(!one.use_recovery_code("otto", &TokenHash::of("two"), &audit).await.unwrap());
    assert_eq!(one.second_factor("maria").await.unwrap().unwrap().recovery_codes, 1);
}

pub(super) async fn a_removed_second_factor_leaves_nothing(bench: &mut impl Bench) {
    let store = bench.store();
    confirmed(&*store).await;
    assert!(store.remove_second_factor("maria", &entry("factor.off")).await.unwrap());
    assert!(!store.remove_second_factor("maria", &entry("factor.off")).await.unwrap());
    assert_eq!(store.second_factor("maria").await.unwrap(), None);
    assert!(!store.use_recovery_code("maria", &TokenHash::of("one"), &entry("x")).await.unwrap());
    confirmed(&*store).await;
    put(&*store, "boss", "h", Role::Admin).await;
    store.change_person("maria", PersonChange::Delete, &entry("x")).await.unwrap();
    assert_eq!(store.sealed_seeds().await.unwrap(), []);
}

pub(super) async fn a_seed_is_resealed_if_it_is_still_the_same(bench: &mut impl Bench) {
    let store = bench.store();
    confirmed(&*store).await;
    store.reseal("maria", "another", "new").await.unwrap();
    assert_eq!(store.sealed_seeds().await.unwrap(), [("maria".to_owned(), "seed".to_owned())]);
    store.reseal("maria", "seed", "new").await.unwrap();
    assert_eq!(store.sealed_seeds().await.unwrap(), [("maria".to_owned(), "new".to_owned())]);
    assert!(store.use_step("maria", 8).await.unwrap());
}

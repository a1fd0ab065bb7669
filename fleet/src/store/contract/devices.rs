//! Browsers on which people have logged in.

use backstay_model::Role;

use super::Bench;
use super::fixture::{at, entry};
use crate::store::{DEVICES_KEPT, TokenHash, UserRecord};

pub(super) async fn a_device_is_known_for_its_person_and_for_a_time(bench: &mut impl Bench) {
    let store = bench.store();
    for name in ["maria", "jonas"] {
        let user = UserRecord { name: name.to_owned(), password_hash: "h".to_owned(), role: Role::Viewer };
        store.put_user(&user, &entry("user.set")).await.unwrap();
    }
    let device = TokenHash::of("d");
    store.put_device(&device, "maria", at(10)).await.unwrap();
    assert!(store.is_known_device(&device, "maria", at(9)).await.unwrap());
    assert!(!store.is_known_device(&device, "maria", at(10)).await.unwrap(), "used too long ago");
    assert!(!store.is_known_device(&device, "jonas", at(0)).await.unwrap(), "another person's");
    assert!(!store.is_known_device(&TokenHash::of("e"), "maria", at(0)).await.unwrap());
    for number in 0..DEVICES_KEPT {
        let later = TokenHash::of(&number.to_string());
        store.put_device(&later, "maria", at(i64::from(number) + 20)).await.unwrap();
    }
    assert!(!store.is_known_device(&device, "maria", at(0)).await.unwrap(), "the oldest is forgotten");
    assert!(store.is_known_device(&TokenHash::of("0"), "maria", at(0)).await.unwrap());
}

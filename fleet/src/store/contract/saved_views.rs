//! Views of the fleet page that people saved.

use backstay_model::Role;

use super::Bench;
use super::fixture::put;
use crate::store::{SAVED_VIEWS, SavedView};

fn view(name: &str, address: &str) -> SavedView {
    SavedView { name: name.into(), address: address.into() }
}

pub(super) async fn a_view_belongs_to_the_person_who_saved_it(bench: &mut impl Bench) {
    let store = bench.store();
    for name in ["maria", "jonas"] {
        put(&*store, name, "h", Role::Viewer).await;
    }
    let failed = view("Failed", "/?q=status:failed");
    for saved in [view("web", "/?q=web"), view("Failed", "/?q=gpc"), failed.clone()] {
        assert!(store.put_saved_view("maria", &saved).await.unwrap());
    }
    assert_eq!(store.saved_views("maria").await.unwrap(), [failed.clone(), view("web", "/?q=web")]);
    assert_eq!(store.saved_views("jonas").await.unwrap(), []);
    store.delete_saved_view("jonas", "Failed").await.unwrap();
    store.delete_saved_view("maria", "web").await.unwrap();
    assert_eq!(store.saved_views("maria").await.unwrap(), [failed]);
}

pub(super) async fn a_person_saves_so_many_views_and_no_more(bench: &mut impl Bench) {
    let store = bench.store();
    put(&*store, "maria", "h", Role::Viewer).await;
    for number in 0..SAVED_VIEWS {
        assert!(store.put_saved_view("maria", &view(&format!("view {number}"), "/")).await.unwrap());
    }
    assert!(!store.put_saved_view("maria", &view("one more", "/")).await.unwrap());
    assert!(store.put_saved_view("maria", &view("view 3", "/?q=web")).await.unwrap(), "it takes no room");
    assert_eq!(store.saved_views("maria").await.unwrap().len(), SAVED_VIEWS as usize);
}

//! Fields that follow what is known, without taking from a person what is being written.

use js_sys::Reflect;
use leptos::tachys::html::property::IntoProperty;
use wasm_bindgen::JsValue;
use web_sys::Element;

/// What a field says, but for what a person has written or checked before the page was alive: Leptos would put the page's
/// own value in place of that, and it would be lost. The next change of the value counts again.
#[derive(Debug, Clone)]
pub(crate) struct Hydrated<V>(pub(crate) V);

impl<V> IntoProperty for Hydrated<V>
where
    V: Into<JsValue> + Clone + 'static,
{
    type State = (Element, JsValue);
    type Cloneable = Self;
    type CloneableOwned = Self;

    fn hydrate<const FROM_SERVER: bool>(self, field: &Element, _: &str) -> Self::State {
        (field.clone(), self.0.into())
    }

    fn build(self, field: &Element, name: &str) -> Self::State {
        let value = self.0.into();
        set(field, name, &value);
        (field.clone(), value)
    }

    fn rebuild(self, (field, before): &mut Self::State, name: &str) {
        let value = self.0.into();
        if value != *before {
            set(field, name, &value);
            *before = value;
        }
    }

    fn into_cloneable(self) -> Self {
        self
    }

    fn into_cloneable_owned(self) -> Self {
        self
    }
}

fn set(field: &Element, name: &str, value: &JsValue) {
    // Every field takes its own properties.
    let _ = Reflect::set(field, &name.into(), value);
}

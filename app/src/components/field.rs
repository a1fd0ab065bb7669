//! Form fields that follow signals without overwriting a person's input.

use js_sys::Reflect;
use leptos::tachys::html::property::IntoProperty;
use wasm_bindgen::JsValue;
use web_sys::Element;

/// A field's value that hydration does not set: a person may have filled in the field before the page was
/// alive, and Leptos would overwrite that with the page's own value. Later changes of the value are applied.
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
    // Setting a field's own property never fails.
    let _ = Reflect::set(field, &name.into(), value);
}

//! A panic must not end as a bare "unreachable executed".

/// Makes a panic throw a JavaScript error with its message and place. Nothing was unwound, so the
/// module is to be discarded: the object whose method panicked stays borrowed and throws from then
/// on instead of going on with half a change, and a second panic is a bare `unreachable`.
pub(crate) fn report_to_javascript() {
    std::panic::set_hook(Box::new(|info| {
        wasm_bindgen::throw_str(&info.to_string());
    }));
}

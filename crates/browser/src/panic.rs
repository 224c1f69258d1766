//! A panic must not end as a bare "unreachable executed".

/// Makes a panic throw a JavaScript error with its message and place. The object whose method
/// panicked stays borrowed, so later calls of it throw too instead of going on with half a change.
pub(crate) fn report_to_javascript() {
    std::panic::set_hook(Box::new(|info| {
        wasm_bindgen::throw_str(&info.to_string());
    }));
}

//! The wasm entry: hydrates the app.

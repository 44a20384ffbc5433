//! The browser's own dialogs for passkeys. The server writes what it asks for as JSON, and bytes in it as base64url (RFC
//! 4648, section 5); the browser wants bytes there, and gives bytes.

use crate::error::AppError;
use domain::errors::{ErrorClass, Problem};
use js_sys::{Array, Function, JSON, Object, Promise, Reflect, Uint8Array};
use leptos::prelude::window;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

/// Has a device make a passkey. Gives its answer as the server reads it.
///
/// # Errors
/// A sentence that says why there is none.
pub async fn make(options: &str) -> Result<String, AppError> {
    async {
        written(
            &call("create", options).await?,
            &["clientDataJSON", "attestationObject"],
        )
    }
    .await
    .map_err(|error| told(&error))
}

/// Has a device answer with a passkey that it holds.
///
/// # Errors
/// As [`make`].
pub async fn ask(options: &str) -> Result<String, AppError> {
    const PARTS: [&str; 4] = ["clientDataJSON", "authenticatorData", "signature", "userHandle"];
    async { written(&call("get", options).await?, &PARTS) }
        .await
        .map_err(|error| told(&error))
}

async fn call(method: &str, options: &str) -> Result<JsValue, JsValue> {
    let options = JSON::parse(options)?;
    let public = get(&options, "publicKey")?;
    decode(&public, "challenge")?;
    if let Ok(user) = get(&public, "user")
        && user.is_object()
    {
        decode(&user, "id")?;
    }
    for list in ["excludeCredentials", "allowCredentials"] {
        let list = get(&public, list)?;
        if Array::is_array(&list) {
            for known in Array::from(&list).iter() {
                decode(&known, "id")?;
            }
        }
    }
    // Browsers leave it out on pages that they do not hold safe.
    let credentials = get(&window().navigator(), "credentials")?;
    let function: Function = get(&credentials, method)?.dyn_into()?;
    let promise: Promise = function.call1(&credentials, &options)?.dyn_into()?;
    JsFuture::from(promise).await
}

/// The answer, with these parts of its response.
fn written(credential: &JsValue, parts: &[&str]) -> Result<String, JsValue> {
    let id = encode(&get(credential, "rawId")?)?;
    let (from, response) = (get(credential, "response")?, Object::new());
    for part in parts {
        let bytes = get(&from, part)?;
        let text = if bytes.is_null() || bytes.is_undefined() {
            JsValue::NULL
        } else {
            encode(&bytes)?
        };
        put(&response, part, &text)?;
    }
    let answer = Object::new();
    put(&answer, "id", &id)?;
    put(&answer, "rawId", &id)?;
    put(&answer, "type", &"public-key".into())?;
    put(&answer, "response", &response)?;
    Ok(JSON::stringify(&answer)?.into())
}

fn get(object: &JsValue, key: &str) -> Result<JsValue, JsValue> {
    Reflect::get(object, &key.into())
}

fn put(object: &JsValue, key: &str, value: &JsValue) -> Result<(), JsValue> {
    Reflect::set(object, &key.into(), value).map(|_| ())
}

/// Puts bytes where base64url is.
fn decode(object: &JsValue, key: &str) -> Result<(), JsValue> {
    let text = get(object, key)?.as_string().unwrap_or_default();
    let bytes: Vec<u8> = window()
        .atob(&text.replace('-', "+").replace('_', "/"))?
        .chars()
        // One character for each byte.
        .map(|c| u8::try_from(u32::from(c)).unwrap_or_default())
        .collect();
    put(object, key, &Uint8Array::from(bytes.as_slice()))
}

fn encode(bytes: &JsValue) -> Result<JsValue, JsValue> {
    let text: String = Uint8Array::new(bytes)
        .to_vec()
        .into_iter()
        .map(char::from)
        .collect();
    let coded = window().btoa(&text)?.replace('+', "-").replace('/', "_");
    Ok(coded.trim_end_matches('=').into())
}

/// What the browser says when there is no passkey.
fn told(error: &JsValue) -> AppError {
    let name = get(error, "name").ok().and_then(|name| name.as_string());
    let text = match name.as_deref() {
        Some("NotAllowedError" | "AbortError") => {
            "No passkey was given: it was cancelled, took too long, or this device has none for here. Try again."
        }
        Some("InvalidStateError") => "This device holds a passkey for your account already.",
        Some("NotSupportedError" | "ConstraintError") => {
            "This device cannot hold such a passkey: it must check a finger, a face or a PIN. Take another device."
        }
        Some("SecurityError") => {
            "The browser allows passkeys of this server at another address only. Open Chrontainer there."
        }
        _ => "This browser has no passkeys, or does not hold this page safe. Use another browser, or https.",
    };
    AppError(Problem::new(ErrorClass::BadRequest, "passkey_not_given", text))
}

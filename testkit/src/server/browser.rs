//! What a browser does, without a browser: cookies, `Origin`, forms.

use reqwest::{Client, Method, RequestBuilder, header};
use serde_json::Value;
use url::form_urlencoded;

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// Sends a request and reads the answer.
    ///
    /// # Panics
    /// When there is none.
    pub async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("the answer has an end");
        Self {
            status,
            headers,
            text,
        }
    }

    /// The body.
    ///
    /// # Panics
    /// When it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("no JSON ({error}), status {}: {}", self.status, self.text))
    }

    /// The code of an error, of the API or of a server function.
    pub fn code(&self) -> String {
        let body = self.json();
        let code = body.pointer("/error/code").or_else(|| body.get("code"));
        code.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// A browser with one site open.
#[derive(Clone, Debug)]
pub struct Browser {
    http: Client,
    url: String,
    /// `name=value` of the session cookie.
    pub cookie: Option<String>,
    /// The same of a sign-in that is under way at a provider.
    pub flow: Option<String>,
    /// Headers that a proxy in between adds.
    pub proxy: Vec<(String, String)>,
    /// Where its pages come from.
    pub origin: String,
}

impl Browser {
    pub(super) fn new(http: Client, url: &str) -> Self {
        Self {
            http,
            url: url.to_owned(),
            cookie: None,
            flow: None,
            proxy: Vec::new(),
            origin: url.to_owned(),
        }
    }

    /// Opens a page.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn open(&mut self, path: &str) -> Answer {
        let request = self
            .request(Method::GET, path)
            .header(header::ACCEPT, "text/html");
        self.send(request).await
    }

    /// Reads from a server function, as a page's script does.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn fetch(&mut self, path: &str) -> Answer {
        let request = self
            .request(Method::GET, path)
            .header(header::ACCEPT, "application/json");
        self.send(request).await
    }

    /// Calls a server function with a form, as a page's script does.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn call(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self
            .request(Method::POST, path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json")
            .header(header::ORIGIN, self.origin.clone())
            .body(form);
        self.send(request).await
    }

    /// Signs in and keeps the cookie.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.call("/_fn/auth/sign-in", &[("name", name), ("password", password)])
            .await
    }

    /// A request with the cookie.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        let cookies: Vec<&str> = self.cookie.iter().chain(&self.flow).map(String::as_str).collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        for (name, value) in &self.proxy {
            request = request.header(name, value);
        }
        request
    }

    /// Sends a request and keeps the cookie that the answer sets.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&mut self, request: RequestBuilder) -> Answer {
        let answer = Answer::of(request).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let pair = cookie
                .to_str()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default();
            let kept = (!pair.ends_with('=')).then(|| pair.to_owned());
            if pair.split('=').next().is_some_and(|name| name.ends_with("-flow")) {
                self.flow = kept;
            } else {
                self.cookie = kept;
            }
        }
        answer
    }
}

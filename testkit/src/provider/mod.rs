//! A provider to sign in with, in the test's own process: OpenID Connect with ES256, and GitHub's way beside it. It checks what
//! a client must send, and can be told to answer as somebody would who means ill.

mod github;
mod keys;
mod openid;

use axum::{Router, routing};
use keys::Key;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use tokio::{net::TcpListener, task::JoinHandle};

/// What the provider knows the server by.
pub const CLIENT_ID: &str = "chrontainer";
pub const CLIENT_SECRET: &str = "a secret of the client";

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tamper {
    #[default]
    Nothing,
    /// The token is of another sign-in.
    Nonce,
    NoNonce,
    /// Signed with a key that is not published, under the name of one that is.
    Signature,
    /// Signed with the client's secret, which the client could do too.
    SharedSecret,
    /// Not signed at all.
    Unsigned,
    /// A claim was changed after it was signed.
    Claims,
    Issuer,
    Audience,
    /// Meant for this client and for another one.
    TwoAudiences,
    /// Made for another client.
    AuthorizedParty,
    Expired,
    /// Issued in the future.
    Early,
    /// The access token beside it is of another sign-in.
    AccessToken,
    /// There is no id token.
    NoIdToken,
    /// The token endpoint says no.
    Refuses,
    /// It does not know the client.
    ForgetsClient,
    /// The token endpoint answers with something that is no JSON.
    Nonsense,
    /// The token endpoint never answers.
    Hangs,
    /// The token endpoint sends the client elsewhere.
    Redirects,
    /// The token endpoint answers without an end.
    Endless,
    /// Userinfo is about somebody else.
    OtherUserinfo,
    /// The issuer's document names another issuer.
    OtherDocument,
    /// The page of the sign-in says that the person cancelled.
    Cancels,
    /// The answer in the browser is by another issuer (RFC 9207).
    OtherIss,
}

struct Inner {
    issuer: String,
    tamper: Tamper,
    /// What it says of the person who signs in.
    claims: Value,
    /// What only userinfo says.
    userinfo: Value,
    key: Key,
    /// What was asked for with each code that was not used yet.
    codes: HashMap<String, Asked>,
    /// How often the token endpoint was asked.
    exchanges: usize,
    github: github::Person,
}

struct Asked {
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

type Shared = Arc<Mutex<Inner>>;

#[expect(
    clippy::disallowed_methods,
    reason = "these are no routes of the product, and know no permissions"
)]
fn router(inner: Shared) -> Router {
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            routing::get(openid::document),
        )
        .route("/keys", routing::get(openid::keys))
        .route("/authorize", routing::get(openid::authorize))
        .route("/token", routing::post(openid::token))
        .route("/userinfo", routing::get(openid::userinfo))
        .route("/login/oauth/authorize", routing::get(openid::authorize))
        .route("/login/oauth/access_token", routing::post(github::token))
        .route("/api/v3/", routing::get(github::root))
        .route("/api/v3/user", routing::get(github::user))
        .route("/api/v3/user/emails", routing::get(github::emails))
        .route("/api/v3/user/orgs", routing::get(github::orgs))
        .route("/api/v3/user/teams", routing::get(github::teams))
        .with_state(inner)
}

/// A provider that runs until it is dropped.
pub struct TestProvider {
    /// `http://127.0.0.1:<port>`
    pub issuer: String,
    inner: Shared,
    task: JoinHandle<()>,
}

impl TestProvider {
    /// Starts one, at which `ada` signs in.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let inner = Arc::new(Mutex::new(Inner {
            issuer: issuer.clone(),
            tamper: Tamper::Nothing,
            claims: json!({ "sub": "ada-1", "preferred_username": "ada", "email": "ada@example.org", "email_verified": true }),
            userinfo: json!({}),
            key: Key::new("first"),
            codes: HashMap::new(),
            exchanges: 0,
            github: github::Person::default(),
        }));
        let router = router(inner.clone());
        let task = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { issuer, inner, task }
    }

    /// What is wrong from now on.
    pub fn tamper(&self, tamper: Tamper) {
        self.inner.lock().tamper = tamper;
    }

    /// Who signs in from now on, as the id token says.
    pub fn person(&self, claims: Value) {
        self.inner.lock().claims = claims;
    }

    /// What userinfo says beside the subject.
    pub fn userinfo(&self, claims: Value) {
        self.inner.lock().userinfo = claims;
    }

    /// Who signs in at GitHub from now on.
    pub fn github(&self, change: impl FnOnce(&mut github::Person)) {
        change(&mut self.inner.lock().github);
    }

    /// Signs with another key from now on.
    pub fn rotate_keys(&self) {
        self.inner.lock().key = Key::new("second");
    }

    /// How often the token endpoint was asked.
    pub fn exchanges(&self) -> usize {
        self.inner.lock().exchanges
    }
}

impl Drop for TestProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub use github::Person as GithubPerson;

//! A server in the test's own process, for looking inside: its table of routes, its control plane.

use axum::http::Method;
use domain::{
    auth::{Actor, Role, Via},
    ids::SessionId,
    people::{CreatedApiKey, NewApiKey},
};
use secrecy::ExposeSecret;
use server::{Server, settings::Settings};
use std::ffi::OsString;
use tempfile::TempDir;
use testkit::{
    postgres::TestDatabase,
    server::{Answer, migrations},
};
use uuid::Uuid;

pub const HOME: &str = "00000000-0000-7000-8000-000000000001";

pub struct Inside {
    pub server: Server,
    pub database: TestDatabase,
    pub http: reqwest::Client,
    _dir: TempDir,
}

impl Inside {
    pub async fn start() -> Self {
        let database = TestDatabase::create(&migrations()).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().to_str().unwrap();
        let vars = [
            ("CHRONTAINER_LISTEN", "127.0.0.1:0"),
            ("CHRONTAINER_DATABASE_URL", database.url()),
            ("CHRONTAINER_DATA_DIR", data),
            ("CHRONTAINER_SITE_ROOT", "/nonexistent"),
        ]
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let settings = Settings::from_vars(vars, false).unwrap();
        let server = server::serve(settings).await.unwrap();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            server,
            database,
            http,
            _dir: dir,
        }
    }

    pub fn control(&self) -> &control::Control {
        &self.server.state().control
    }

    /// An account in an organisation, and a key of it.
    pub async fn member(&self, org: &str, name: &str, role: Role) -> String {
        let client = self.database.client().await.unwrap();
        let user = Uuid::now_v7().to_string();
        client
            .execute(
                "insert into users (id, name) values ($1::text::uuid, $2)",
                &[&user, &name],
            )
            .await
            .unwrap();
        client
            .execute(
                "insert into memberships (org_id, user_id, role) values ($1::text::uuid, $2::text::uuid, $3)",
                &[&org, &user, &role.as_str()],
            )
            .await
            .unwrap();
        let key = control::auth::api_keys::create(self.control(), name, "test")
            .await
            .unwrap();
        key.expose_secret().to_owned()
    }

    /// A key that the owner of another one makes in a browser, since a key makes none.
    pub async fn own_key(&self, key: &str, new: NewApiKey) -> CreatedApiKey {
        let client = control::auth::Client::default();
        let actor = control::auth::authenticate_key(self.control(), key, &client)
            .await
            .unwrap()
            .unwrap();
        let actor = Actor {
            via: Via::Session { id: SessionId::new() },
            ..actor
        };
        control::auth::api_keys::create_own(self.control(), &actor, new)
            .await
            .unwrap()
    }

    /// A second organisation.
    pub async fn other_org(&self) -> String {
        let org = Uuid::now_v7().to_string();
        let client = self.database.client().await.unwrap();
        client
            .execute(
                "insert into orgs (id, name) values ($1::text::uuid, 'Elsewhere')",
                &[&org],
            )
            .await
            .unwrap();
        org
    }

    pub fn request(&self, method: Method, path: &str, key: Option<&str>) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("http://{}{path}", self.server.address()));
        match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    pub async fn answer(&self, method: Method, path: &str, key: Option<&str>) -> Answer {
        Answer::of(self.request(method, path, key)).await
    }
}

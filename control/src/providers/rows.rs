//! Providers as they are stored.

use crate::{
    Control,
    error::{Error, Result},
    secrets::Sealed,
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Array, BigInt, Bool, Bytea, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use domain::{
    Timestamp,
    ids::{OrgId, ProviderId, SecretId},
    providers::{Provider, ProviderKind, RoleMapping, SignUp},
};
use secrecy::SecretString;
use serde_json::Value;
use uuid::Uuid;

const SELECT: &str = "select p.id, p.kind, p.name, p.slug, p.issuer, p.api_url, p.client_id, p.key_id, p.nonce, p.sealed, \
     p.scopes, p.domains, p.sign_up, p.link_by_email, p.role_claim, p.mappings, p.enabled, p.managed, p.version, \
     p.created_at, p.updated_at, (select count(*) from identities i where i.provider_id = p.id) as identities \
     from identity_providers p";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    slug: String,
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Nullable<Text>)]
    api_url: Option<String>,
    #[diesel(sql_type = Text)]
    client_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    key_id: Option<String>,
    #[diesel(sql_type = Nullable<Bytea>)]
    nonce: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Bytea>)]
    sealed: Option<Vec<u8>>,
    #[diesel(sql_type = Array<Text>)]
    scopes: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    domains: Vec<String>,
    #[diesel(sql_type = Text)]
    sign_up: String,
    #[diesel(sql_type = Bool)]
    link_by_email: bool,
    #[diesel(sql_type = Nullable<Text>)]
    role_claim: Option<String>,
    #[diesel(sql_type = Jsonb)]
    mappings: Value,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Bool)]
    managed: bool,
    #[diesel(sql_type = Integer)]
    version: i32,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
    #[diesel(sql_type = BigInt)]
    identities: i64,
}

/// A provider with its secret, which stays sealed until it is used.
#[derive(Clone)]
pub(super) struct Stored {
    pub provider: Provider,
    secret: Option<(String, Sealed)>,
}

impl Row {
    fn stored(self) -> Result<Stored> {
        let mappings: Vec<RoleMapping> =
            serde_json::from_value(self.mappings).map_err(|source| Error::Stored {
                what: "a provider",
                source,
            })?;
        let kind: ProviderKind = self.kind.parse().map_err(Error::Internal)?;
        let sign_up: SignUp = self.sign_up.parse().map_err(Error::Internal)?;
        let secret = match (self.key_id, self.nonce, self.sealed) {
            (Some(key), Some(nonce), Some(bytes)) => Some((key, Sealed { nonce, bytes })),
            _ => None,
        };
        Ok(Stored {
            provider: Provider {
                id: ProviderId(self.id),
                kind,
                name: self.name,
                slug: self.slug,
                issuer: self.issuer,
                api_url: self.api_url,
                client_id: self.client_id,
                has_secret: secret.is_some(),
                scopes: self.scopes,
                domains: self.domains,
                sign_up,
                link_by_email: self.link_by_email,
                role_claim: self.role_claim,
                mappings,
                enabled: self.enabled,
                managed: self.managed,
                identities: self.identities.unsigned_abs(),
                version: self.version,
                created_at: self.created_at,
                updated_at: self.updated_at,
            },
            secret,
        })
    }
}

impl Stored {
    /// The client's secret, if it has one.
    ///
    /// # Errors
    /// Nothing opens it: another key sealed it.
    pub fn secret(&self, control: &Control) -> Result<Option<SecretString>, &'static str> {
        let Some((key_id, sealed)) = &self.secret else {
            return Ok(None);
        };
        let key = control.seal_key();
        let opened = (key_id == key.id())
            .then(|| key.open(OrgId(Uuid::nil()), SecretId(self.provider.id.0), sealed))
            .flatten()
            .and_then(|plain| String::from_utf8(plain).ok());
        match opened {
            Some(text) => Ok(Some(text.into())),
            None => Err(
                "The client's secret was sealed with another key. Put the old key back with CHRONTAINER_SECRET_KEY_FILE, or \
                 enter the secret again.",
            ),
        }
    }
}

/// Every provider by name.
pub(super) async fn all(conn: &mut AsyncPgConnection) -> Result<Vec<Stored>> {
    let rows: Vec<Row> = diesel::sql_query(format!("{SELECT} order by lower(p.name), p.id limit 200"))
        .load(conn)
        .await?;
    rows.into_iter().map(Row::stored).collect()
}

/// One provider, locked for a change.
pub(super) async fn one(conn: &mut AsyncPgConnection, id: ProviderId, lock: bool) -> Result<Option<Stored>> {
    let lock = if lock { "for update of p" } else { "" };
    let row: Option<Row> = diesel::sql_query(format!("{SELECT} where p.id = $1 {lock}"))
        .bind::<SqlUuid, _>(id.0)
        .get_result(conn)
        .await
        .optional()?;
    row.map(Row::stored).transpose()
}

/// The one under this slug, whether it is switched on or not.
pub(super) async fn by_slug(conn: &mut AsyncPgConnection, slug: &str) -> Result<Option<Stored>> {
    let row: Option<Row> = diesel::sql_query(format!("{SELECT} where p.slug = $1"))
        .bind::<Text, _>(slug)
        .get_result(conn)
        .await
        .optional()?;
    row.map(Row::stored).transpose()
}

/// The one that is switched on under this slug.
pub(super) async fn enabled(conn: &mut AsyncPgConnection, slug: &str) -> Result<Option<Stored>> {
    let row: Option<Row> = diesel::sql_query(format!("{SELECT} where p.slug = $1 and p.enabled"))
        .bind::<Text, _>(slug)
        .get_result(conn)
        .await
        .optional()?;
    row.map(Row::stored).transpose()
}

/// Seals a client's secret into a provider's row; nothing takes away what was there.
pub(super) async fn seal(
    conn: &mut AsyncPgConnection,
    control: &Control,
    id: ProviderId,
    secret: Option<&str>,
) -> Result<()> {
    let key = control.seal_key();
    let sealed = secret
        .map(|secret| {
            key.seal(OrgId(Uuid::nil()), SecretId(id.0), secret.as_bytes())
                .ok_or_else(|| Error::Internal("a client's secret could not be sealed".to_owned()))
        })
        .transpose()?;
    let (key_id, nonce, bytes) = match sealed {
        Some(sealed) => (Some(key.id().to_owned()), Some(sealed.nonce), Some(sealed.bytes)),
        None => (None, None, None),
    };
    diesel::sql_query("update identity_providers set key_id = $2, nonce = $3, sealed = $4 where id = $1")
        .bind::<SqlUuid, _>(id.0)
        .bind::<Nullable<Text>, _>(key_id)
        .bind::<Nullable<Bytea>, _>(nonce)
        .bind::<Nullable<Bytea>, _>(bytes)
        .execute(conn)
        .await?;
    Ok(())
}

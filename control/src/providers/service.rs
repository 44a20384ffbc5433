//! Making, changing and deleting providers. They belong to the server, so server administrators alone do it.

use super::{
    person::refused,
    rows::{self, Stored},
};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission},
    errors::{ErrorClass, Problem},
    ids::ProviderId,
    pages::Page,
    providers::{EVERYBODY, Provider, ProviderDraft, SignUp},
};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

/// Where anybody at all may have an account, so that "everybody" would be the whole world.
const OPEN_TO_ALL: [&str; 4] = [
    "accounts.google.com",
    "github.com",
    "gitlab.com",
    "login.microsoftonline.com",
];

/// Every provider by name.
///
/// # Errors
/// 403 for all but server administrators.
pub async fn list(control: &Control, actor: &Actor) -> Result<Page<Provider>> {
    actor.require(Permission::ProvidersManage)?;
    let mut conn = control.db().conn().await?;
    let items: Vec<Provider> = rows::all(&mut conn)
        .await?
        .into_iter()
        .map(|stored| stored.provider)
        .collect();
    Ok(Page {
        total: items.len() as u64,
        items,
        next: None,
    })
}

/// One provider.
///
/// # Errors
/// 403 for all but server administrators; 404 `provider_not_found`.
pub async fn get(control: &Control, actor: &Actor, id: ProviderId) -> Result<Provider> {
    actor.require(Permission::ProvidersManage)?;
    let mut conn = control.db().conn().await?;
    Ok(found(rows::one(&mut conn, id, false).await?)?.provider)
}

pub(super) fn found(stored: Option<Stored>) -> Result<Stored, Problem> {
    stored.ok_or_else(|| Problem::not_found("provider"))
}

/// Makes a provider.
///
/// # Errors
/// 403 for all but server administrators; 409 `slug_taken`; 422 with the field that is wrong.
pub async fn create(control: &Control, actor: &Actor, draft: ProviderDraft) -> Result<Provider> {
    actor.require(Permission::ProvidersManage)?;
    let draft = checked(draft)?;
    let id = ProviderId::new();
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        organisations_exist(conn, &draft).await?;
        write(conn, id, &draft, false).await?;
        let secret = draft.client_secret.as_deref().filter(|secret| !secret.is_empty());
        rows::seal(conn, control, id, secret).await?;
        let made = found(rows::one(conn, id, false).await?)?.provider;
        let entry = Entry::new("provider.create", "provider").object(id, &made.name);
        audit::record(conn, actor, entry.after(told(&made))).await?;
        Ok(made)
    })
    .await
}

/// Changes a provider as a whole. Who is linked to it stays linked, so it cannot become another one.
///
/// # Errors
/// 403 for all but server administrators; 404 `provider_not_found`; 409 `stale_version`, `provider_managed`,
/// `provider_in_use`, `slug_taken`; 422 with the field that is wrong.
pub async fn update(
    control: &Control,
    actor: &Actor,
    id: ProviderId,
    draft: ProviderDraft,
) -> Result<Provider> {
    actor.require(Permission::ProvidersManage)?;
    let mut draft = checked(draft)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let before = found(rows::one(conn, id, true).await?)?.provider;
        if before.managed {
            return Err(managed().into());
        }
        if draft.version.is_some_and(|version| version != before.version) {
            return Err(stale(&before).into());
        }
        let other = before.kind != draft.kind || before.issuer != draft.issuer;
        if other && before.identities > 0 {
            return Err(Problem::new(
                ErrorClass::Conflict,
                "provider_in_use",
                "Accounts are linked to this provider, and at another issuer the same name may be somebody else. Make a second \
                 provider, and delete this one when nobody needs it any more.",
            )
            .with("field", "issuer")
            .into());
        }
        // A secret is for whom it was given to: it does not follow to another address.
        if other && draft.client_secret.is_none() {
            draft.client_secret = Some(String::new());
        }
        organisations_exist(conn, &draft).await?;
        write(conn, id, &draft, false).await?;
        if let Some(secret) = &draft.client_secret {
            let secret = Some(secret.as_str()).filter(|secret| !secret.is_empty());
            rows::seal(conn, control, id, secret).await?;
        }
        let after = found(rows::one(conn, id, false).await?)?.provider;
        let mut entry = told(&after);
        if draft.client_secret.is_some() {
            entry["client_secret"] = json!("changed");
        }
        let entry = Entry::new("provider.update", "provider")
            .object(id, &after.name)
            .before(told(&before))
            .after(entry);
        audit::record(conn, actor, entry).await?;
        Ok(after)
    })
    .await
}

/// Deletes a provider: nobody signs in through it any more, and who was linked to it is not.
///
/// # Errors
/// 403 for all but server administrators; 404 `provider_not_found`; 409 `provider_managed` while the environment names it.
pub async fn delete(control: &Control, actor: &Actor, id: ProviderId) -> Result<()> {
    actor.require(Permission::ProvidersManage)?;
    let mut conn = control.db().conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        let before = found(rows::one(conn, id, true).await?)?.provider;
        if before.managed {
            return Err(managed().into());
        }
        diesel::sql_query("delete from identity_providers where id = $1")
            .bind::<SqlUuid, _>(id.0)
            .execute(conn)
            .await?;
        let entry = Entry::new("provider.delete", "provider").object(id, &before.name);
        audit::record(conn, actor, entry.before(told(&before))).await
    })
    .await
}

/// Checks a draft, and that its addresses can be read.
///
/// # Errors
/// 422 with the field that is wrong.
pub(super) fn checked(draft: ProviderDraft) -> Result<ProviderDraft, Problem> {
    let draft = draft.checked()?;
    let issuer = address("issuer", &draft.issuer)?;
    if let Some(api) = &draft.api_url {
        address("api_url", api)?;
    }
    let everybody = draft.mappings.iter().any(|mapping| mapping.value == EVERYBODY);
    let open = issuer.host_str().is_some_and(|host| OPEN_TO_ALL.contains(&host));
    if open && everybody && draft.sign_up == SignUp::AutoCreate && draft.domains.is_empty() {
        return Err(Problem::invalid(
            "everybody_too_wide",
            "domains",
            format!(
                "Anybody in the world may have an account at {}, and would get one here. Name the domains that may sign in, map \
                 single values instead of {EVERYBODY}, or ask for invitations.",
                issuer.host_str().unwrap_or_default()
            ),
        ));
    }
    Ok(draft)
}

fn address(field: &str, text: &str) -> Result<Url, Problem> {
    let wrong = |why: &str| {
        Problem::invalid(
            "url_invalid",
            field,
            format!("This address cannot be used: {why}. Write one such as https://sso.example.org."),
        )
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("it is neither https nor http"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it holds a user or a password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("nothing may follow its path"));
    }
    Ok(url)
}

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

async fn organisations_exist(conn: &mut AsyncPgConnection, draft: &ProviderDraft) -> Result<()> {
    let wanted: Vec<Uuid> = draft.mappings.iter().map(|mapping| mapping.org_id.0).collect();
    let known: Vec<Known> = diesel::sql_query("select id from orgs where id = any($1)")
        .bind::<Array<SqlUuid>, _>(&wanted)
        .load(conn)
        .await?;
    match wanted
        .iter()
        .position(|id| !known.iter().any(|known| known.id == *id))
    {
        None => Ok(()),
        Some(at) => Err(Problem::invalid(
            "org_unknown",
            &format!("mappings[{at}].org_id"),
            "There is no such organisation. It may have been deleted: choose another one.",
        )
        .into()),
    }
}

/// Writes everything but the secret.
pub(super) async fn write(
    conn: &mut AsyncPgConnection,
    id: ProviderId,
    draft: &ProviderDraft,
    managed: bool,
) -> Result<()> {
    let mappings = serde_json::to_value(&draft.mappings).map_err(|source| Error::Stored {
        what: "a provider",
        source,
    })?;
    diesel::sql_query(
        "insert into identity_providers as p (id, kind, name, slug, issuer, api_url, client_id, scopes, domains, sign_up, \
           link_by_email, role_claim, mappings, enabled, managed) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
         on conflict (id) do update set kind = excluded.kind, name = excluded.name, slug = excluded.slug, \
           issuer = excluded.issuer, api_url = excluded.api_url, client_id = excluded.client_id, scopes = excluded.scopes, \
           domains = excluded.domains, sign_up = excluded.sign_up, link_by_email = excluded.link_by_email, \
           role_claim = excluded.role_claim, mappings = excluded.mappings, enabled = excluded.enabled, \
           managed = excluded.managed, version = p.version + 1, updated_at = now()",
    )
    .bind::<SqlUuid, _>(id.0)
    .bind::<Text, _>(draft.kind.as_str())
    .bind::<Text, _>(&draft.name)
    .bind::<Text, _>(draft.slug.as_deref().unwrap_or_default())
    .bind::<Text, _>(&draft.issuer)
    .bind::<Nullable<Text>, _>(draft.api_url.as_deref())
    .bind::<Text, _>(&draft.client_id)
    .bind::<Array<Text>, _>(&draft.scopes)
    .bind::<Array<Text>, _>(&draft.domains)
    .bind::<Text, _>(draft.sign_up.as_str())
    .bind::<Bool, _>(draft.link_by_email)
    .bind::<Nullable<Text>, _>(draft.role_claim.as_deref())
    .bind::<Jsonb, _>(mappings)
    .bind::<Bool, _>(draft.enabled)
    .bind::<Bool, _>(managed)
    .execute(conn)
    .await?;
    Ok(())
}

/// What the log keeps of a provider: all that decides who comes in, and no secret.
pub(super) fn told(provider: &Provider) -> Value {
    json!({
        "kind": provider.kind, "name": provider.name, "slug": provider.slug, "issuer": provider.issuer,
        "api_url": provider.api_url, "client_id": provider.client_id, "has_secret": provider.has_secret,
        "scopes": provider.scopes, "domains": provider.domains, "sign_up": provider.sign_up,
        "link_by_email": provider.link_by_email, "role_claim": provider.role_claim, "mappings": provider.mappings,
        "enabled": provider.enabled,
    })
}

/// The addresses of GitHub's pages and of its API.
pub(super) fn github_addresses(issuer: &str, api_url: Option<&str>) -> Result<(Url, Url), Problem> {
    let wrong = |_| refused("provider_misconfigured");
    let mut pages = Url::parse(issuer).map_err(wrong)?;
    // A last part without a slash would be replaced and not added to.
    if !pages.path().ends_with('/') {
        pages.set_path(&format!("{}/", pages.path()));
    }
    let api = match api_url {
        Some(api) => format!("{}/", api.trim_end_matches('/')),
        None if pages.host_str() == Some("github.com") => "https://api.github.com/".to_owned(),
        None => format!("{pages}api/v3/"),
    };
    Ok((pages, Url::parse(&api).map_err(wrong)?))
}

fn managed() -> Problem {
    Problem::new(
        ErrorClass::Conflict,
        "provider_managed",
        "This provider is as the server's environment says. Change the CHRONTAINER_OIDC_ variables and start the server again.",
    )
}

fn stale(current: &Provider) -> Problem {
    Problem::new(
        ErrorClass::Conflict,
        "stale_version",
        "Somebody else changed this provider meanwhile. Look at it as it is now, and make your change again.",
    )
    .with("current", current)
}

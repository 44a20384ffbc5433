//! The provider that the server's environment names. It has a row as the others have, so that accounts can be linked to it
//! and every server knows it; the row follows the environment at each start.

use super::{rows, service};
use crate::{
    Control,
    audit::{self, Entry},
    error::{Error, Result},
};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Role, Via},
    errors::{ErrorClass, Problem},
    ids::{OrgId, ProviderId},
    providers::{ProviderDraft, RoleMapping},
};
use uuid::Uuid;

/// A provider as the environment says.
#[derive(Clone, Debug)]
pub struct FromEnvironment {
    /// Its secret is read from its file already; it holds no mappings.
    pub draft: ProviderDraft,
    /// Values with roles, in an organisation by its name; the first one when absent.
    pub roles: Vec<(String, Role, Option<String>)>,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Makes the row as the environment says. Without a provider there, the row of an earlier start is switched off and may be
/// changed or deleted by people from then on.
///
/// # Errors
/// 422 for what cannot be used; 409 `slug_taken`, `provider_in_use` when accounts are linked and it names another issuer.
pub async fn keep_managed(control: &Control, wanted: Option<FromEnvironment>) -> Result<()> {
    let mut conn = control.db().conn().await?;
    let Some(wanted) = wanted else {
        diesel::sql_query(
            "update identity_providers set managed = false, enabled = false, version = version + 1, updated_at = now() \
             where managed",
        )
        .execute(&mut conn)
        .await?;
        return Ok(());
    };
    let mut draft = wanted.draft;
    conn.transaction::<_, Error, _>(async |conn| {
        // Servers that start at once agree on one row.
        diesel::sql_query("lock table identity_providers in share row exclusive mode")
            .execute(conn)
            .await?;
        for (value, role, org) in wanted.roles {
            let org_id = match org {
                None => OrgId::HOME,
                Some(name) => {
                    let found: Vec<Id> = diesel::sql_query("select id from orgs where lower(name) = lower($1) limit 2")
                        .bind::<Text, _>(&name)
                        .load(conn)
                        .await?;
                    let [only] = found.as_slice() else {
                        tracing::error!(
                            org.name = name,
                            "CHRONTAINER_OIDC_ROLES names an organisation that does not exist, or one of several with that name; \
                             it gives no role there"
                        );
                        continue;
                    };
                    OrgId(only.id)
                }
            };
            draft.mappings.push(RoleMapping { value, org_id, role });
        }
        let draft = service::checked(draft)?;
        let slug = draft.slug.clone().unwrap_or_default();
        // The one of an earlier start, or one that people made under the same slug.
        let there: Option<Id> =
            diesel::sql_query("select id from identity_providers where managed or slug = $1 order by managed desc limit 1")
                .bind::<Text, _>(&slug)
                .get_result(conn)
                .await
                .optional()?;
        let id = there.map_or_else(ProviderId::new, |there| ProviderId(there.id));
        let before = rows::one(conn, id, true).await?;
        if let Some(before) = &before
            && before.provider.identities > 0
            && (before.provider.issuer != draft.issuer || before.provider.kind != draft.kind)
        {
            return Err(Problem::new(
                ErrorClass::Conflict,
                "provider_in_use",
                format!(
                    "CHRONTAINER_OIDC_ISSUER names another issuer than {}, to which accounts are linked: the same name may be \
                     somebody else there. Start the server without CHRONTAINER_OIDC_ISSUER, delete that provider in Settings, \
                     and start it again.",
                    before.provider.issuer
                ),
            )
            .into());
        }
        let same = match &before {
            Some(before) => is_same(control, before, &draft),
            None => false,
        };
        if same {
            return Ok(());
        }
        service::write(conn, id, &draft, true).await?;
        let secret = draft.client_secret.as_deref().filter(|secret| !secret.is_empty());
        rows::seal(conn, control, id, secret).await?;
        let after = service::found(rows::one(conn, id, false).await?)?.provider;
        let actor = Actor {
            via: Via::Console,
            name: "environment".to_owned(),
            ..Actor::system(OrgId::HOME)
        };
        let mut entry = Entry::new("provider.environment", "provider").object(id, &after.name);
        if let Some(before) = &before {
            entry = entry.before(service::told(&before.provider));
        }
        audit::record(conn, &actor, entry.after(service::told(&after))).await
    })
    .await
}

/// Whether a start changes nothing, as most do.
fn is_same(control: &Control, before: &rows::Stored, draft: &ProviderDraft) -> bool {
    use secrecy::ExposeSecret;
    let provider = &before.provider;
    let secret = before
        .secret(control)
        .ok()
        .map(|secret| secret.map(|secret| secret.expose_secret().to_owned()));
    let wanted = draft.client_secret.clone().filter(|secret| !secret.is_empty());
    provider.managed
        && secret == Some(wanted)
        && provider.kind == draft.kind
        && provider.name == draft.name
        && Some(&provider.slug) == draft.slug.as_ref()
        && provider.issuer == draft.issuer
        && provider.api_url == draft.api_url
        && provider.client_id == draft.client_id
        && provider.scopes == draft.scopes
        && provider.domains == draft.domains
        && provider.sign_up == draft.sign_up
        && provider.link_by_email == draft.link_by_email
        && provider.role_claim == draft.role_claim
        && provider.mappings == draft.mappings
        && provider.enabled == draft.enabled
}

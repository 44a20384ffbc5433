//! The way out to a provider and back.
//!
//! Two random values hold a sign-in together: the state, which goes to the provider and comes back in the address, and the
//! token in the browser's cookie, which never leaves the browser but to us. The row of the sign-in is found by both, so an
//! answer counts in the browser that it was asked for in, and once. The nonce and the PKCE verifier are made from the two, so
//! that nothing is stored from which they could be known.

use super::{
    enter, github,
    openid::{self, Once},
    person::{Person, refused},
    rows::{self, Stored},
    walk,
};
use crate::{
    Control,
    audit::{self, Entry, Outcome},
    auth::{self, Client, Entered, tokens},
    error::{Error, Result},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::{
    OptionalExtension, QueryableByName,
    sql_types::{BigInt, Bool, Bytea, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, RunQueryDsl};
use domain::{
    auth::{Actor, Permission, Via},
    errors::Problem,
    ids::{OrgId, SessionId},
    providers::ProviderKind,
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sha2::Sha256;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// How long somebody may take at the provider.
pub const FLOW_LASTS: Duration = Duration::from_secs(600);
/// How many sign-ins of one address may be under way; the oldest give way.
const FROM_ONE_ADDRESS: i64 = 200;

/// What a sign-in is for.
#[derive(Clone, Debug)]
pub enum Purpose {
    SignIn,
    /// Somebody who is signed in links who they are at the provider.
    Link(Actor),
    /// Somebody takes an invitation up with it: the token of its link.
    Join(SecretString),
    /// A server administrator tries the provider out: nobody is signed in by it.
    Test(Actor),
}

/// A sign-in that is about to begin.
#[derive(Clone, Debug)]
pub struct Begin<'a> {
    pub slug: &'a str,
    /// `https://this.server/auth/{slug}/callback`
    pub redirect_uri: String,
    /// A path of this server, for afterwards.
    pub next: String,
    pub purpose: Purpose,
    pub client: &'a Client,
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes.
    pub url: Url,
    /// For the browser's cookie.
    pub browser: SecretString,
}

/// Begins a sign-in.
///
/// # Errors
/// 404 `provider_unknown`; 503 `provider_unreachable`, `provider_misconfigured`; for a link 403 `session_needed`.
pub async fn begin(control: &Control, begin: Begin<'_>) -> Result<Begun> {
    let mut conn = control.db().conn().await?;
    let is_test = matches!(begin.purpose, Purpose::Test(_));
    let stored = match is_test {
        // Before people find it on the sign-in page, too.
        true => rows::by_slug(&mut conn, begin.slug).await?,
        false => rows::enabled(&mut conn, begin.slug).await?,
    };
    drop(conn);
    let stored = stored.ok_or_else(|| refused("provider_unknown"))?;
    let (link_user, link_session, invitation) = match &begin.purpose {
        Purpose::SignIn => (None, None, None),
        Purpose::Link(actor) | Purpose::Test(actor) => {
            actor.require(match is_test {
                true => Permission::ProvidersManage,
                false => Permission::OwnManage,
            })?;
            let (Some(user), Via::Session { id }) = (actor.user_id, &actor.via) else {
                return Err(auth::session_needed().into());
            };
            (Some(user.0), Some(id.0), None)
        }
        Purpose::Join(token) => (None, None, Some(tokens::hash(token.expose_secret().trim()))),
    };
    let (state, browser) = (tokens::random(""), tokens::random(""));
    let once = once(
        state.expose_secret(),
        browser.expose_secret(),
        &begin.redirect_uri,
    );
    let url = match stored.provider.kind {
        ProviderKind::Oidc => openid::authorize(control, &stored, once).await?,
        ProviderKind::Github => github::authorize(control, &stored, once)?,
    };
    let mut conn = control.db().conn().await?;
    diesel::sql_query(
        "with old as (delete from sign_in_flows where expires_at < now() or state_hash in (select state_hash \
           from sign_in_flows where address = $9 order by created_at desc offset $11)) \
         insert into sign_in_flows (state_hash, browser_hash, provider_id, redirect_uri, next, link_user, link_session, \
           invitation_hash, address, expires_at, is_test) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + $10 * interval '1 second', $12)",
    )
    .bind::<Bytea, _>(tokens::hash(state.expose_secret()))
    .bind::<Bytea, _>(tokens::hash(browser.expose_secret()))
    .bind::<SqlUuid, _>(stored.provider.id.0)
    .bind::<Text, _>(&begin.redirect_uri)
    .bind::<Text, _>(&begin.next)
    .bind::<Nullable<SqlUuid>, _>(link_user)
    .bind::<Nullable<SqlUuid>, _>(link_session)
    .bind::<Nullable<Bytea>, _>(invitation)
    .bind::<Nullable<Text>, _>(begin.client.address.as_deref())
    .bind::<BigInt, _>(FLOW_LASTS.as_secs().cast_signed())
    .bind::<BigInt, _>(FROM_ONE_ADDRESS - 1)
    .bind::<Bool, _>(is_test)
    .execute(&mut conn)
    .await?;
    Ok(Begun { url, browser })
}

fn once(state: &str, browser: &str, redirect_uri: &str) -> Once {
    let derived = |what: &str| {
        // A key of any length will do for HMAC.
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(browser.as_bytes())
            .unwrap_or_else(|_| <Hmac<Sha256> as KeyInit>::new(&Default::default()));
        mac.update(what.as_bytes());
        mac.update(b"\0");
        mac.update(state.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    };
    Once {
        redirect_uri: redirect_uri.to_owned(),
        state: state.to_owned(),
        nonce: derived("nonce"),
        verifier: derived("pkce"),
    }
}

/// What the browser brings back in the address.
#[derive(Clone, Debug, Default)]
pub struct Callback {
    pub state: Option<String>,
    pub code: Option<SecretString>,
    /// The provider's own word for why it did not sign them in.
    pub error: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
}

/// Where a sign-in led.
#[derive(Debug)]
pub enum Finished {
    /// Somebody is signed in, or is asked for a code first; then to this path.
    In(Box<Entered>, String),
    /// The account that is signed in is linked now; back to this path.
    Linked(String),
    /// The provider was tried out, and nothing else happened; back to this path.
    Tested(String),
}

#[derive(QueryableByName)]
pub(super) struct Flow {
    #[diesel(sql_type = SqlUuid)]
    provider_id: Uuid,
    #[diesel(sql_type = Text)]
    redirect_uri: String,
    #[diesel(sql_type = Text)]
    next: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    link_user: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    link_session: Option<Uuid>,
    #[diesel(sql_type = Nullable<Bytea>)]
    pub invitation_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Bool)]
    is_test: bool,
}

impl Flow {
    /// The person in front of this browser, if it is still the one who asked.
    fn asked<'a>(&self, actor: Option<&'a Actor>) -> Result<(&'a Actor, SessionId), Problem> {
        let same = actor.filter(|actor| actor.user_id.map(|user| user.0) == self.link_user);
        match same.map(|actor| (actor, &actor.via)) {
            Some((actor, Via::Session { id })) if Some(id.0) == self.link_session => Ok((actor, *id)),
            _ => Err(refused("session_changed")),
        }
    }
}

/// A sign-in that did not work, and whether it was to link an account.
#[derive(Debug)]
pub struct Refused {
    pub error: Error,
    pub linking: bool,
}

/// Completes a sign-in. Whatever is refused is told to the audit log, without the code and the tokens.
///
/// # Errors
/// The codes of [`domain::providers::refusal`].
pub async fn finish(
    control: &Control,
    slug: &str,
    callback: Callback,
    browser: &str,
    actor: Option<&Actor>,
    client: &Client,
) -> Result<Finished, Refused> {
    let mut linking = false;
    let done = completed(control, slug, callback, browser, actor, client, &mut linking).await;
    match done {
        Ok(finished) => Ok(finished),
        Err(error) => {
            if let Error::Problem(problem) = &error
                && problem.code != "too_many_attempts"
                && let Err(error) = tell(control, slug, problem, actor.filter(|_| linking), client).await
            {
                tracing::error!(error = %error, "a refused sign-in could not be written to the audit log");
            }
            Err(Refused { error, linking })
        }
    }
}

async fn completed(
    control: &Control,
    slug: &str,
    callback: Callback,
    browser: &str,
    actor: Option<&Actor>,
    client: &Client,
    linking: &mut bool,
) -> Result<Finished> {
    // Beside slowing down whoever tries things out, it bounds what a stranger can write into the audit log.
    let attempt = auth::Attempt::new(&format!("provider:{slug}"), client.address.as_deref());
    attempt.begin(control).await?;
    let state = callback.state.clone().unwrap_or_default();
    let (stored, flow) = take(control, slug, &state, browser).await?;
    *linking = flow.link_user.is_some();
    if flow.is_test {
        let (actor, session) = flow.asked(actor)?;
        let came_back = vouched(control, &stored, &flow, callback, &state, browser).await;
        let mut conn = control.db().conn().await?;
        attempt.succeeded(&mut conn).await?;
        drop(conn);
        walk::keep(control, actor, session, &stored.provider, came_back).await?;
        return Ok(Finished::Tested(flow.next));
    }
    let person = vouched(control, &stored, &flow, callback, &state, browser).await?;
    let mut conn = control.db().conn().await?;
    if flow.link_user.is_some() {
        let (actor, _) = flow.asked(actor)?;
        enter::link(&mut conn, actor, &stored.provider, &person).await?;
        attempt.succeeded(&mut conn).await?;
        return Ok(Finished::Linked(flow.next));
    }
    let (entered, ended) = conn
        .transaction::<_, Error, _>(async |conn| {
            enter::enter(control, conn, &stored.provider, &person, &flow, client).await
        })
        .await?;
    attempt.succeeded(&mut conn).await?;
    auth::tell_ended(control, &ended);
    Ok(Finished::In(Box::new(entered), flow.next))
}

/// Whom the provider vouches for, after all of its answer was checked.
async fn vouched(
    control: &Control,
    stored: &Stored,
    flow: &Flow,
    callback: Callback,
    state: &str,
    browser: &str,
) -> Result<Person> {
    if let Some(error) = callback.error {
        let word: String = error
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
            .take(64)
            .collect();
        tracing::info!(
            provider.slug = stored.provider.slug,
            error = word,
            "a provider did not sign somebody in"
        );
        return Err(refused("provider_refused").into());
    }
    let code = callback.code.ok_or_else(|| refused("code_refused"))?;
    let code = code.expose_secret().to_owned();
    let once = once(state, browser, &flow.redirect_uri);
    Ok(match stored.provider.kind {
        ProviderKind::Oidc => openid::complete(control, stored, once, code, callback.iss.as_deref()).await?,
        ProviderKind::Github => github::complete(control, stored, once, code).await?,
    })
}

/// Takes the row of a sign-in, which is gone by it.
async fn take(control: &Control, slug: &str, state: &str, browser: &str) -> Result<(Stored, Flow), Error> {
    let mut conn = control.db().conn().await?;
    let flow: Option<Flow> = diesel::sql_query(
        "delete from sign_in_flows f using identity_providers p where f.state_hash = $1 and f.browser_hash = $2 \
         and f.expires_at > now() and p.id = f.provider_id and p.slug = $3 and (p.enabled or f.is_test) \
         returning f.provider_id, f.redirect_uri, f.next, f.link_user, f.link_session, f.invitation_hash, f.is_test",
    )
    .bind::<Bytea, _>(tokens::hash(state))
    .bind::<Bytea, _>(tokens::hash(browser))
    .bind::<Text, _>(slug)
    .get_result(&mut conn)
    .await
    .optional()?;
    let flow = flow.ok_or_else(|| refused("state_invalid"))?;
    let stored = rows::one(&mut conn, domain::ids::ProviderId(flow.provider_id), false).await?;
    Ok((stored.ok_or_else(|| refused("state_invalid"))?, flow))
}

async fn tell(
    control: &Control,
    slug: &str,
    problem: &Problem,
    actor: Option<&Actor>,
    client: &Client,
) -> Result<()> {
    let mut conn = control.db().conn().await?;
    let known = rows::enabled(&mut conn, slug).await?;
    // What somebody wrote into the address is not kept.
    let entry = Entry::new(
        if actor.is_some() {
            "identity.link"
        } else {
            "session.begin"
        },
        "provider",
    );
    let entry = match &known {
        Some(stored) => entry.object(stored.provider.id, &stored.provider.name),
        None => entry,
    };
    let stranger = auth::stranger(OrgId::HOME, client);
    audit::record(
        &mut conn,
        actor.unwrap_or(&stranger),
        entry
            .after(json!({ "code": problem.code }))
            .outcome(Outcome::Refused),
    )
    .await?;
    tracing::warn!(
        client.address = client.address.as_deref(),
        provider.slug = known.map(|stored| stored.provider.slug),
        code = problem.code,
        "a sign-in through a provider was refused"
    );
    Ok(())
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn what_belongs_to_one_sign_in_follows_from_state_and_browser() {
        let a = once("state", "browser", "x");
        let same = once("state", "browser", "x");
        assert_eq!((&a.nonce, &a.verifier), (&same.nonce, &same.verifier));
        // RFC 7636, section 4.1: 43 to 128 characters.
        assert_eq!((a.nonce.len(), a.verifier.len()), (43, 43));
        assert_ne!(a.nonce, a.verifier);
        assert_ne!(a.nonce, once("state", "other", "x").nonce);
        assert_ne!(a.nonce, once("other", "browser", "x").nonce);
    }
}

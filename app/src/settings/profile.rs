//! One's own account: who one is, the password, the browsers that are signed in.

use super::{
    SettingsNav,
    identities::IdentitiesCard,
    passkeys::PasskeysCard,
    password::{FirstPasswordCard, PasswordCard},
    proof::{Proof, ProofDialog},
    second_factor::SecondFactorCard,
    sessions::SessionsCard,
};
use crate::{
    auth::{
        Me,
        api::{Myself, state},
        own,
        passkeys::api::{list, proof},
    },
    components::{Failure, skeleton},
    error::AppError,
    people::words::{role_does, role_name},
};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn Profile() -> impl IntoView {
    let again = RwSignal::new(0_u32);
    let sessions = crate::codec::resource(move || again.get(), |_| own::sessions());
    let me = Me::get();
    let factor = crate::codec::resource(move || again.get(), |_| own::my_second_factor());
    let identities = crate::codec::resource(move || again.get(), |_| own::identities());
    let ways = crate::codec::resource(|| (), |()| state());
    let passkeys = crate::codec::resource(move || again.get(), |_| list());
    let proofs = crate::codec::resource(move || again.get(), |_| proof());
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    view! {
        <Title text="Profile" />
        <SettingsNav />
        <div class="page-head"><h1>"Profile"</h1></div>
        <Transition fallback=|| skeleton::lines(4)>
            {move || Suspend::new(async move {
                let found = async {
                    Ok::<_, AppError>((
                        me.ready().await?,
                        sessions.await?,
                        factor.await?,
                        identities.await?,
                        ways.await?,
                        passkeys.await?,
                        proofs.await?,
                    ))
                };
                match found.await {
                    Ok((me, sessions, factor, identities, state, passkeys, proofs)) => {
                        let proof = Proof::new();
                        let password = if proofs.password {
                            view! { <PasswordCard name=me.name.clone() reload /> }.into_any()
                        } else {
                            view! { <FirstPasswordCard name=me.name.clone() taken=state.passwords proof reload /> }.into_any()
                        };
                        let by_password = proofs.password;
                        view! {
                            <div class="settings">
                                {account(&me)}
                                {password}
                                <IdentitiesCard identities state reload />
                                <ProofDialog proof ways=proofs place=passkeys.place.clone() />
                                <PasskeysCard passkeys proof reload />
                                <SecondFactorCard factor by_password proof reload />
                                <SessionsCard sessions reload />
                            </div>
                        }
                            .into_any()
                    }
                    Err(error) => failed(error, reload),
                }
            })}
        </Transition>
    }
}

fn failed(error: AppError, retry: Callback<()>) -> AnyView {
    view! { <Failure error retry /> }.into_any()
}

fn account(me: &Myself) -> AnyView {
    let org = me.orgs.iter().find(|org| org.current).map(|org| org.name.clone());
    view! {
        <section class="card" aria-labelledby="account">
            <div class="card-h"><h2 id="account">"Account"</h2></div>
            <div class="card-b">
                <dl class="kv">
                    <dt>"Username"</dt>
                    <dd>{me.name.clone()}</dd>
                    <dt>"Organisation"</dt>
                    <dd>{org}</dd>
                    <dt>"Role"</dt>
                    <dd>{role_name(me.role)}<span class="faint">{format!(", {}", role_does(me.role).to_lowercase())}</span></dd>
                    {me.server_admin.then(|| view! { <dt>"Server"</dt><dd>"Administrator"</dd> })}
                </dl>
            </div>
        </section>
    }
    .into_any()
}

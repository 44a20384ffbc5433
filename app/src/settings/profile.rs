//! One's own account: who one is, the password, the browsers that are signed in.

use super::{
    SettingsNav, identities::IdentitiesCard, password::PasswordCard, preferences::PreferencesCard,
    second_factor::SecondFactorCard, sessions::SessionsCard,
};
use crate::{
    auth::{
        Me,
        api::{Myself, state},
        own,
    },
    components::{Failure, skeleton},
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
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    view! {
        <Title text="Profile" />
        <SettingsNav />
        <div class="page-head"><h1>"Profile"</h1></div>
        <Transition fallback=|| skeleton::lines(4)>
            {move || Suspend::new(async move {
                match (me.ready().await, sessions.await, factor.await, identities.await, ways.await) {
                    (Ok(me), Ok(sessions), Ok(factor), Ok(identities), Ok(state)) => {
                        view! {
                            <div class="settings">
                                {account(&me)}
                                <PasswordCard name=me.name reload />
                                <IdentitiesCard identities state reload />
                                <SecondFactorCard factor reload />
                                <SessionsCard sessions reload />
                                <PreferencesCard />
                            </div>
                        }
                            .into_any()
                    }
                    (Err(error), ..)
                    | (_, Err(error), ..)
                    | (_, _, Err(error), ..)
                    | (_, _, _, Err(error), _)
                    | (.., Err(error)) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
    }
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

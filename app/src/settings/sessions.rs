//! The browsers that are signed in with this account.

use crate::{
    auth::own,
    components::{icon, time::Ago, toast::Toasts},
};
use domain::people::Session;
use leptos::{prelude::*, task::spawn_local};

#[component]
pub fn SessionsCard(sessions: Vec<Session>, reload: Callback<()>) -> impl IntoView {
    let toasts = Toasts::get();
    let others = sessions.iter().filter(|session| !session.current).count();
    let list = RwSignal::new(sessions);
    let end = move |session: Session| {
        spawn_local(async move {
            match own::end_session(session.id).await {
                Ok(()) => {
                    let _ = list.try_update(|list| list.retain(|other| other.id != session.id));
                    toasts.say("log-out", format!("Signed out: {}", session.device));
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    let end_others = move |_| {
        spawn_local(async move {
            match own::end_others().await {
                Ok(ended) => {
                    let word = if ended == 1 { "browser" } else { "browsers" };
                    toasts.say("log-out", format!("Signed out {ended} {word}"));
                    reload.run(());
                }
                Err(error) => toasts.bad(error.0.message),
            }
        });
    };
    let line = move |session: Session| {
        let place = session
            .address
            .clone()
            .unwrap_or_else(|| "this machine".to_owned());
        let label = format!("Sign out {}", session.device);
        let current = session.current;
        let button = (!current).then(|| {
            let session = session.clone();
            view! {
                <button class="btn btn-sm" type="button" aria-label=label on:click=move |_| end(session.clone())>
                    {icon("log-out")}
                    "Sign out"
                </button>
            }
        });
        view! {
            <li>
                <div class="name">
                    <span class="t">
                        <span class="clip">{session.device.clone()}</span>
                        {current.then(|| view! { <span class="tag">"This browser"</span> })}
                    </span>
                    <span class="s">
                        {format!("{place}, {}", session.org_name)}", signed in "<Ago at=session.created_at />
                    </span>
                </div>
                <span class="end muted sm">"Used "<Ago at=session.seen_at /></span>
                {button}
            </li>
        }
    };
    view! {
        <section class="card" aria-labelledby="sessions">
            <div class="card-h">
                <h2 id="sessions">"Signed-in browsers"</h2>
                <div class="end">
                    <button class="btn btn-sm" type="button" disabled={others == 0} on:click=end_others>
                        "Sign out all others"
                    </button>
                </div>
            </div>
            <ul class="lines">
                <For each=move || list.get() key=|session| session.id children=line />
            </ul>
        </section>
    }
}

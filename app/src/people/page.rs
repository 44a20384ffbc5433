//! The page of the members and the invitations.

use super::{api, email::EmailDialog, invitations::Invitations, invite::InviteDialog, row::row};
use crate::{
    auth::{Me, api::Myself},
    components::{
        CopyField, Failure,
        dialog::{self, Dialog},
        icon, skeleton,
        toast::Toasts,
    },
    error::AppError,
    schedules::words::count,
    settings::SettingsNav,
};
use domain::{
    auth::Permission,
    ids::UserId,
    people::{Invitation, Member},
};
use leptos::{html, prelude::*, task::spawn_local};
use leptos_meta::Title;

/// The members, and what is done to them.
#[derive(Clone, Copy)]
pub struct Rows {
    pub members: RwSignal<Vec<Member>>,
    /// Why the last thing that was asked of a member did not work.
    pub fault: RwSignal<Option<(UserId, String)>>,
    pub removing: RwSignal<Option<Member>>,
    /// Whose e-mail address is written.
    pub emailing: RwSignal<Option<Member>>,
    /// A one-time link, and whom it is for.
    pub link: RwSignal<Option<(String, String)>>,
}

impl Rows {
    pub fn put(self, member: Member) {
        let _ = self
            .members
            .try_update(|all| match all.iter_mut().find(|old| old.id == member.id) {
                Some(old) => *old = member,
                None => all.push(member),
            });
    }

    pub fn failed(self, id: UserId, error: AppError) {
        let _ = self.fault.try_set(Some((id, error.0.message)));
    }
}

#[component]
pub fn People() -> impl IntoView {
    let again = RwSignal::new(0_u32);
    let page = crate::codec::resource(move || again.get(), |_| api::members());
    let reload = Callback::new(move |()| again.update(|again| *again += 1));
    let me = Me::get();
    view! {
        <Title text="People" />
        <SettingsNav />
        <Transition fallback=|| skeleton::lines(4)>
            {move || Suspend::new(async move {
                match (me.ready().await, page.await) {
                    (Ok(me), Ok((members, invitations))) => view! { <Found me members invitations /> }.into_any(),
                    (Err(error), _) | (_, Err(error)) => view! { <Failure error retry=reload /> }.into_any(),
                }
            })}
        </Transition>
    }
}

#[component]
fn Found(me: Myself, members: Vec<Member>, invitations: Vec<Invitation>) -> impl IntoView {
    let rows = Rows {
        members: RwSignal::new(members),
        fault: RwSignal::new(None),
        removing: RwSignal::new(None),
        emailing: RwSignal::new(None),
        link: RwSignal::new(None),
    };
    let open = RwSignal::new(invitations);
    let inviting = NodeRef::<html::Dialog>::new();
    let lacks = me.lacks(Permission::UsersManage);
    let ids = Memo::new(move |_| {
        rows.members
            .with(|all| all.iter().map(|member| member.id).collect::<Vec<_>>())
    });
    let role = me.role;
    let me = StoredValue::new(me);
    view! {
        <div class="page-head">
            <h1>"People"</h1>
            <span class="sub">{move || count(rows.members.with(Vec::len) as u64, "member")}</span>
            <div class="end">
                <button
                    class="btn btn-primary"
                    type="button"
                    aria-haspopup="dialog"
                    disabled=lacks.is_some()
                    title=lacks
                    on:click=move |_| dialog::open(inviting)
                >
                    {icon("plus")}
                    "Invite"
                </button>
                {lacks.map(|lacks| view! { <span class="hint">{lacks}</span> })}
            </div>
        </div>
        <div class="tbl-wrap people">
            <table class="tbl" role="table" aria-label="Members">
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"Name"</th>
                        <th role="columnheader" scope="col" class="c-role">"Role"</th>
                        <th role="columnheader" scope="col" class="c-seen">"Last seen"</th>
                        <th role="columnheader" scope="col" class="c-seen">"Member since"</th>
                        <th role="columnheader" scope="col" class="c-a"><span class="vh">"Actions"</span></th>
                    </tr>
                </thead>
                <tbody role="rowgroup">
                    <For
                        each=move || ids.get()
                        key=|id| *id
                        children=move |id| me.with_value(|me| row(id, rows, me))
                    />
                </tbody>
            </table>
        </div>
        <Invitations open />
        <InviteDialog node=inviting most=role made=Callback::new(move |made| open.update(|open| open.insert(0, made))) />
        <ConfirmRemove rows />
        <EmailDialog rows />
        <ResetLink rows />
    }
}

#[component]
fn ConfirmRemove(rows: Rows) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let toasts = Toasts::get();
    Effect::new(move |_| {
        if rows.removing.with(Option::is_some) {
            dialog::open(node);
        }
    });
    let name = move || {
        rows.removing.with(|asked| {
            asked
                .as_ref()
                .map(|member| member.name.clone())
                .unwrap_or_default()
        })
    };
    let done = move || {
        dialog::close(node);
        rows.removing.set(None);
    };
    let remove = move |_| {
        if let Some(member) = rows.removing.get_untracked() {
            spawn_local(async move {
                match api::remove(member.id).await {
                    Ok(()) => {
                        let _ = rows
                            .members
                            .try_update(|all| all.retain(|old| old.id != member.id));
                        toasts.say("user", format!("Removed {}", member.name));
                    }
                    Err(error) => rows.failed(member.id, error),
                }
            });
        }
        done();
    };
    let foot = move || {
        view! {
            <button class="btn btn-ghost" type="button" autofocus on:click=move |_| done()>"Cancel"</button>
            <button class="btn btn-danger" type="button" on:click=remove>{icon("trash-2")}"Remove"</button>
        }
    };
    view! {
        <Dialog node id="remove-member" title=Signal::derive(move || format!("Remove {}?", name())) foot>
            <p>"Their sessions and API keys here end at once. What they did stays in the history under their name."</p>
            <p class="muted sm">
                "Schedules that they saved last do nothing until somebody else saves them again."
            </p>
        </Dialog>
    }
}

#[component]
fn ResetLink(rows: Rows) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if rows.link.with(Option::is_some) {
            dialog::open(node);
        }
    });
    let name = move || {
        rows.link
            .with(|link| link.as_ref().map(|(name, _)| name.clone()).unwrap_or_default())
    };
    let value = Signal::derive(move || {
        rows.link
            .with(|link| link.as_ref().map(|(_, link)| link.clone()).unwrap_or_default())
    });
    let done = move |_| {
        dialog::close(node);
        rows.link.set(None);
    };
    let foot = move || view! { <button class="btn btn-primary" type="button" on:click=done>"Done"</button> };
    view! {
        <Dialog node id="reset-link" title=Signal::derive(move || format!("A new password for {}", name())) foot>
            <p>"Send this link to them by a way that you trust. It sets a new password once, within 24 hours."</p>
            <CopyField id="reset-url" label="Link" value />
            <p class="muted sm">"It is shown this once. A newer link makes it worthless."</p>
        </Dialog>
    }
}

/// One sentence about a row, beside it.
pub fn fault_of(rows: Rows, id: UserId) -> AnyView {
    let fault = Memo::new(move |_| {
        rows.fault.with(|fault| {
            fault
                .as_ref()
                .filter(|(of, _)| *of == id)
                .map(|(_, text)| text.clone())
        })
    });
    view! {
        {move || fault.get().map(|message| view! { <span class="row-fault" role="alert">{icon("circle-alert")}{message}</span> })}
    }
    .into_any()
}

/// The whole address of a path of this server.
pub fn address(path: &str) -> String {
    format!("{}{path}", window().location().origin().unwrap_or_default())
}

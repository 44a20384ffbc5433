//! One member of the list.

use super::{
    api,
    page::{Rows, address, fault_of},
    words::role_name,
};
use crate::{
    auth::api::Myself,
    components::{
        icon,
        menu::{MenuItem, RowMenu},
        time::{Ago, At},
        toast::Toasts,
    },
};
use domain::{
    auth::{Permission, Role},
    ids::UserId,
    people::{Member, MemberChange},
};
use leptos::{prelude::*, task::spawn_local};

pub fn row(id: UserId, rows: Rows, me: &Myself) -> AnyView {
    let Some(first) = rows
        .members
        .with_untracked(|all| all.iter().find(|member| member.id == id).cloned())
    else {
        return ().into_any();
    };
    let joined_at = first.joined_at;
    // What was shown last stays while the row is on its way out.
    let member = Memo::new(move |old: Option<&Member>| {
        rows.members
            .with(|all| all.iter().find(|member| member.id == id).cloned())
            .or_else(|| old.cloned())
            .unwrap_or_else(|| first.clone())
    });
    let own = me.id == Some(id);
    let (mine, manages) = (me.role, me.lacks(Permission::UsersManage).is_none());
    // Nobody changes those above them.
    let may = Signal::derive(move || manages && member.with(|member| member.role <= mine));
    let name = Memo::new(move |_| member.with(|member| member.name.clone()));
    let tags = move || {
        member.with(|member| {
            view! {
                {own.then(|| view! { <span class="tag">"You"</span> })}
                {member.disabled.then(|| view! { <span class="tag" data-s="warn">"May not sign in"</span> })}
                {member.server_admin.then(|| view! { <span class="tag">"Server admin"</span> })}
                {member.second_factor.then(|| view! { <span class="tag">"Second factor"</span> })}
            }
        })
    };
    view! {
        <tr role="row" data-stale=move || member.with(|member| member.disabled).then_some("")>
            <td role="cell" data-m="title">
                <div class="name">
                    <span class="t"><span class="clip">{move || name.get()}</span>{tags}</span>
                    {move || member.with(email)}
                    {fault_of(rows, id)}
                </div>
            </td>
            <td role="cell" class="c-role" data-m="a">{role_cell(id, rows, member, mine, may, name)}</td>
            <td role="cell" data-m="b">
                {move || match member.with(|member| member.seen_at) {
                    Some(at) => view! { <Ago at /> }.into_any(),
                    None => view! { <span class="faint">"Not yet"</span> }.into_any(),
                }}
            </td>
            <td role="cell" data-m="hide"><At at=joined_at /></td>
            <td role="cell" data-m="menu"><Actions id rows member name own may /></td>
        </tr>
    }
    .into_any()
}

/// The address, and whether anybody but who wrote it says that it is theirs.
fn email(member: &Member) -> Option<AnyView> {
    let email = member.email.clone()?;
    let checked = match &member.email_confirmed_by {
        Some(provider) => format!("confirmed by {provider}"),
        None => "not confirmed".to_owned(),
    };
    Some(view! { <span class="s">{format!("{email}, {checked}")}</span> }.into_any())
}

fn role_cell(
    id: UserId,
    rows: Rows,
    member: Memo<Member>,
    mine: Role,
    may: Signal<bool>,
    name: Memo<String>,
) -> AnyView {
    let role = Memo::new(move |_| member.with(|member| member.role));
    let options = Role::ALL
        .into_iter()
        .map(|choice| {
            view! {
                <option
                    value=choice.as_str()
                    selected={move || role.get() == choice}
                    disabled={choice > mine}
                >
                    {role_name(choice)}
                </option>
            }
        })
        .collect_view();
    let toasts = Toasts::get();
    let change = move |event: leptos::ev::Event| {
        if let Ok(wanted) = event_target_value(&event).parse() {
            set_role(rows, toasts, id, wanted);
        }
    };
    view! {
        <select
            class="select"
            aria-label=move || format!("Role of {}", name.get())
            disabled=move || !may.get()
            title=move || (!may.get()).then_some("Needs role admin, and no lower role than theirs")
            prop:value=move || role.get().as_str()
            on:change=change
        >
            {options}
        </select>
    }
    .into_any()
}

/// At once on the page, then on the server, and back again if that fails.
fn set_role(rows: Rows, toasts: Toasts, id: UserId, role: Role) {
    let Some(before) = rows
        .members
        .with_untracked(|all| all.iter().find(|member| member.id == id).cloned())
    else {
        return;
    };
    rows.fault.set(None);
    rows.put(Member {
        role,
        ..before.clone()
    });
    spawn_local(async move {
        let change = MemberChange {
            role: Some(role),
            ..MemberChange::default()
        };
        match api::change(id, change).await {
            Ok(member) => {
                toasts.say("user", format!("{} is {} now", member.name, role.with_article()));
                rows.put(member);
            }
            Err(error) => {
                rows.put(before);
                rows.failed(id, error);
            }
        }
    });
}

#[component]
fn Actions(
    id: UserId,
    rows: Rows,
    member: Memo<Member>,
    name: Memo<String>,
    own: bool,
    may: Signal<bool>,
) -> impl IntoView {
    let toasts = Toasts::get();
    let reset = Callback::new(move |()| {
        rows.fault.set(None);
        spawn_local(async move {
            match api::reset_link(id).await {
                Ok(link) => {
                    let _ = rows
                        .link
                        .try_set(Some((name.get_untracked(), address(&link.path))));
                }
                Err(error) => rows.failed(id, error),
            }
        });
    });
    let switch = Callback::new(move |()| {
        rows.fault.set(None);
        let disabled = !member.with_untracked(|member| member.disabled);
        spawn_local(async move {
            let change = MemberChange {
                disabled: Some(disabled),
                ..MemberChange::default()
            };
            match api::change(id, change).await {
                Ok(member) => {
                    let what = if disabled {
                        "may not sign in any more"
                    } else {
                        "may sign in again"
                    };
                    toasts.say("user", format!("{} {what}", member.name));
                    rows.put(member);
                }
                Err(error) => rows.failed(id, error),
            }
        });
    });
    let clear = Callback::new(move |()| {
        rows.fault.set(None);
        spawn_local(async move {
            match api::clear_second_factor(id).await {
                Ok(()) => {
                    toasts.say(
                        "shield-check",
                        format!("{} signs in by password alone now", name.get_untracked()),
                    );
                    rows.put(Member {
                        second_factor: false,
                        ..member.get_untracked()
                    });
                }
                Err(error) => rows.failed(id, error),
            }
        });
    });
    let remove = Callback::new(move |()| {
        rows.fault.set(None);
        rows.removing.set(Some(member.get_untracked()));
    });
    let emailing = Callback::new(move |()| {
        rows.fault.set(None);
        rows.emailing.set(Some(member.get_untracked()));
    });
    view! {
        <Show
            when=move || may.get()
            fallback=move || {
                view! {
                    <button
                        class="icon-btn icon-btn-sm"
                        type="button"
                        disabled
                        title="Needs role admin, and no lower role than theirs"
                        aria-label=move || format!("More actions, {}", name.get())
                    >
                        {icon("ellipsis")}
                    </button>
                }
            }
        >
            <RowMenu id=format!("member-{id}") label=name>
                <MenuItem icon="key-round" text="Link for a new password" run=reset />
                <MenuItem icon="mail" text="E-mail address" run=emailing />
                {member
                    .with(|member| member.second_factor && !own)
                    .then(|| view! { <MenuItem icon="shield-check" text="Take the second factor away" run=clear /> })}
                {(!own)
                    .then(|| {
                        let disabled = member.with(|member| member.disabled);
                        let text = if disabled { "Let sign in again" } else { "Keep from signing in" };
                        view! { <MenuItem icon="ban" text run=switch /> }
                    })}
                <hr />
                <MenuItem icon="trash-2" text="Remove" danger=true run=remove />
            </RowMenu>
        </Show>
    }
}

//! Templates: a beginning for one schedule leads to its form; one for two that belong together has a form of its own.

use crate::{
    components::{
        FailureNote,
        dialog::{self, Dialog},
        icon,
        time::Clock,
        toast::Toasts,
    },
    schedules::api,
};
use domain::{
    schedules::Trigger,
    templates::{Part, TEMPLATES, Template},
};
use leptos::{html, prelude::*, task::spawn_local};

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

#[component]
pub fn TemplatesDialog(node: NodeRef<html::Dialog>) -> impl IntoView {
    let chosen = RwSignal::new(None::<&'static Template>);
    let title = Signal::derive(move || {
        chosen.get().map_or_else(
            || "Begin with a template".to_owned(),
            |template| template.name.to_owned(),
        )
    });
    let foot = move || {
        let back = chosen.get().is_some().then(|| {
            view! {
                <button class="btn btn-ghost" type="button" on:click=move |_| chosen.set(None)>"Other templates"</button>
                <button class="btn btn-primary" type="submit" form="pair-form">"Create both"</button>
            }
        });
        view! {
            {back}
            {chosen.get().is_none().then(|| view! {
                <button class="btn btn-ghost" type="button" on:click=move |_| dialog::close(node)>"Cancel"</button>
            })}
        }
    };
    view! {
        <Dialog node id="templates" title foot>
            {move || match chosen.get() {
                None => view! { <ul class="templates">{TEMPLATES.iter().map(|template| choice(template, chosen)).collect_view()}</ul> }.into_any(),
                Some(template) => view! { <Pair template node chosen /> }.into_any(),
            }}
        </Dialog>
    }
}

fn choice(template: &'static Template, chosen: RwSignal<Option<&'static Template>>) -> AnyView {
    let inside = view! {
        <span class="num-i">{icon(template.icon)}</span>
        <span><b class="strong">{template.name}</b><span class="muted sm">{template.about}</span></span>
    };
    let item = if template.pair().is_some() {
        view! { <button class="template" type="button" on:click=move |_| chosen.set(Some(template))>{inside}</button> }.into_any()
    } else {
        view! { <a class="template" href=format!("/schedules/new?template={}", template.key)>{inside}</a> }
            .into_any()
    };
    view! { <li>{item}</li> }.into_any()
}

/// When one of the two happens, as the form has it.
#[derive(Clone, Copy)]
struct When {
    part: Part,
    time: RwSignal<String>,
    day: RwSignal<u32>,
}

impl When {
    fn new(part: &Part) -> Self {
        Self {
            part: *part,
            time: RwSignal::new(format!("{:02}:{:02}", part.at.0, part.at.1)),
            day: RwSignal::new(part.weekday.unwrap_or_default()),
        }
    }

    /// None when no time is given.
    fn expression(self) -> Option<String> {
        let time = self.time.get_untracked();
        let (hour, rest) = time.split_once(':')?;
        let part = Part {
            at: (hour.parse().ok()?, rest.get(..2)?.parse().ok()?),
            weekday: self.part.weekday.map(|_| self.day.get_untracked()),
            ..self.part
        };
        Some(part.expression())
    }
}

#[component]
fn Pair(
    template: &'static Template,
    node: NodeRef<html::Dialog>,
    chosen: RwSignal<Option<&'static Template>>,
) -> impl IntoView {
    let (clock, toasts) = (Clock::get(), Toasts::get());
    let name = RwSignal::new(template.name.to_owned());
    let target = RwSignal::new(String::new());
    let fault = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    let whens: Vec<When> = template
        .pair()
        .unwrap_or_default()
        .iter()
        .map(When::new)
        .collect();
    let fields = whens.iter().map(|when| fields(*when)).collect_view();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let mut drafts = template.drafts(
            name.get_untracked().trim(),
            &target.get_untracked(),
            &untrack(|| clock.zone()),
        );
        for (draft, when) in drafts.iter_mut().zip(&whens) {
            let Some(expression) = when.expression() else {
                fault.set(Some("Give both times.".to_owned()));
                return;
            };
            draft.triggers = vec![Trigger::Cron { expression }];
        }
        busy.set(true);
        fault.set(None);
        spawn_local(async move {
            let mut made = Vec::new();
            let mut failed = None;
            for draft in drafts {
                match api::create(draft).await {
                    Ok(schedule) => made.push(schedule),
                    Err(error) => {
                        failed = Some(error.0.message);
                        break;
                    }
                }
            }
            // Half a pair would stop what nobody starts again.
            if failed.is_some() {
                for schedule in std::mem::take(&mut made) {
                    let _ = api::delete(schedule.id).await;
                }
            }
            if busy.try_set(false).is_some() {
                return;
            }
            match failed {
                Some(message) => fault.set(Some(message)),
                None => {
                    dialog::close(node);
                    chosen.set(None);
                    toasts.say("calendar-clock", format!("Created {} schedules", made.len()));
                }
            }
        });
    };
    view! {
        <form id="pair-form" class="stack" on:submit=submit>
            <p class="muted">{template.about}</p>
            <label class="field">
                <span>"Name of both"</span>
                <input class="input" required prop:value=move || name.get() on:input=move |event| name.set(event_target_value(&event)) />
            </label>
            <label class="field">
                <span>"Containers"</span>
                <input
                    class="input mono"
                    required
                    placeholder="stack:games host:nas"
                    spellcheck="false"
                    autocapitalize="off"
                    prop:value=move || target.get()
                    on:input=move |event| target.set(event_target_value(&event))
                />
            </label>
            {fields}
            <p class="muted sm">"Times of "{move || clock.city()}"."</p>
            {move || fault.get().map(|message| view! { <FailureNote message=message /> })}
        </form>
    }
}

fn fields(when: When) -> AnyView {
    let label = domain::actions::Action::from_verb(when.part.verb).map_or("Run", |action| action.label());
    let day = when.part.weekday.map(|_| {
        let options = (0_u32..)
            .zip(DAYS)
            .map(|(day, name)| view! { <option value=day.to_string() selected=move || when.day.get() == day>{name}</option> })
            .collect_view();
        view! {
            <select
                class="select"
                aria-label=format!("{label}: day")
                on:change=move |event| when.day.set(event_target_value(&event).parse().unwrap_or_default())
            >
                {options}
            </select>
        }
    });
    view! {
        <div class="row row-wrap pair-when">
            <span class="strong">{label}</span>
            {day}
            <input
                class="input"
                type="time"
                required
                aria-label=format!("{label}: time")
                prop:value=move || when.time.get()
                on:input=move |event| when.time.set(event_target_value(&event))
            />
        </div>
    }
    .into_any()
}

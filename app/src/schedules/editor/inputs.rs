//! The inputs of the form: each with its name, its help and what is wrong with it.

use super::fields::marked;
use crate::components::icon;
use leptos::prelude::*;

/// What was said about a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub message: String,
    /// The text that is meant, where it is a part of what is typed.
    pub text: Option<String>,
    /// Bytes of that text, or of what is typed.
    pub place: Option<(usize, usize)>,
}

/// A text of the form.
#[derive(Clone, Copy)]
pub struct Bound {
    pub value: Signal<String>,
    pub set: Callback<String>,
    pub fault: Signal<Option<Said>>,
}

/// One of several.
#[derive(Clone, Copy)]
pub struct Pick {
    pub index: Signal<usize>,
    pub set: Callback<usize>,
}

/// Yes or no.
#[derive(Clone, Copy)]
pub struct Flag {
    pub on: Signal<bool>,
    pub set: Callback<bool>,
}

/// How a field is called and looks.
pub struct Field {
    id: String,
    label: &'static str,
    like: &'static str,
    class: &'static str,
    hint: Option<Signal<&'static str>>,
    offers: Option<Signal<Vec<String>>>,
    beside: Option<AnyView>,
}

impl Field {
    /// `id` is unique on the page.
    pub fn new(id: String, label: &'static str) -> Self {
        Self {
            id,
            label,
            like: "",
            class: "",
            hint: None,
            offers: None,
            beside: None,
        }
    }

    /// What stands in the empty field.
    pub fn like(mut self, example: &'static str) -> Self {
        self.like = example;
        self
    }

    pub fn class(mut self, class: &'static str) -> Self {
        self.class = class;
        self
    }

    pub fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(Signal::stored(hint));
        self
    }

    /// Help that changes with the form.
    pub fn hints(mut self, hint: Signal<&'static str>) -> Self {
        self.hint = Some(hint);
        self
    }

    pub fn suggest(self, texts: &[&str]) -> Self {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        self.offer(Signal::stored(texts))
    }

    /// Texts to choose from; others can be typed.
    pub fn offer(mut self, texts: Signal<Vec<String>>) -> Self {
        self.offers = Some(texts);
        self
    }

    /// Something on the label's own line.
    pub fn beside(mut self, view: AnyView) -> Self {
        self.beside = Some(view);
        self
    }

    /// One line of text.
    pub fn line(self, bound: Bound) -> AnyView {
        let (about, list) = (format!("{}-about", self.id), format!("{}-list", self.id));
        let offers = self.offers.map(|offers| {
            let list = list.clone();
            let option = |text: String| view! { <option value=text></option> };
            view! { <datalist id=list>{move || offers.get().into_iter().map(option).collect_view()}</datalist> }
        });
        let input = view! {
            <input
                class=format!("input {}", self.class)
                id=self.id.clone()
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                placeholder=self.like
                list=offers.is_some().then_some(list)
                aria-invalid=move || bound.fault.get().map(|_| "true")
                aria-describedby=about.clone()
                value=bound.value.get_untracked()
                prop:value=move || bound.value.get()
                on:input=move |event| bound.set.run(event_target_value(&event))
            />
            {offers}
        };
        self.around(about, bound, input.into_any())
    }

    /// A text of any number of lines.
    pub fn area(self, bound: Bound) -> AnyView {
        let about = format!("{}-about", self.id);
        let area = view! {
            <textarea
                class=format!("input grows {}", self.class)
                id=self.id.clone()
                rows="1"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                placeholder=self.like
                aria-invalid=move || bound.fault.get().map(|_| "true")
                aria-describedby=about.clone()
                prop:value=move || bound.value.get()
                on:input=move |event| bound.set.run(event_target_value(&event))
            ></textarea>
        };
        self.around(about, bound, area.into_any())
    }

    fn around(self, about: String, bound: Bound, input: AnyView) -> AnyView {
        let label = view! { <label for=self.id>{self.label}</label> };
        let label = match self.beside {
            Some(beside) => view! { <div class="row spread row-wrap">{label}{beside}</div> }.into_any(),
            None => label.into_any(),
        };
        view! {
            <div class="field">
                {label}
                {input}
                <div id=about>
                    {self.hint.map(|hint| view! { <span class="hint">{move || hint.get()}</span> })}
                    {said(bound)}
                </div>
            </div>
        }
        .into_any()
    }

    /// One of a list that is opened.
    pub fn select(self, options: &'static [&'static str], pick: Pick) -> AnyView {
        let option = move |(index, name): (usize, &&'static str)| {
            view! {
                <option value=index.to_string() selected=pick.index.get_untracked() == index prop:selected=move || pick.index.get() == index>
                    {*name}
                </option>
            }
        };
        let about = format!("{}-about", self.id);
        view! {
            <div class="field">
                <label for=self.id.clone()>{self.label}</label>
                <select
                    class=format!("select {}", self.class)
                    id=self.id
                    aria-describedby=about.clone()
                    on:change=move |event| {
                        if let Ok(index) = event_target_value(&event).parse() {
                            pick.set.run(index);
                        }
                    }
                >
                    {options.iter().enumerate().map(option).collect_view()}
                </select>
                {self.hint.map(|hint| view! { <span class="hint" id=about>{move || hint.get()}</span> })}
            </div>
        }
        .into_any()
    }

    /// One of a few that are all to be seen.
    pub fn seg(self, options: &'static [&'static str], pick: Pick) -> AnyView {
        let name = self.id;
        let choice = move |(index, text): (usize, &&'static str)| {
            view! {
                <label>
                    <input
                        type="radio"
                        name=name.clone()
                        checked=pick.index.get_untracked() == index
                        prop:checked=move || pick.index.get() == index
                        on:change=move |_| pick.set.run(index)
                    />
                    {*text}
                </label>
            }
        };
        view! {
            <fieldset class="field seg-field">
                <legend>{self.label}</legend>
                <div class="seg">{options.iter().enumerate().map(choice).collect_view()}</div>
                {self.hint.map(|hint| view! { <span class="hint">{move || hint.get()}</span> })}
            </fieldset>
        }
        .into_any()
    }
}

/// Yes or no, in words.
pub fn check(label: &'static str, hint: &'static str, flag: Flag) -> AnyView {
    view! {
        <label class="opt">
            <input
                type="checkbox"
                class="check"
                checked=flag.on.get_untracked()
                prop:checked=move || flag.on.get()
                on:change=move |event| flag.set.run(event_target_checked(&event))
            />
            <span>{label}<small class="hint">{hint}</small></span>
        </label>
    }
    .into_any()
}

/// What is wrong with a text: its part, marked, and the sentence.
pub fn said(bound: Bound) -> AnyView {
    view! {
        <div aria-live="polite">
            {move || bound.fault.get().map(|said| {
                let text = said.text.unwrap_or_else(|| bound.value.get_untracked());
                view! {
                    <span class="field-err">{icon("circle-alert")}<span>{marked(&text, said.place)}{said.message}</span></span>
                }
            })}
        </div>
    }
    .into_any()
}

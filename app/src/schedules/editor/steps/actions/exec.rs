//! Running a command in a container.

use super::{
    super::{
        pairs::{VARIABLES, pairs},
        reading::{optional, pairs_of},
    },
    ActionForm, CommandForm, One, Reading, variables,
};
use crate::schedules::editor::inputs::{Field, Pick};
use domain::actions::Exec;
use leptos::prelude::*;

pub fn read(form: &mut ActionForm, exec: &Exec) {
    form.command = CommandForm::of(&exec.command);
    form.user = exec.user.clone().unwrap_or_default();
    form.workdir = exec.workdir.clone().unwrap_or_default();
    form.env = pairs_of(&exec.env);
}

pub fn write(form: &ActionForm, reading: &mut Reading<'_>) -> Exec {
    let command = words(form, reading);
    if command.is_empty() && form.command.text.trim().is_empty() {
        reading.fault("command", "There is no command. Write one, such as date.", None);
    }
    Exec {
        command,
        user: optional(&form.user),
        workdir: optional(&form.workdir),
        env: reading.pairs("env", &form.env),
    }
}

/// The words of the command.
pub fn words(form: &ActionForm, reading: &mut Reading<'_>) -> Vec<String> {
    form.command.words().unwrap_or_else(|unclosed| {
        let message = "This quote is never closed. Close it, or write a backslash before it.";
        reading.fault("command", message, Some((unclosed.start, unclosed.end)));
        Vec::new()
    })
}

/// The command: as words, or as a script.
pub fn command_field(one: One, hint: &'static str) -> AnyView {
    let script = Memo::new(move |_| one.step.with(|step| step.action.command.script));
    let pick = Pick {
        index: Signal::derive(move || usize::from(script.get())),
        set: Callback::new(move |index| {
            one.change("action.command", |step| step.action.command.turn(index == 1));
        }),
    };
    let hint = Signal::derive(move || match script.get() {
        true => "Run by sh -c, so pipes, ; and && work. The container must have a shell.",
        false => hint,
    });
    Field::new(one.id("command"), "Command")
        .class("mono")
        .like("pg_dump -U app app")
        .hints(hint)
        .beside(Field::new(one.id("shell"), "Written as").seg(&["Command", "Shell script"], pick))
        .area(one.text(
            "action.command",
            |step| &step.action.command.text,
            |step| &mut step.action.command.text,
        ))
}

pub fn fields(one: One) -> AnyView {
    view! {
        {command_field(one, "No shell is involved. Words are split at blanks, quotes keep them together.")}
        <div class="grid-2">
            {Field::new(one.id("user"), "User")
                .like("The container's own")
                .line(one.text("action.user", |step| &step.action.user, |step| &mut step.action.user))}
            {Field::new(one.id("workdir"), "Directory")
                .like("The container's own")
                .line(one.text("action.workdir", |step| &step.action.workdir, |step| &mut step.action.workdir))}
        </div>
        {pairs(one, "action.env", VARIABLES, |step| &step.action.env, |step| &mut step.action.env)}
        {variables()}
    }
    .into_any()
}

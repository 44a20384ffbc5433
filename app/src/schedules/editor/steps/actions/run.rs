//! Running a container once.

use super::{
    super::{
        mounts::mounts,
        pairs::{VARIABLES, pairs},
        reading::{optional, pairs_of},
    },
    ActionForm, CommandForm, MountForm, One, Reading,
    exec::{command_field, words},
    variables,
};
use crate::schedules::editor::inputs::Field;
use domain::actions::{Limits, Mount, Run};
use leptos::prelude::*;

pub fn read(form: &mut ActionForm, run: &Run) {
    form.image.clone_from(&run.image);
    form.command = CommandForm::of(&run.command);
    form.env = pairs_of(&run.env);
    form.mounts = run
        .mounts
        .iter()
        .map(|mount| MountForm {
            source: mount.source.clone(),
            target: mount.target.clone(),
            read_only: mount.read_only,
        })
        .collect();
    form.network = run.network.clone().unwrap_or_default();
    if let Some(limits) = &run.limits {
        form.memory = limits.memory.clone().unwrap_or_default();
        form.cpus = limits.cpus.clone().unwrap_or_default();
        form.pids = limits.pids.map(|pids| pids.to_string()).unwrap_or_default();
    }
}

pub fn write(form: &ActionForm, reading: &mut Reading<'_>) -> Run {
    let limits = Limits {
        memory: optional(&form.memory),
        cpus: optional(&form.cpus),
        pids: reading.inside("limits").number("pids", &form.pids),
    };
    Run {
        image: form.image.trim().to_owned(),
        command: words(form, reading),
        env: reading.pairs("env", &form.env),
        mounts: form
            .mounts
            .iter()
            .filter(|mount| **mount != MountForm::default())
            .map(|mount| Mount {
                source: mount.source.trim().to_owned(),
                target: mount.target.trim().to_owned(),
                read_only: mount.read_only,
            })
            .collect(),
        network: optional(&form.network),
        limits: Some(limits).filter(|limits| *limits != Limits::default()),
    }
}

pub fn fields(one: One) -> AnyView {
    let line = |name, label, like, path, get, own| {
        Field::new(one.id(name), label)
            .like(like)
            .line(one.text(path, get, own))
    };
    view! {
        {Field::new(one.id("image"), "Image")
            .like("alpine:3")
            .class("mono")
            .hint("Pulled where the host does not have it.")
            .line(one.text("action.image", |step| &step.action.image, |step| &mut step.action.image))}
        {command_field(one, "In place of the image's own. Words are split at blanks, quotes keep them together.")}
        {mounts(one)}
        {pairs(one, "action.env", VARIABLES, |step| &step.action.env, |step| &mut step.action.env)}
        <div class="grid-4">
            {line("network", "Network", "The default", "action.network", |step| &step.action.network, |step| &mut step.action.network)}
            {line("memory", "Memory, at most", "512m", "action.limits.memory", |step| &step.action.memory, |step| &mut step.action.memory)}
            {line("cpus", "Processors", "0.5", "action.limits.cpus", |step| &step.action.cpus, |step| &mut step.action.cpus)}
            {line("pids", "Processes", "No limit", "action.limits.pids", |step| &step.action.pids, |step| &mut step.action.pids)}
        </div>
        {variables()}
    }
    .into_any()
}

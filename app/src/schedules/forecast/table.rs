//! The forecast as a table: the same for those who cannot see the picture, and for who wants the exact times.

use super::{Range, card::Choose, words};
use crate::components::{
    Status, run_state,
    time::{Ago, At, duration},
};
use domain::forecast::{Density, Forecast, ForecastMark, PastRun};
use leptos::prelude::*;

pub fn table(forecast: &Forecast, range: Range, choose: Choose) -> AnyView {
    let marks = forecast
        .marks
        .iter()
        .cloned()
        .map(|mark| line(mark, choose))
        .collect_view();
    let past = forecast.past.iter().map(was).collect_view();
    let dense = forecast.density.iter().map(frequent).collect_view();
    let named = forecast.marks.len() as u64;
    let all = forecast.total - forecast.dense_total;
    let cut = forecast.next.is_some().then(|| {
        view! { <p class="card-f muted">{format!("The first {named} of {all} runs. Search for a schedule to see its own.")}</p> }
    });
    view! {
        <div class="tbl-wrap fc-table">
            <table class="tbl" role="table" aria-label=format!("Coming runs, {}", range.span())>
                <thead role="rowgroup">
                    <tr role="row">
                        <th role="columnheader" scope="col">"When"</th>
                        <th role="columnheader" scope="col">"Schedule"</th>
                        <th role="columnheader" scope="col">"Touches"</th>
                        <th role="columnheader" scope="col">"Takes about"</th>
                        <th role="columnheader" scope="col">"State"</th>
                    </tr>
                </thead>
                <tbody role="rowgroup">{past}{marks}{dense}</tbody>
            </table>
        </div>
        {cut}
    }
    .into_any()
}

fn line(mark: ForecastMark, choose: Choose) -> AnyView {
    let (at, name, touches) = (mark.starts(), mark.schedule.name.clone(), words::touches(&mark));
    let takes = mark
        .expected_ms
        .map_or_else(|| "not known yet".to_owned(), duration);
    let note = mark
        .note
        .clone()
        .map(|note| view! { <span class="s">{note}</span> });
    let state = words::state(&mark);
    view! {
        <tr role="row">
            <td role="cell" data-m="b"><div class="when"><span class="r"><At at /></span><span class="a"><Ago at /></span></div></td>
            <td role="cell" data-m="title">
                <div class="name">
                    <span class="t"><button class="linkish" type="button" on:click=move |_| choose.run(mark.clone())>{name}</button></span>
                    {note}
                </div>
            </td>
            <td role="cell" data-m="hide">{touches}</td>
            <td role="cell" data-m="hide">{takes}</td>
            <td role="cell" data-m="a"><Status state /></td>
        </tr>
    }
    .into_any()
}

/// One that was, with its outcome.
fn was(run: &PastRun) -> AnyView {
    let at = run.at;
    let href = format!("/runs/{}", run.run);
    let takes = run.took_ms.map_or_else(|| "–".to_owned(), duration);
    let note = run
        .message
        .clone()
        .map(|note| view! { <span class="s">{note}</span> });
    let touched = match run.targets {
        0 => "no container".to_owned(),
        1 => "1 container".to_owned(),
        n => format!("{n} containers"),
    };
    view! {
        <tr role="row">
            <td role="cell" data-m="b"><div class="when"><span class="r"><At at /></span><span class="a"><Ago at /></span></div></td>
            <td role="cell" data-m="title">
                <div class="name"><span class="t"><a href=href>{run.schedule.name.clone()}</a></span>{note}</div>
            </td>
            <td role="cell" data-m="hide">{touched}</td>
            <td role="cell" data-m="hide">{takes}</td>
            <td role="cell" data-m="a"><Status state=run_state(run.status) /></td>
        </tr>
    }
    .into_any()
}

fn of_density(density: &Density) -> String {
    match (density.targets, density.hosts.as_slice()) {
        (0, []) => "no container".to_owned(),
        (0, [one]) => one.name.clone(),
        (0, many) => format!("{} hosts", many.len()),
        (1, _) => "1 container".to_owned(),
        (count, _) => format!("{count} containers"),
    }
}

fn frequent(density: &Density) -> AnyView {
    let takes = density
        .expected_ms
        .map_or_else(|| "not known yet".to_owned(), duration);
    let href = format!("/schedules/{}", density.schedule.id);
    let held = (density.held > 0).then(|| format!(", {} of them in a blackout", density.held));
    view! {
        <tr role="row">
            <td role="cell" data-m="b"><div class="when"><span class="r">{format!("{} times", density.count)}</span></div></td>
            <td role="cell" data-m="title">
                <div class="name">
                    <span class="t"><a href=href>{density.schedule.name.clone()}</a></span>
                    <span class="s">{density.sentence.clone()}{held}</span>
                </div>
            </td>
            <td role="cell" data-m="hide">{of_density(density)}</td>
            <td role="cell" data-m="hide">{takes}</td>
            <td role="cell" data-m="a"><span class="faint">"Frequent"</span></td>
        </tr>
    }
    .into_any()
}

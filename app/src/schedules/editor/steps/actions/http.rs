//! Making a request.

use super::{
    super::{
        pairs::{HEADERS, pairs},
        reading::pairs_of,
    },
    ActionForm, One, Reading, variables,
};
use crate::schedules::editor::inputs::Field;
use domain::actions::{Http, Method};
use leptos::prelude::*;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

pub fn read(form: &mut ActionForm, http: &Http) {
    form.method = http.method;
    form.url.clone_from(&http.url);
    form.headers = pairs_of(&http.headers);
    form.body = http.body.clone().unwrap_or_default();
    let expect: Vec<String> = http.expect.iter().map(u16::to_string).collect();
    form.expect = expect.join(", ");
}

pub fn write(form: &ActionForm, reading: &mut Reading<'_>) -> Http {
    let statuses = form
        .expect
        .split([',', ' '])
        .map(str::trim)
        .filter(|status| !status.is_empty());
    let expect: Result<Vec<u16>, _> = statuses.map(str::parse).collect();
    Http {
        method: form.method,
        url: form.url.trim().to_owned(),
        headers: reading.pairs("headers", &form.headers),
        body: Some(form.body.clone()).filter(|body| !body.is_empty()),
        expect: expect.unwrap_or_else(|_| {
            reading.fault("expect", "Write statuses as numbers, such as 200, 204.", None);
            Vec::new()
        }),
    }
}

pub fn fields(one: One) -> AnyView {
    let method = one.choice(
        "action.method",
        &Method::ALL,
        |step| step.action.method,
        |step| &mut step.action.method,
    );
    view! {
        <div class="request">
            {Field::new(one.id("method"), "Method").select(&METHODS, method)}
            {Field::new(one.id("url"), "Address")
                .like("https://example.com/hook")
                .class("mono")
                .line(one.text("action.url", |step| &step.action.url, |step| &mut step.action.url))}
        </div>
        {pairs(one, "action.headers", HEADERS, |step| &step.action.headers, |step| &mut step.action.headers)}
        {Field::new(one.id("body"), "Body")
            .class("mono")
            .like("None")
            .area(one.text("action.body", |step| &step.action.body, |step| &mut step.action.body))}
        {Field::new(one.id("expect"), "It succeeds with")
            .class("short")
            .like("200 to 299")
            .hint("Statuses such as 200, 204. Addresses inside the server's own networks need an admin's allowance.")
            .line(one.text("action.expect", |step| &step.action.expect, |step| &mut step.action.expect))}
        {variables()}
    }
    .into_any()
}

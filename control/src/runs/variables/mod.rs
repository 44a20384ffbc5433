//! Variables in the texts of actions: `{{ target.name }}`, `{{ previous.output }}`, `{{ secret('name') }}`.
//!
//! Strict twice: a name that nobody knows is refused when a schedule is saved ([`check`]), and one that has no value when
//! the step runs fails the step. Secrets are opened for one attempt and hidden in everything that is kept of it.

mod check;
mod mask;

pub(crate) use check::check;
pub(crate) use mask::Mask;

use crate::{Control, Error, error::Result, secrets};
use domain::{
    actions::Action,
    errors::{ErrorClass, Problem},
    ids::OrgId,
};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Steps of a template before it is ended: a loop without end must not hold a worker.
const FUEL: u64 = 100_000;
/// The largest text that variables may make, in bytes.
const LARGEST: usize = 1024 * 1024;

/// The values of the variables on one target.
#[derive(Clone, Debug)]
pub(crate) struct Scope(Value);

impl Scope {
    pub fn new(
        run: &impl ToString,
        title: &str,
        trigger: &Value,
        host: &str,
        target: &str,
        previous: (&str, &str),
    ) -> Self {
        let mut values = json!({
            "run": { "id": run.to_string(), "title": title },
            "schedule": { "name": title },
            "trigger": trigger,
            "target": { "name": target },
            "previous": { "status": previous.0, "output": previous.1 },
        });
        if !host.is_empty() {
            values["host"] = json!({ "name": host });
        }
        Self(values)
    }

    fn values(&self) -> minijinja::Value {
        minijinja::Value::from(minijinja::value::Serde(&self.0))
    }
}

/// Whether a text holds anything to fill in.
pub(crate) fn has_variables(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// An action with its variables filled in, what hides the secrets among them, and their names; or why that cannot be, as a
/// sentence.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn fill(
    control: &Control,
    org: OrgId,
    action: &Action,
    scope: &Scope,
) -> Result<Result<(Action, Mask, Vec<String>), String>> {
    let mut filled = action.clone();
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut any = false;
    // The first pass only finds out which secrets there are to open.
    let seen = filled.texts("", &mut |_, text| {
        if has_variables(text) {
            any = true;
            wanted.extend(secrets_in(text, scope));
        }
        Ok(())
    });
    if seen.is_err() || !any {
        return Ok(Ok((filled, Mask::default(), Vec::new())));
    }
    let mut opened: BTreeMap<String, SecretString> = BTreeMap::new();
    for name in wanted {
        match secrets::open(control, org, &name).await {
            Ok(value) => {
                opened.insert(name, value);
            }
            Err(Error::Problem(problem)) if problem.class == ErrorClass::NotFound => {
                return Ok(Err(format!(
                    "There is no secret with the name {name}. It may have been deleted: store it again, or correct the \
                     name."
                )));
            }
            Err(Error::Problem(problem)) => return Ok(Err(problem.message)),
            Err(error) => return Err(error),
        }
    }
    let opened = Arc::new(opened);
    let result = filled.texts("", &mut |_, text| {
        if has_variables(text) {
            *text = render(text, scope, &opened)?;
        }
        Ok(())
    });
    let mask = Mask::of(opened.values());
    // What the texts have become must still be what an action may be: a whole path, a header without a line break.
    Ok(match result.and_then(|()| filled.check("")) {
        Ok(()) => Ok((filled, mask, opened.keys().cloned().collect())),
        Err(problem) => Err(mask.hide(&problem.message)),
    })
}

fn render(
    text: &str,
    scope: &Scope,
    opened: &Arc<BTreeMap<String, SecretString>>,
) -> Result<String, Problem> {
    let mut env = environment();
    let opened = opened.clone();
    env.add_function(
        "secret",
        move |name: String| -> Result<String, minijinja::Error> {
            match opened.get(&name) {
                Some(value) => Ok(value.expose_secret().to_owned()),
                None => Err(minijinja::Error::new(
                    minijinja::ErrorKind::InvalidOperation,
                    format!("the secret {name} is not named outright"),
                )),
            }
        },
    );
    let refused = |what: String| {
        Problem::new(
            ErrorClass::Invalid,
            "variables_failed",
            format!("The variables could not be filled in: {what}. Nothing was done."),
        )
    };
    let rendered = env
        .render_str(text, scope.values())
        .map_err(|error| refused(words(&error)))?;
    if rendered.len() > LARGEST {
        return Err(refused(format!("the text would be larger than {LARGEST} bytes")));
    }
    Ok(rendered)
}

/// The names that a text asks secrets for.
fn secrets_in(text: &str, scope: &Scope) -> BTreeSet<String> {
    let names: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let mut env = environment();
    let seen = names.clone();
    env.add_function("secret", move |name: String| {
        seen.lock().insert(name);
        "***"
    });
    // What fails here fails again when it counts, and says why.
    let _ = env.render_str(text, scope.values());
    std::mem::take(&mut *names.lock())
}

fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_fuel(Some(FUEL));
    env
}

/// What a template's error means, without what surrounds it.
fn words(error: &minijinja::Error) -> String {
    let detail = error
        .detail()
        .map(|detail| format!(" ({detail})"))
        .unwrap_or_default();
    match error.kind() {
        minijinja::ErrorKind::UndefinedError => format!("a variable has no value{detail}"),
        minijinja::ErrorKind::OutOfFuel => "it goes on without end".to_owned(),
        kind => format!("{kind}{detail}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> Scope {
        Scope::new(
            &"0190",
            "nightly",
            &json!({ "type": "webhook", "payload": { "tag": "v2" } }),
            "nas",
            "web",
            ("succeeded", "42"),
        )
    }

    fn filled(text: &str) -> Result<String, Problem> {
        let opened = BTreeMap::from([("token".to_owned(), SecretString::from("s3cret"))]);
        render(text, &scope(), &Arc::new(opened))
    }

    #[test]
    fn values_are_filled_in() {
        for (text, expected) in [
            ("{{ target.name }}@{{ host.name }}", "web@nas"),
            ("{{ run.id }} {{ schedule.name }}", "0190 nightly"),
            ("{{ trigger.payload.tag }}", "v2"),
            ("{{ previous.status }}:{{ previous.output }}", "succeeded:42"),
            ("Bearer {{ secret('token') }}", "Bearer s3cret"),
            ("<a & b> {{ target.name | upper }}", "<a & b> WEB"),
            ("{% if previous.status == 'succeeded' %}yes{% endif %}", "yes"),
        ] {
            assert_eq!(filled(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_an_error_and_never_nothing() {
        for text in [
            "{{ trigger.payload.gone }}",
            "{{ secret('other') }}",
            "{{ target.gone }}",
            "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        ] {
            assert!(filled(text).is_err(), "{text}");
        }
    }

    #[test]
    fn secrets_are_found_before_they_are_opened() {
        let text = "{{ secret('a') }} {% if true %}{{ secret(\"b\") }}{% endif %}";
        let found: Vec<_> = secrets_in(text, &scope()).into_iter().collect();
        assert_eq!(found, ["a", "b"]);
    }
}

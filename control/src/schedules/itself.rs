//! Targets that include Chrontainer itself or its database: said when a schedule is saved, where it can be known.

use crate::Control;
use domain::{
    actions::Action,
    errors::Problem,
    ids::OrgId,
    schedules::{Schedule, Step},
    selectors::Selector,
};

/// Why an action does nothing to a container in which Chrontainer or its database runs.
pub(super) fn refusal(action: &Action) -> String {
    format!(
        "Chrontainer or its database runs in this container, so nothing here can {} it: nothing would be left to start it \
         again.",
        action.verb()
    )
}

/// What is to be known of steps whose targets find Chrontainer itself now, as sentences.
///
/// # Errors
/// 422 `only_itself` when a step finds nothing else, so that it could never do anything.
pub(super) fn warnings(control: &Control, org: OrgId, steps: &[Step]) -> Result<Vec<String>, Problem> {
    let mut warnings = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        if !step.action.refused_on_itself() {
            continue;
        }
        let Ok(selector) = Selector::parse_target(&step.target) else {
            continue;
        };
        let found = control.fleet().resolve(org, &selector);
        let own: Vec<String> = found
            .iter()
            .filter(|target| target.protected)
            .map(|target| format!("{} on {}", target.name, target.host_name))
            .collect();
        if own.is_empty() {
            continue;
        }
        let (title, own_names) = (step.title(), own.join(", "));
        if own.len() == found.len() {
            let message = format!(
                "The step “{title}” finds only {own_names}, where Chrontainer or its database runs, and that is never done \
                 there: nothing would be left to start it again. Choose other targets."
            );
            return Err(Problem::invalid(
                "only_itself",
                &format!("steps[{index}].target"),
                message,
            ));
        }
        warnings.push(format!(
            "The step “{title}” finds {own_names} too, where Chrontainer or its database runs. That is left alone there: \
             nothing would be left to start it again."
        ));
    }
    Ok(warnings)
}

/// The schedule with its warnings.
pub(super) fn warned(schedule: Schedule, warnings: Vec<String>) -> Schedule {
    Schedule { warnings, ..schedule }
}

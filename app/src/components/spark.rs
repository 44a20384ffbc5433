//! A small line of values, as high as the largest of them.

use leptos::prelude::*;

/// The line as the commands of a path in a box of 60 by 20; nothing for a single value.
fn path(values: &[f32]) -> Option<String> {
    let most = values.iter().copied().reduce(f32::max)?;
    if values.len() < 2 {
        return None;
    }
    let top = most.max(1.0);
    let step = 60.0 / (values.len() - 1) as f32;
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(at, value)| format!("{:.1} {:.1}", at as f32 * step, 19.0 - 17.0 * value / top))
        .collect();
    Some(format!("M{}", points.join("L")))
}

/// The values from the oldest to the newest, and what the line says to those who do not see it.
pub fn spark(values: &[f32], said: String) -> AnyView {
    let Some(path) = path(values) else {
        return ().into_any();
    };
    view! {
        <svg class="spark" viewBox="0 0 60 20" preserveAspectRatio="none" role="img" aria-label=said>
            <path class="f" d=format!("{path}L60 20L0 20Z")></path>
            <path class="l" d=path></path>
        </svg>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_reaches_the_top() {
        assert_eq!(path(&[0.0, 10.0, 5.0]).unwrap(), "M0.0 19.0L30.0 2.0L60.0 10.5");
        assert_eq!(path(&[3.0]), None);
        assert_eq!(path(&[]), None);
    }
}

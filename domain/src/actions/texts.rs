//! What several kinds of actions check and show alike.

use super::Visit;
use crate::errors::Problem;
use std::collections::BTreeMap;

/// The longest text of an action, in bytes: engines and kernels refuse longer command lines anyway.
pub(super) const LONGEST: usize = 64 * 1024;
/// The most words of a command and the most variables.
pub(super) const MOST: usize = 256;

/// A command: words, the first one the program.
pub(super) fn command(words: &[String], field: &str, may_be_empty: bool) -> Result<(), Problem> {
    if !may_be_empty && words.first().is_none_or(|first| first.trim().is_empty()) {
        return Err(Problem::invalid(
            "command_empty",
            field,
            "There is no command. Write one as a list of words, such as [\"sh\", \"-c\", \"date\"].",
        ));
    }
    if words.len() > MOST {
        let message = format!(
            "The command has {} words; at most {MOST} are allowed.",
            words.len()
        );
        return Err(Problem::invalid("command_too_long", field, message));
    }
    words.iter().try_for_each(|word| text(word, field))
}

/// One text: not too long, and without the NUL that no program can be given.
pub(super) fn text(text: &str, field: &str) -> Result<(), Problem> {
    if text.len() > LONGEST {
        let message = format!(
            "This text has {} bytes; at most {LONGEST} are allowed.",
            text.len()
        );
        return Err(Problem::invalid("text_too_long", field, message));
    }
    if text.contains('\0') {
        return Err(Problem::invalid(
            "text_invalid",
            field,
            "This text holds a NUL character, which ends texts for programs. Remove it.",
        ));
    }
    Ok(())
}

pub(super) fn env(env: &BTreeMap<String, String>, field: &str) -> Result<(), Problem> {
    if env.len() > MOST {
        let message = format!("There are {} variables; at most {MOST} are allowed.", env.len());
        return Err(Problem::invalid("env_too_large", field, message));
    }
    for (name, value) in env {
        if name.is_empty() || name.contains(['=', '\0']) {
            let message =
                format!("\"{name}\" cannot be a variable's name: it is empty or holds an equals sign.");
            return Err(Problem::invalid("env_invalid", field, message));
        }
        text(value, field)?;
    }
    Ok(())
}

/// An image's name: `nginx`, `ghcr.io/owner/app:1.2`, `app@sha256:…`. Whether it exists only a registry knows.
pub(super) fn image(name: &str, field: &str) -> Result<(), Problem> {
    if has_variables(name) {
        return text(name, field);
    }
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@');
    if name.is_empty() {
        return Err(Problem::invalid(
            "image_empty",
            field,
            "There is no image. Name one, such as alpine:3.",
        ));
    }
    if name.len() > 512 || !name.chars().all(plain) || name.starts_with(['-', '/', ':', '@']) {
        let message = format!(
            "\"{name}\" cannot be an image's name. Names look like alpine:3 or ghcr.io/owner/app:1.2."
        );
        return Err(Problem::invalid("image_invalid", field, message));
    }
    Ok(())
}

/// Whether the text is only known once its variables are.
pub(super) fn has_variables(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whether the text begins with what only its variables tell.
pub(super) fn begins_with_variable(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("{{") || text.starts_with("{%")
}

pub(super) fn visit_option(text: &mut Option<String>, field: &str, visit: Visit<'_>) -> Result<(), Problem> {
    match text {
        Some(text) => visit(field, text),
        None => Ok(()),
    }
}

pub(super) fn visit_list(list: &mut [String], field: &str, visit: Visit<'_>) -> Result<(), Problem> {
    for (index, text) in list.iter_mut().enumerate() {
        visit(&format!("{field}[{index}]"), text)?;
    }
    Ok(())
}

pub(super) fn visit_map(
    map: &mut BTreeMap<String, String>,
    field: &str,
    visit: Visit<'_>,
) -> Result<(), Problem> {
    for (name, text) in map {
        visit(&format!("{field}.{name}"), text)?;
    }
    Ok(())
}

/// The first characters of what may be long.
pub(super) fn short(text: &str) -> String {
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(80) {
        line.truncate(end);
        line.push('…');
    }
    line
}

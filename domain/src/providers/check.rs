//! What a provider may be made of. Addresses are looked at by the control plane, which can read them.

use super::{ProviderDraft, ProviderKind};
use crate::errors::Problem;

const NAME: usize = 64;
const SLUG: usize = 32;
const TEXT: usize = 1024;
const LINES: usize = 100;

/// A slug for a name: small letters, digits and dashes.
pub fn slug_of(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= SLUG {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "sso".to_owned()
    } else {
        slug.to_owned()
    }
}

impl ProviderDraft {
    /// Trimmed and filled up with what the kind needs.
    ///
    /// # Errors
    /// 422 with the field that is wrong.
    pub fn checked(mut self) -> Result<Self, Problem> {
        self.name = line("name", "name", &self.name, NAME)?;
        let slug = match self
            .slug
            .as_deref()
            .map(str::trim)
            .filter(|slug| !slug.is_empty())
        {
            Some(slug) => slug.to_owned(),
            None => slug_of(&self.name),
        };
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if slug.len() > SLUG || !slug.bytes().all(plain) {
            return Err(Problem::invalid(
                "slug_invalid",
                "slug",
                format!(
                    "This part of the address has 1 to {SLUG} small letters, digits and dashes. Choose another one."
                ),
            ));
        }
        self.slug = Some(slug);
        if self.kind == ProviderKind::Github && self.issuer.trim().is_empty() {
            "https://github.com".clone_into(&mut self.issuer);
        }
        self.issuer = line("issuer", "issuer", &self.issuer, TEXT)?;
        self.client_id = line("client_id", "client's id", &self.client_id, TEXT)?;
        let given = |text: Option<String>| {
            text.map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        self.api_url = given(self.api_url).filter(|_| self.kind == ProviderKind::Github);
        self.role_claim = given(self.role_claim);
        if self
            .client_secret
            .as_ref()
            .is_some_and(|secret| secret.len() > 4 * TEXT)
        {
            return Err(Problem::invalid(
                "secret_too_large",
                "client_secret",
                "The client's secret is too long. Check what was pasted.",
            ));
        }
        self.scopes = words(self.scopes);
        let scope = |text: &String| {
            text.len() <= TEXT
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        };
        if self.scopes.len() > LINES || !self.scopes.iter().all(scope) {
            return Err(Problem::invalid(
                "scopes_invalid",
                "scopes",
                "Scopes are words without blanks and quotes, separated by blanks.",
            ));
        }
        self.domains = words(self.domains)
            .into_iter()
            .map(|domain| domain.trim_start_matches('@').to_lowercase())
            .collect();
        let domain =
            |text: &String| text.contains('.') && !text.starts_with('.') && !text.contains(['@', '/', '*']);
        if let Some(wrong) = self.domains.iter().find(|text| !domain(text)) {
            return Err(Problem::invalid(
                "domain_invalid",
                "domains",
                format!("\"{wrong}\" is no domain of e-mail addresses. Write domains such as example.org."),
            ));
        }
        for (at, mapping) in self.mappings.iter_mut().enumerate() {
            let field = format!("mappings[{at}].value");
            mapping.value = line(&field, "value", &mapping.value, TEXT)?;
        }
        if self.mappings.len() > LINES {
            return Err(Problem::invalid(
                "mappings_too_many",
                "mappings",
                format!(
                    "There are more than {LINES} roles. Use fewer values, such as one group for each role."
                ),
            ));
        }
        Ok(self)
    }
}

fn words(texts: Vec<String>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in texts.iter().flat_map(|text| text.split([' ', ',', '\n', '\t'])) {
        if !word.is_empty() && !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

fn line(field: &str, what: &str, text: &str, longest: usize) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::invalid(
            "field_empty",
            field,
            format!("The {what} is empty. Write one."),
        ));
    }
    if text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(Problem::invalid(
            "field_invalid",
            field,
            format!("The {what} is longer than {longest} characters, or holds some that cannot be seen."),
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::Role, ids::OrgId, providers::RoleMapping};

    fn draft() -> ProviderDraft {
        ProviderDraft {
            name: " My Keycloak ".to_owned(),
            issuer: "https://sso.example.org/realms/main".to_owned(),
            client_id: "chrontainer".to_owned(),
            ..ProviderDraft::default()
        }
    }

    #[test]
    fn a_draft_is_trimmed_and_filled_up() {
        let draft = ProviderDraft {
            scopes: vec!["email profile".to_owned(), "email".to_owned()],
            domains: vec!["@Example.org, lan.example".to_owned()],
            role_claim: Some("  ".to_owned()),
            api_url: Some("https://api.example.org".to_owned()),
            ..draft()
        };
        let checked = draft.checked().unwrap();
        assert_eq!(
            (checked.name.as_str(), checked.slug.as_deref()),
            ("My Keycloak", Some("my-keycloak"))
        );
        assert_eq!(checked.scopes, ["email", "profile"]);
        assert_eq!(checked.domains, ["example.org", "lan.example"]);
        assert_eq!((checked.role_claim, checked.api_url), (None, None));
        let github = ProviderDraft {
            kind: ProviderKind::Github,
            issuer: String::new(),
            ..draft_named("GitHub")
        };
        assert_eq!(github.checked().unwrap().issuer, "https://github.com");
    }

    fn draft_named(name: &str) -> ProviderDraft {
        ProviderDraft {
            name: name.to_owned(),
            ..draft()
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_field() {
        let wrong = |change: fn(&mut ProviderDraft)| {
            let mut draft = draft();
            change(&mut draft);
            let problem = draft.checked().unwrap_err();
            (
                problem.code,
                problem.details["field"].as_str().unwrap_or_default().to_owned(),
            )
        };
        let pair = |code: &str, field: &str| (code.to_owned(), field.to_owned());
        assert_eq!(wrong(|draft| draft.name.clear()), pair("field_empty", "name"));
        assert_eq!(wrong(|draft| draft.issuer.clear()), pair("field_empty", "issuer"));
        assert_eq!(
            wrong(|draft| draft.client_id = "a\nb".to_owned()),
            pair("field_invalid", "client_id")
        );
        assert_eq!(
            wrong(|draft| draft.slug = Some("Über uns".to_owned())),
            pair("slug_invalid", "slug")
        );
        assert_eq!(
            wrong(|draft| draft.domains = vec!["localhost".to_owned()]),
            pair("domain_invalid", "domains")
        );
        assert_eq!(
            wrong(|draft| draft.domains = vec!["ada@example.org".to_owned()]),
            pair("domain_invalid", "domains")
        );
        assert_eq!(
            wrong(|draft| draft.scopes = vec!["a\"b".to_owned()]),
            pair("scopes_invalid", "scopes")
        );
        let empty = |draft: &mut ProviderDraft| {
            draft.mappings = vec![RoleMapping {
                value: " ".to_owned(),
                org_id: OrgId::HOME,
                role: Role::Viewer,
            }];
        };
        assert_eq!(wrong(empty), pair("field_empty", "mappings[0].value"));
    }

    #[test]
    fn a_slug_is_made_of_any_name() {
        assert_eq!(slug_of("Google"), "google");
        assert_eq!(slug_of("  Our SSO (new)! "), "our-sso-new");
        assert_eq!(slug_of("日本"), "sso");
        assert!(slug_of(&"long name ".repeat(9)).len() <= 32);
    }
}

//! Making a request.

use super::{Kind, Visit, WorksOn, texts};
use crate::errors::Problem;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Makes one request. Addresses inside the server's own networks are refused unless the server's settings allow them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Http {
    #[serde(default)]
    pub method: Method,
    #[cfg_attr(feature = "openapi", schema(example = "https://example.com/hook"))]
    pub url: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The statuses that are a success; 200 to 299 when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<u16>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub const ALL: [Method; 6] = [
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether asking twice changes nothing (RFC 9110, 9.2.1).
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }
}

impl Http {
    /// Whether this status is a success.
    pub fn expects(&self, status: u16) -> bool {
        if self.expect.is_empty() {
            (200..300).contains(&status)
        } else {
            self.expect.contains(&status)
        }
    }
}

impl Kind for Http {
    const VERB: &'static str = "http";
    const LABEL: &'static str = "Make a request";

    fn works_on(&self) -> WorksOn {
        WorksOn::Nothing
    }

    fn check(&self, field: &str) -> Result<(), Problem> {
        let url = self.url.trim();
        texts::text(url, &format!("{field}.url"))?;
        let known = url.starts_with("http://") || url.starts_with("https://") || url.starts_with("{{");
        if !known || url.len() < 8 {
            return Err(Problem::invalid(
                "url_invalid",
                &format!("{field}.url"),
                "This is no address for a request. It begins with https:// or http://.",
            ));
        }
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        for (name, value) in &self.headers {
            if name.is_empty() || name.len() > 256 || !name.chars().all(token) {
                let message =
                    format!("\"{name}\" cannot be a header's name. Names have letters, digits and dashes.");
                return Err(Problem::invalid(
                    "header_invalid",
                    &format!("{field}.headers"),
                    message,
                ));
            }
            if value.contains(['\r', '\n', '\0']) {
                let message = format!("The header {name} holds a line break. Remove it.");
                return Err(Problem::invalid(
                    "header_invalid",
                    &format!("{field}.headers"),
                    message,
                ));
            }
        }
        if let Some(body) = &self.body {
            texts::text(body, &format!("{field}.body"))?;
        }
        if self.expect.iter().any(|status| !(100..600).contains(status)) {
            return Err(Problem::invalid(
                "status_invalid",
                &format!("{field}.expect"),
                "A status is a number from 100 to 599.",
            ));
        }
        Ok(())
    }

    fn texts(&mut self, field: &str, visit: Visit<'_>) -> Result<(), Problem> {
        visit(&format!("{field}.url"), &mut self.url)?;
        texts::visit_map(&mut self.headers, &format!("{field}.headers"), visit)?;
        texts::visit_option(&mut self.body, &format!("{field}.body"), visit)
    }

    fn detail(&self) -> Option<String> {
        // What comes after the path may be secret.
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        Some(texts::short(&format!("{} {url}", self.method.as_str())))
    }
}

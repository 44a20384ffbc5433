//! From a provider's claims to roles here.

use super::RoleMapping;
use crate::{auth::Role, ids::OrgId};
use serde_json::Value;
use std::collections::BTreeMap;

/// The value of a mapping that fits everybody.
pub const EVERYBODY: &str = "*";

/// The values of a claim. Dots lead into objects (`realm_access.roles`), unless the whole name is a claim, as with addresses
/// that some providers use for names. A list gives its texts; a text, a number or a yes or no gives itself.
pub fn claim_values(claims: &Value, name: &str) -> Vec<String> {
    let found = claims
        .get(name)
        .or_else(|| name.split('.').try_fold(claims, |value, part| value.get(part)));
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    };
    match found {
        Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
        Some(value) => text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

/// The role in each organisation that the mappings name: the highest whose value fits, or none at all.
pub fn granted(mappings: &[RoleMapping], values: &[String]) -> BTreeMap<OrgId, Option<Role>> {
    let mut roles = BTreeMap::new();
    for mapping in mappings {
        let role: &mut Option<Role> = roles.entry(mapping.org_id).or_default();
        if mapping.value == EVERYBODY || values.contains(&mapping.value) {
            *role = (*role).max(Some(mapping.role));
        }
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_found_in_every_shape() {
        let claims = json!({
            "groups": ["ops", "dev", 7], "role": "admin", "realm_access": { "roles": ["a"] },
            "https://example.org/roles": ["b"], "staff": true, "deep": { "er": {} },
        });
        for (name, values) in [
            ("groups", vec!["ops", "dev", "7"]),
            ("role", vec!["admin"]),
            ("realm_access.roles", vec!["a"]),
            ("https://example.org/roles", vec!["b"]),
            ("staff", vec!["true"]),
            ("deep.er", vec![]),
            ("nothing", vec![]),
            ("role.more", vec![]),
        ] {
            assert_eq!(claim_values(&claims, name), values, "{name}");
        }
    }

    #[test]
    fn the_highest_fitting_role_counts_for_each_organisation() {
        let (home, other, third) = (OrgId::HOME, OrgId::new(), OrgId::new());
        let line = |value: &str, org_id, role| RoleMapping {
            value: value.to_owned(),
            org_id,
            role,
        };
        let mappings = [
            line("*", home, Role::Viewer),
            line("ops", home, Role::Admin),
            line("dev", home, Role::Operator),
            line("dev", other, Role::Operator),
            line("boss", third, Role::Owner),
        ];
        let roles = granted(&mappings, &["dev".to_owned(), "ops".to_owned()]);
        assert_eq!(roles[&home], Some(Role::Admin));
        assert_eq!(roles[&other], Some(Role::Operator));
        assert_eq!(roles[&third], None);
        assert_eq!(granted(&mappings, &[])[&home], Some(Role::Viewer));
        // Another way of writing is another value.
        assert_eq!(granted(&mappings, &["OPS".to_owned()])[&home], Some(Role::Viewer));
    }
}

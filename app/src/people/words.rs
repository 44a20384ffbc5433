//! Roles in words.

use domain::auth::Role;

/// The role with a capital letter.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Viewer",
        Role::Operator => "Operator",
        Role::Admin => "Admin",
        Role::Owner => "Owner",
    }
}

/// What somebody of a role does.
pub fn role_does(role: Role) -> &'static str {
    match role {
        Role::Viewer => "Sees everything, changes nothing",
        Role::Operator => "Starts, stops and schedules",
        Role::Admin => "Adds hosts and manages people",
        Role::Owner => "May do everything",
    }
}

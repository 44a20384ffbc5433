//! docs/PERMISSIONS.md, written from the table: `UPDATE_PAGES=1 cargo test -p domain permissions` writes it anew.

use super::{Needs, Permission, Role};
use std::fmt::Write;

const HEAD: &str = "# Permissions

Who may do what. This page is written from the table that the server itself asks (`domain/src/auth`), and a test holds it true.

- **Roles** belong to a member of an organisation; each includes those before it. What a role does not allow stays visible in the
  interface, disabled, with the role it needs.
- **API keys** have a scope: `read`, `operate` or `manage`. A key may do what its scope *and* its owner's role allow, and with a selector
  it may only look at all other containers.
- **Grants** give a member or a team another role on the containers of a selector. Where a grant fits it counts instead of the member's own
  role, and of several the highest: `operator` on `stack:media` widens a viewer, `viewer` on `host:prod` narrows an operator. They decide about the permissions
  marked with *. Admins and owners keep their role everywhere.
- **Sharing** with a team: on a host that is shared with it, its members are operators; a schedule that is shared with it they may run, skip,
  move, pause and switch on and off, whatever it touches, and its runs go on acting for whom the schedule acts; a view that is shared with it is in their list.
- **Server administrators** make organisations and manage the ways to sign in. Inside an organisation they may do what their role there allows, and nothing as a stranger;
  whoever of them joins one is recorded in its log.
- What belongs to another organisation is answered with 404, as if it were not there.

| Permission | | Viewer | Operator | Admin | Owner | Scope of a key |
|---|---|:-:|:-:|:-:|:-:|---|
";

fn render() -> String {
    let mut page = HEAD.to_owned();
    for permission in Permission::ALL {
        let star = if permission.is_about_containers() { "*" } else { "" };
        let may = |role: Role| if role.may(*permission) { "yes" } else { "" };
        let [viewer, operator, admin, owner] = Role::ALL.map(may);
        let scope = match permission.needs() {
            Needs::Nothing => "none needed",
            _ => permission.scope().as_str(),
        };
        let about = match permission.needs() {
            Needs::ServerAdmin => format!("{} Server administrators only.", permission.about()),
            _ => permission.about().to_owned(),
        };
        writeln!(
            page,
            "| `{permission}`{star} | {about} | {viewer} | {operator} | {admin} | {owner} | {scope} |",
            permission = permission.as_str()
        )
        .unwrap();
    }
    page
}

#[test]
fn the_page_of_permissions_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PERMISSIONS.md");
    let page = render();
    if std::env::var_os("UPDATE_PAGES").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        page,
        "write it anew with UPDATE_PAGES=1"
    );
}

#[test]
fn every_permission_says_what_it_is() {
    for permission in Permission::ALL {
        assert!(permission.about().ends_with('.'), "{permission:?}");
    }
}

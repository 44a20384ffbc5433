//! People of an organisation: members, invitations, teams and what they are granted, and the organisations themselves.

mod all_orgs;
mod grants;
mod invitations;
mod members;
mod orgs;
pub(crate) mod selectors;
mod shares;
mod teams;
#[cfg(test)]
mod tests;

pub use all_orgs::{join_org, list_all_orgs, rename_org};
pub use grants::{create_grant, delete_grant, list_grants};
pub(crate) use invitations::join_by_invitation;
pub use invitations::{accept_as, accept_new, invite, list_invitations, welcome, withdraw};
pub use members::{add_member, change_member, list_members, remove_member};
pub(crate) use members::{keep_an_owner, leave, manageable};
pub use orgs::{change_org, create_org, list_orgs, switch_org};
pub use shares::{list_shares, share, unshare};
pub use teams::{change_team, create_team, delete_team, list_teams};

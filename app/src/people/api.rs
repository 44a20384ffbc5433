//! Server functions about people and organisations.

use crate::error::AppError;
use domain::{
    auth::Role,
    ids::{GrantId, InvitationId, OrgId, TeamId, UserId},
    people::{
        GrantLine, Invitation, Invited, Member, MemberChange, NewGrant, NewInvitation, OneTimeLink, Org,
        OrgChange, OrgLine, Team, TeamChange,
    },
    shares::Share,
};
use leptos::prelude::*;
use server_fn::codec::{GetUrl, Json};

/// The members, and for those who manage people the open invitations.
#[server(endpoint = "people/members", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn members() -> Result<(Vec<Member>, Vec<Invitation>), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let members = control::people::list_members(&control, &actor).await?.items;
    let invitations = if actor.may(domain::auth::Permission::UsersManage) {
        control::people::list_invitations(&control, &actor).await?.items
    } else {
        Vec::new()
    };
    Ok((members, invitations))
}

#[server(endpoint = "people/change", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn change(id: UserId, change: MemberChange) -> Result<Member, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::change_member(&control, &actor, id, change).await?)
}

#[server(endpoint = "people/remove", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn remove(id: UserId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::remove_member(&control, &actor, id).await?)
}

#[server(endpoint = "people/reset-link", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn reset_link(id: UserId) -> Result<OneTimeLink, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::reset_link(&control, &actor, id).await?)
}

#[server(endpoint = "people/invite", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn invite(new: NewInvitation) -> Result<Invited, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::invite(&control, &actor, new).await?)
}

#[server(endpoint = "people/withdraw", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn withdraw(id: InvitationId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::withdraw(&control, &actor, id).await?)
}

#[server(endpoint = "orgs/create", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn create_org(name: String) -> Result<Org, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::create_org(&control, &actor, &name).await?)
}

#[server(endpoint = "orgs/change", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn change_org(id: OrgId, change: OrgChange) -> Result<Org, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::change_org(&control, &actor, id, change).await?)
}

#[server(endpoint = "people/clear-second-factor", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn clear_second_factor(id: UserId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::auth::clear_second_factor(&control, &actor, id).await?)
}

/// Every organisation of the server, for those who look after it.
#[server(endpoint = "orgs/all", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn all_orgs() -> Result<Vec<OrgLine>, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::list_all_orgs(&control, &actor).await?.items)
}

#[server(endpoint = "orgs/rename", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn rename_org(id: OrgId, name: String) -> Result<OrgLine, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::rename_org(&control, &actor, id, &name).await?)
}

/// Makes the server administrator a member, as which they see inside. The organisation's log says so.
#[server(endpoint = "orgs/join", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn join_org(id: OrgId, role: Role) -> Result<Org, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::join_org(&control, &actor, id, role).await?)
}

/// Opens another organisation, with a new session.
#[server(endpoint = "orgs/switch", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn switch_org(id: OrgId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    let client = crate::context::client();
    let session = control::people::switch_org(&control, &actor, id, &client).await?;
    crate::context::put_session(&session);
    leptos_axum::redirect("/");
    Ok(())
}

/// What the page of teams shows: teams, grants, what is shared, and the members to choose from.
pub type TeamsAndGrants = (Vec<Team>, Vec<GrantLine>, Vec<Share>, Vec<Member>);

#[server(endpoint = "people/teams", client = crate::client::Browser, output = crate::codec::Answer, input = GetUrl)]
pub async fn teams_page() -> Result<TeamsAndGrants, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok((
        control::people::list_teams(&control, &actor).await?.items,
        control::people::list_grants(&control, &actor).await?.items,
        control::people::list_shares(&control, &actor, &Default::default())
            .await?
            .items,
        control::people::list_members(&control, &actor).await?.items,
    ))
}

#[server(endpoint = "people/create-team", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn create_team(name: String) -> Result<Team, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::create_team(&control, &actor, domain::people::NewTeam { name }).await?)
}

#[server(endpoint = "people/change-team", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn change_team(id: TeamId, change: TeamChange) -> Result<Team, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::change_team(&control, &actor, id, change).await?)
}

#[server(endpoint = "people/delete-team", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn delete_team(id: TeamId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::delete_team(&control, &actor, id).await?)
}

#[server(endpoint = "people/create-grant", client = crate::client::Browser, output = crate::codec::Answer, input = Json)]
pub async fn create_grant(new: NewGrant) -> Result<GrantLine, AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::create_grant(&control, &actor, new).await?)
}

#[server(endpoint = "people/delete-grant", client = crate::client::Browser, output = crate::codec::Answer)]
pub async fn delete_grant(id: GrantId) -> Result<(), AppError> {
    let (control, actor) = crate::context::signed_in()?;
    Ok(control::people::delete_grant(&control, &actor, id).await?)
}

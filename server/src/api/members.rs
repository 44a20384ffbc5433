//! `/api/v1/members` and `/api/v1/invitations`.

use crate::{
    error::ApiError,
    extract::{Caller, Json, Path, Query},
    router::Routes,
    state::AppState,
};
use axum::extract::State;
use control::{
    auth,
    pages::{ListQuery, part},
    people,
};
use domain::{
    auth::Permission,
    ids::{InvitationId, UserId},
    pages::Page,
    people::{AddedMember, Invitation, Invited, Member, MemberChange, NewInvitation, NewMember, OneTimeLink},
};
use http::{Method, StatusCode};

pub fn routes(routes: Routes) -> Routes {
    let (read, manage) = (Permission::UsersRead, Permission::UsersManage);
    routes
        .guarded(Method::GET, "/api/v1/members", read, list)
        .guarded(Method::POST, "/api/v1/members", manage, add)
        .guarded(Method::PATCH, "/api/v1/members/{id}", manage, change)
        .guarded(Method::DELETE, "/api/v1/members/{id}", manage, remove)
        .guarded(
            Method::POST,
            "/api/v1/members/{id}/reset-link",
            manage,
            reset_link,
        )
        .guarded(
            Method::DELETE,
            "/api/v1/members/{id}/second-factor",
            manage,
            clear_second_factor,
        )
        .guarded(Method::GET, "/api/v1/invitations", manage, invitations)
        .guarded(Method::POST, "/api/v1/invitations", manage, invite)
        .guarded(Method::DELETE, "/api/v1/invitations/{id}", manage, withdraw)
}

/// Lists the members of the organisation by name.
#[utoipa::path(get, path = "/api/v1/members", tag = "people", params(super::docs::Paging),
    responses((status = 200, body = Page<Member>)))]
pub async fn list(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Member>>, ApiError> {
    let all = people::list_members(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |member| member.id.to_string())?))
}

/// Makes an account without a password, and a one-time link by which its owner sets one.
#[utoipa::path(post, path = "/api/v1/members", tag = "people", request_body = NewMember,
    responses((status = 201, body = AddedMember), (status = 409, description = "`name_taken`"),
        (status = 422, description = "what is wrong with the name")))]
pub async fn add(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(new): Json<NewMember>,
) -> Result<(StatusCode, Json<AddedMember>), ApiError> {
    let added = people::add_member(&state.control, &actor, new).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Changes a member's role, or whether they may sign in. Their sessions end.
#[utoipa::path(patch, path = "/api/v1/members/{id}", tag = "people", params(("id" = UserId, Path)), request_body = MemberChange,
    responses((status = 200, body = Member), (status = 404, description = "`member_not_found`"),
        (status = 409, description = "`last_owner`, `own_account`")))]
pub async fn change(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<UserId>,
    Json(change): Json<MemberChange>,
) -> Result<Json<Member>, ApiError> {
    Ok(Json(
        people::change_member(&state.control, &actor, id, change).await?,
    ))
}

/// Takes a member out of the organisation; their sessions and keys here end.
#[utoipa::path(delete, path = "/api/v1/members/{id}", tag = "people", params(("id" = UserId, Path)),
    responses((status = 204), (status = 404, description = "`member_not_found`"), (status = 409, description = "`last_owner`")))]
pub async fn remove(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    people::remove_member(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a one-time link by which a member sets a new password, good for 24 hours.
#[utoipa::path(post, path = "/api/v1/members/{id}/reset-link", tag = "people", params(("id" = UserId, Path)),
    responses((status = 201, body = OneTimeLink), (status = 404, description = "`member_not_found`"),
        (status = 403, description = "`forbidden`, `member_elsewhere`")))]
pub async fn reset_link(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<UserId>,
) -> Result<(StatusCode, Json<OneTimeLink>), ApiError> {
    let link = auth::reset_link(&state.control, &actor, id).await?;
    Ok((StatusCode::CREATED, Json(link)))
}

/// Takes the second factor of a member away who has lost it.
#[utoipa::path(delete, path = "/api/v1/members/{id}/second-factor", tag = "people", params(("id" = UserId, Path)),
    responses((status = 204), (status = 404, description = "`member_not_found`"),
        (status = 403, description = "`forbidden`, `member_elsewhere`")))]
pub async fn clear_second_factor(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<UserId>,
) -> Result<StatusCode, ApiError> {
    auth::clear_second_factor(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the invitations that nobody took up yet.
#[utoipa::path(get, path = "/api/v1/invitations", tag = "people", params(super::docs::Paging),
    responses((status = 200, body = Page<Invitation>)))]
pub async fn invitations(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<Invitation>>, ApiError> {
    let all = people::list_invitations(&state.control, &actor).await?;
    Ok(Json(part(all.items, &query, |invitation| {
        invitation.id.to_string()
    })?))
}

/// Makes an invitation; the link is in this answer alone.
#[utoipa::path(post, path = "/api/v1/invitations", tag = "people", request_body = NewInvitation,
    responses((status = 201, body = Invited), (status = 422, description = "`note_invalid`, `days_invalid`")))]
pub async fn invite(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Json(new): Json<NewInvitation>,
) -> Result<(StatusCode, Json<Invited>), ApiError> {
    let invited = people::invite(&state.control, &actor, new).await?;
    Ok((StatusCode::CREATED, Json(invited)))
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/api/v1/invitations/{id}", tag = "people", params(("id" = InvitationId, Path)),
    responses((status = 204), (status = 404, description = "`invitation_not_found`")))]
pub async fn withdraw(
    State(state): State<AppState>,
    Caller(actor): Caller,
    Path(id): Path<InvitationId>,
) -> Result<StatusCode, ApiError> {
    people::withdraw(&state.control, &actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

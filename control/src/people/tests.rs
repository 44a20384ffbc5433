//! Who may make whom what, links that work once, and keys that never do more than their owner.

use super::*;
use crate::{
    auth::{self, Client, api_keys},
    testing::Fixture,
};
use domain::{
    auth::{Actor, Permission, Role, Scope, Via},
    ids::{OrgId, SessionId, UserId},
    people::{MemberChange, NewApiKey, NewInvitation, OrgChange},
};
use secrecy::ExposeSecret;

fn code<T: std::fmt::Debug>(result: crate::Result<T>) -> String {
    result.unwrap_err().into_problem().code
}

fn token(path: &str) -> &str {
    path.split_once("token=").unwrap().1
}

fn role(role: Role) -> MemberChange {
    MemberChange {
        role: Some(role),
        ..MemberChange::default()
    }
}

fn disabled(disabled: bool) -> MemberChange {
    MemberChange {
        disabled: Some(disabled),
        ..MemberChange::default()
    }
}

fn id(actor: &Actor) -> UserId {
    actor.user_id.unwrap()
}

fn renamed(name: &str) -> OrgChange {
    OrgChange {
        name: Some(name.to_owned()),
        ..OrgChange::default()
    }
}

fn invitation(role: Role) -> NewInvitation {
    NewInvitation {
        role,
        note: "Ada, from the office".to_owned(),
        days: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_makes_one_member_once() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let invited = invite(control, owner, invitation(Role::Operator)).await.unwrap();
    let token = token(&invited.link.path);
    let seen = welcome(control, token).await.unwrap();
    assert_eq!(
        (seen.role, seen.invited_by.as_deref()),
        (Role::Operator, Some("olga"))
    );
    assert_eq!(list_invitations(control, owner).await.unwrap().total, 1);

    let client = Client::default();
    let accept = |name: &'static str, password: &'static str| {
        accept_new(control, token, name, password.into(), &client)
    };
    assert_eq!(code(accept("ada", "short").await), "password_too_short");
    assert_eq!(code(accept("ada", "Password123").await), "password_common");
    assert_eq!(code(accept("olga", "seven otters on a raft").await), "name_taken");
    let (first, second) = tokio::join!(
        accept("ada", "seven otters on a raft"),
        accept("eve", "seven otters on a raft")
    );
    assert!(first.is_ok() != second.is_ok(), "one link, one member");
    let session = first.or(second).unwrap();
    assert_eq!(session.actor.role, Role::Operator);
    assert_eq!(code(welcome(control, token).await), "invitation_invalid");
    assert_eq!(list_invitations(control, owner).await.unwrap().total, 0);
    assert_eq!(list_members(control, owner).await.unwrap().total, 2);
    // Nothing of the link is kept.
    let kept = format!("select count(*) from audit where audit::text like '%{token}%'");
    assert_eq!(fixture.text(&kept).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_ends_with_its_time_its_maker_and_by_will() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let admin = fixture.person("alan", Role::Admin).await;
    let mut links = Vec::new();
    for actor in [owner, owner, &admin] {
        links.push(invite(control, actor, invitation(Role::Admin)).await.unwrap());
    }
    withdraw(control, owner, links[0].invitation.id).await.unwrap();
    assert_eq!(
        code(withdraw(control, owner, links[0].invitation.id).await),
        "invitation_not_found"
    );
    fixture
        .sql(&format!(
            "update invitations set expires_at = now() where id = '{}'",
            links[1].invitation.id
        ))
        .await;
    change_member(control, owner, id(&admin), role(Role::Operator))
        .await
        .unwrap();
    for invited in &links {
        assert_eq!(
            code(welcome(control, token(&invited.link.path)).await),
            "invitation_invalid"
        );
    }
    let open = list_invitations(control, owner).await.unwrap();
    assert_eq!(
        open.items.iter().filter(|invitation| invitation.expired).count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_or_takes_more_than_they_have() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let admin = fixture.person("alan", Role::Admin).await;
    let operator = fixture.person("otto", Role::Operator).await;
    assert_eq!(
        code(invite(control, &admin, invitation(Role::Owner)).await),
        "forbidden"
    );
    assert_eq!(
        code(invite(control, &operator, invitation(Role::Viewer)).await),
        "forbidden"
    );
    assert_eq!(
        code(change_member(control, &admin, id(owner), role(Role::Viewer)).await),
        "forbidden"
    );
    assert_eq!(
        code(change_member(control, &admin, id(owner), disabled(true)).await),
        "forbidden"
    );
    assert_eq!(code(remove_member(control, &admin, id(owner)).await), "forbidden");
    assert_eq!(
        code(auth::reset_link(control, &admin, id(owner)).await),
        "forbidden"
    );
    assert_eq!(
        code(change_member(control, &admin, id(&operator), role(Role::Owner)).await),
        "forbidden"
    );
    assert_eq!(
        code(change_member(control, &admin, id(&admin), role(Role::Owner)).await),
        "forbidden"
    );
    change_member(control, &admin, id(&operator), role(Role::Admin))
        .await
        .unwrap();
    assert_eq!(
        code(change_member(control, &admin, UserId::new(), role(Role::Viewer)).await),
        "member_not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_owner_stays() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    assert_eq!(
        code(change_member(control, owner, id(owner), role(Role::Admin)).await),
        "last_owner"
    );
    assert_eq!(code(remove_member(control, owner, id(owner)).await), "last_owner");
    assert_eq!(
        code(change_member(control, owner, id(owner), disabled(true)).await),
        "own_account"
    );
    let second = fixture.person("oscar", Role::Owner).await;
    // Each takes the other's role away at the same time: one of them must lose.
    let (a, b) = tokio::join!(
        change_member(control, owner, id(&second), role(Role::Viewer)),
        change_member(control, &second, id(owner), role(Role::Viewer)),
    );
    assert!(
        a.is_ok() != b.is_ok() || (a.is_err() && b.is_err()),
        "{a:?} {b:?}"
    );
    assert_eq!(
        fixture
            .text("select count(*) from memberships where role = 'owner'")
            .await,
        "1"
    );
    // A disabled owner does not count.
    fixture.sql("update memberships set role = 'owner'").await;
    change_member(control, owner, id(&second), disabled(true))
        .await
        .unwrap();
    assert_eq!(code(remove_member(control, owner, id(owner)).await), "last_owner");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_of_two_organisations_is_nobodys_to_reset() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let member = fixture.person("ada", Role::Viewer).await;
    fixture
        .sql("insert into orgs (id, name) values ('00000000-0000-7000-8000-0000000000aa', 'Elsewhere')")
        .await;
    fixture
        .sql(&format!(
            "insert into memberships (org_id, user_id, role) values ('00000000-0000-7000-8000-0000000000aa', '{}', 'owner')",
            id(&member)
        ))
        .await;
    assert_eq!(
        code(auth::reset_link(control, owner, id(&member)).await),
        "member_elsewhere"
    );
    assert_eq!(
        code(change_member(control, owner, id(&member), disabled(true)).await),
        "member_elsewhere"
    );
    let server_admin = Actor {
        server_admin: true,
        ..owner.clone()
    };
    auth::reset_link(control, &server_admin, id(&member))
        .await
        .unwrap();
    remove_member(control, owner, id(&member)).await.unwrap();
    assert_eq!(
        fixture
            .text("select count(*) from memberships where role = 'owner'")
            .await,
        "2"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_link_works_once_and_ends_every_session() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let member = fixture.person("ada", Role::Viewer).await;
    let client = Client::default();
    let old = auth::reset_link(control, owner, id(&member)).await.unwrap();
    let new = auth::reset_link(control, owner, id(&member)).await.unwrap();
    let reset = |path: &str, password: &'static str| {
        let token = token(path).to_owned();
        let client = client.clone();
        async move { auth::complete_reset(control, &token, password.into(), &client).await }
    };
    assert_eq!(
        code(reset(&old.path, "seven otters on a raft").await),
        "reset_link_invalid"
    );
    assert_eq!(auth::reset_for(control, token(&new.path)).await.unwrap(), "ada");
    assert_eq!(code(reset(&new.path, "ada ada ada").await), "password_common");
    reset(&new.path, "seven otters on a raft").await.unwrap();
    assert_eq!(
        code(reset(&new.path, "nine lighthouses").await),
        "reset_link_invalid"
    );
    let session = auth::sign_in(control, "ada", "seven otters on a raft".into(), &client)
        .await
        .unwrap();
    let next = auth::reset_link(control, owner, id(&member)).await.unwrap();
    reset(&next.path, "nine lighthouses at dusk").await.unwrap();
    let found = auth::authenticate_session(control, session.token.expose_secret(), &client)
        .await
        .unwrap();
    assert_eq!(found, None, "every session ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_password_or_role_ends_what_was_signed_in() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let client = Client::default();
    fixture.person("ada", Role::Viewer).await;
    auth::set_password(control, "ada", "seven otters on a raft".into())
        .await
        .unwrap();
    let sign_in = |password: &'static str| auth::sign_in(control, "ada", password.into(), &client);
    let (first, second) = (
        sign_in("seven otters on a raft").await.unwrap(),
        sign_in("seven otters on a raft").await.unwrap(),
    );
    let alive = async |token: &secrecy::SecretString| {
        auth::authenticate_session(control, token.expose_secret(), &client)
            .await
            .unwrap()
    };
    let listed = auth::list_sessions(control, &second.actor).await.unwrap();
    assert_eq!(listed.iter().filter(|session| session.current).count(), 1);
    assert_eq!(listed.len(), 2);
    let change = |current: &'static str, new: &'static str| {
        auth::change_password(control, &second.actor, current.into(), new.into(), &client)
    };
    assert_eq!(
        code(change("wrong one", "nine lighthouses at dusk").await),
        "wrong_password"
    );
    let fresh = change("seven otters on a raft", "nine lighthouses at dusk")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(alive(&first.token).await, None);
    assert_eq!(
        alive(&second.token).await,
        None,
        "the token of before is worth nothing"
    );
    assert!(alive(&fresh.token).await.is_some());

    let promoted = change_member(control, owner, id(&fresh.actor), role(Role::Admin))
        .await
        .unwrap();
    assert_eq!(promoted.role, Role::Admin);
    assert_eq!(alive(&fresh.token).await, None);
    let again = sign_in("nine lighthouses at dusk").await.unwrap();
    let other = sign_in("nine lighthouses at dusk").await.unwrap();
    let Via::Session { id: other_id } = other.actor.via else {
        panic!()
    };
    assert_eq!(
        code(auth::end_session(control, owner, other_id).await),
        "session_not_found",
        "only one's own"
    );
    auth::end_session(control, &again.actor, other_id).await.unwrap();
    assert_eq!(alive(&other.token).await, None);
    assert_eq!(
        code(auth::end_session(control, &again.actor, SessionId::new()).await),
        "session_not_found"
    );
    change_member(control, owner, id(&again.actor), disabled(true))
        .await
        .unwrap();
    assert_eq!(alive(&again.token).await, None);
    assert_eq!(
        code(sign_in("nine lighthouses at dusk").await),
        "wrong_credentials"
    );
    change_member(control, owner, id(&again.actor), disabled(false))
        .await
        .unwrap();
    sign_in("nine lighthouses at dusk").await.unwrap();
}

fn key(name: &str, scope: Scope) -> NewApiKey {
    NewApiKey {
        name: name.to_owned(),
        scope,
        selector: None,
        days: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_no_more_than_its_scope_and_its_owner() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let client = Client::default();
    let enter = async |secret: &str| {
        api_keys::authenticate_key(control, secret, &client)
            .await
            .unwrap()
    };
    let read = api_keys::create_own(control, owner, key("read", Scope::Read))
        .await
        .unwrap();
    let manage = api_keys::create_own(control, owner, key("manage", Scope::Manage))
        .await
        .unwrap();
    let reader = enter(&read.secret).await.unwrap();
    assert_eq!(reader.role, Role::Viewer);
    assert!(!reader.may(Permission::ContainersOperate));
    assert_eq!(
        code(api_keys::create_own(control, &reader, key("more", Scope::Manage)).await),
        "forbidden"
    );
    assert_eq!(
        code(api_keys::revoke(control, &reader, manage.key.id).await),
        "forbidden"
    );
    assert_eq!(
        code(auth::end_other_sessions(control, &reader).await),
        "forbidden"
    );
    let manager = enter(&manage.secret).await.unwrap();
    assert_eq!(manager.role, Role::Owner);
    let changed = auth::change_password(
        control,
        &manager,
        "x".into(),
        "seven otters on a raft".into(),
        &client,
    )
    .await;
    assert_eq!(code(changed), "session_needed");

    // A demotion counts for keys at once, and their time ends them.
    let second = fixture.person("oscar", Role::Owner).await;
    change_member(control, &second, id(owner), role(Role::Viewer))
        .await
        .unwrap();
    assert_eq!(enter(&manage.secret).await.unwrap().role, Role::Viewer);
    fixture
        .sql("update api_keys set expires_at = now() where name = 'read'")
        .await;
    assert_eq!(enter(&read.secret).await, None);

    // Its owner sees it, others do not, and those who manage people do.
    let viewer = Actor {
        role: Role::Viewer,
        ..owner.clone()
    };
    let stranger = fixture.person("vera", Role::Viewer).await;
    assert_eq!(api_keys::list(control, &viewer).await.unwrap().len(), 2);
    assert_eq!(api_keys::list(control, &stranger).await.unwrap().len(), 0);
    assert_eq!(api_keys::list(control, &second).await.unwrap().len(), 2);
    assert_eq!(
        code(api_keys::revoke(control, &stranger, manage.key.id).await),
        "api_key_not_found"
    );
    api_keys::revoke(control, &second, manage.key.id).await.unwrap();
    assert_eq!(enter(&manage.secret).await, None);
    assert_eq!(
        code(
            api_keys::create_own(
                control,
                &viewer,
                NewApiKey {
                    days: Some(0),
                    ..key("x", Scope::Read)
                }
            )
            .await
        ),
        "days_invalid"
    );
    let bad = NewApiKey {
        selector: Some("web".to_owned()),
        ..key("x", Scope::Read)
    };
    assert_eq!(
        api_keys::create_own(control, &viewer, bad)
            .await
            .unwrap_err()
            .into_problem()
            .details["field"],
        "selector"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn organisations_are_made_by_server_administrators_and_seen_by_members() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    assert_eq!(code(create_org(control, owner, "Second").await), "forbidden");
    let admin = Actor {
        server_admin: true,
        ..owner.clone()
    };
    let org = create_org(control, &admin, "Second").await.unwrap();
    assert_eq!(list_orgs(control, &admin).await.unwrap().total, 2);
    let client = Client::default();
    let there = switch_org(control, &admin, org.id, &client).await.unwrap();
    let found = auth::authenticate_session(control, there.token.expose_secret(), &client)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.org_id, found.role), (org.id, Role::Owner));
    let member = fixture.person("ada", Role::Viewer).await;
    assert_eq!(
        code(switch_org(control, &member, org.id, &client).await),
        "org_not_found"
    );
    assert_eq!(
        code(change_org(control, &found, OrgId::HOME, renamed("Mine")).await),
        "org_not_found"
    );
    assert_eq!(
        change_org(control, &found, org.id, renamed("Third"))
            .await
            .unwrap()
            .name,
        "Third"
    );
    // Nobody of one is managed from the other.
    assert_eq!(
        code(change_member(control, &found, id(&member), role(Role::Owner)).await),
        "member_not_found"
    );
    assert_eq!(
        code(auth::reset_link(control, &found, id(&member)).await),
        "member_not_found"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_joins_a_second_organisation() {
    let fixture = Fixture::new().await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let admin = Actor {
        server_admin: true,
        ..owner.clone()
    };
    let org = create_org(control, &admin, "Second").await.unwrap();
    let client = Client::default();
    let there = switch_org(control, &admin, org.id, &client).await.unwrap().actor;
    let there = Actor {
        role: Role::Owner,
        ..there
    };
    let invited = invite(control, &there, invitation(Role::Operator)).await.unwrap();
    let member = fixture.person("ada", Role::Viewer).await;
    let token = token(&invited.link.path);
    let joined = accept_as(control, &member, token, &client)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((joined.actor.org_id, joined.actor.role), (org.id, Role::Operator));
    assert_eq!(list_orgs(control, &member).await.unwrap().total, 2);
    assert_eq!(
        code(accept_as(control, &member, token, &client).await),
        "invitation_invalid"
    );
    let again = invite(control, &there, invitation(Role::Owner)).await.unwrap();
    let refused = accept_as(control, &member, self::token(&again.link.path), &client).await;
    assert_eq!(code(refused), "already_member");
}

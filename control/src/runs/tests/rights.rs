//! Whose rights: what grants and keys allow on which containers.

use super::engines::step;
use crate::{
    auth, containers, people,
    runs::{NewRun, start, start_direct},
    schedules,
    testing::Fixture,
};
use domain::{
    actions::Action,
    auth::{Actor, Role, Scope},
    people::{MemberChange, NewApiKey, NewGrant, NewTeam, TeamChange},
    runs::{RunPlan, RunTrigger},
};
use testkit::engines::{RunOptions, TestEngine};

#[tokio::test(flavor = "multi_thread")]
async fn grants_and_keys_decide_container_by_container() {
    let engine = TestEngine::shared().await;
    let (web, db) = (engine.name("web"), engine.name("db"));
    for name in [&web, &db] {
        engine.run_container(name, RunOptions::default()).await;
    }
    let fixture = Fixture::with(&engine).await;
    let (control, owner) = (&fixture.control, &fixture.owner);
    let (web_id, db_id) = (
        fixture.see(&web).await.to_string(),
        fixture.see(&db).await.to_string(),
    );
    let viewer = fixture.person("vera", Role::Viewer).await;
    let user = viewer.user_id.unwrap();
    let now = async || {
        let mut conn = control.db().conn().await.unwrap();
        auth::actor_for_user(&mut conn, viewer.org_id, user)
            .await
            .unwrap()
            .unwrap()
    };
    let restart = || Action::from_verb("restart").unwrap();
    let code =
        |refused: Result<domain::runs::RunSummary, crate::Error>| refused.unwrap_err().into_problem().code;
    let act = async |actor: &Actor, id: &str| containers::act(control, actor, id, restart(), None).await;
    assert_eq!(code(act(&viewer, &web_id).await), "forbidden");

    // A team widens a viewer, from the next request on.
    let team = people::create_team(
        control,
        owner,
        NewTeam {
            name: "web".to_owned(),
        },
    )
    .await
    .unwrap();
    let change = TeamChange {
        members: Some(vec![user]),
        ..TeamChange::default()
    };
    people::change_team(control, owner, team.id, change)
        .await
        .unwrap();
    let grant = NewGrant {
        selector: format!("host:local name:{web}"),
        role: Role::Operator,
        user_id: None,
        team_id: Some(team.id),
    };
    let grant = people::create_grant(control, owner, grant).await.unwrap();
    assert_eq!(
        grant.selector,
        format!("host:local name:{web}"),
        "shown with the host's name"
    );
    let widened = now().await;
    act(&widened, &web_id).await.unwrap();
    assert_eq!(code(act(&widened, &db_id).await), "forbidden");
    // What a run finds is cut to what its person may.
    let both = format!("name:{web},{db}");
    let plan = RunPlan::of(vec![step("restart", &both)]);
    let refused = start_direct(control, &widened, "Try".to_owned(), plan.clone(), None).await;
    assert_eq!(code(refused), "forbidden");
    let new = NewRun {
        org: widened.org_id,
        schedule: None,
        title: "Try".to_owned(),
        trigger: RunTrigger::Direct {
            by: "vera".to_owned(),
        },
        plan,
        acts_for: Some(user),
        scheduled_for: None,
        priority: 0,
    };
    let id = start(&mut control.db().conn().await.unwrap(), &new)
        .await
        .unwrap();
    fixture.work().await;
    let run = fixture.run(id).await;
    let touched: Vec<&str> = run.steps[0]
        .targets
        .iter()
        .map(|target| target.container.as_str())
        .collect();
    assert_eq!(touched, [web.as_str()], "{run:#?}");

    // Schedules too: only those about nothing else.
    let draft = |target: &str| {
        serde_json::from_value(serde_json::json!({
            "name": target, "enabled": true, "timezone": "UTC",
            "triggers": [{ "type": "interval", "every": "5m" }],
            "steps": [{ "action": { "type": "restart" }, "target": target }],
        }))
        .unwrap()
    };
    let refused = schedules::create(control, &widened, draft(&both)).await;
    let refused = refused.unwrap_err().into_problem();
    assert_eq!(refused.code, "forbidden");
    assert!(
        refused.message.contains(&db) && !refused.message.contains(&web),
        "{refused}"
    );
    schedules::create(control, &widened, draft(&format!("name:{web}")))
        .await
        .unwrap();
    let of_owner = schedules::create(control, owner, draft(&both)).await.unwrap();
    assert!(schedules::run_now(control, &widened, of_owner.id).await.is_err());
    assert!(schedules::delete(control, &widened, of_owner.id).await.is_err());
    assert!(
        schedules::set_enabled(control, &widened, of_owner.id, false)
            .await
            .is_err()
    );

    // A key of an owner that holds on some containers only.
    let key = NewApiKey {
        name: "web".to_owned(),
        scope: Scope::Operate,
        selector: Some(format!("name:{web}")),
        days: None,
    };
    let key = auth::api_keys::create_own(control, owner, key).await.unwrap();
    let keyed = auth::authenticate_key(control, &key.secret, &auth::Client::default())
        .await
        .unwrap()
        .unwrap();
    act(&keyed, &web_id).await.unwrap();
    assert_eq!(code(act(&keyed, &db_id).await), "forbidden");

    // Taken back, it is over; and a grant narrows an operator.
    people::delete_grant(control, owner, grant.id).await.unwrap();
    assert_eq!(code(act(&now().await, &web_id).await), "forbidden");
    let role = MemberChange {
        role: Some(Role::Operator),
        ..MemberChange::default()
    };
    people::change_member(control, owner, user, role).await.unwrap();
    let narrow = NewGrant {
        selector: format!("name:{db}"),
        role: Role::Viewer,
        user_id: Some(user),
        team_id: None,
    };
    people::create_grant(control, owner, narrow).await.unwrap();
    act(&now().await, &web_id).await.unwrap();
    assert_eq!(code(act(&now().await, &db_id).await), "forbidden");
}

use super::*;
use crate::{
    auth::{self, Client, NewSession},
    testing::Fixture,
};
use domain::{auth::Role, passkeys::Challenge};
use secrecy::ExposeSecret;
use serde_json::Value;
use webauthn_authenticator_rs::{
    WebauthnAuthenticator,
    prelude::{CreationChallengeResponse, PublicKeyCredential, RequestChallengeResponse, Url},
    softpasskey::SoftPasskey,
};

const PASSWORD: &str = "seven otters on a raft";
const ORIGIN: &str = "https://chrontainer.example.org";

fn code<T: std::fmt::Debug>(result: crate::Result<T>) -> String {
    result.unwrap_err().into_problem().code
}

fn party() -> Party {
    Party::at(ORIGIN).unwrap()
}

fn url() -> Url {
    Url::parse(ORIGIN).unwrap()
}

/// A device and what it holds. It finds no key by itself, so it is told which one to take.
struct Device {
    authenticator: SoftPasskey,
    credential: Option<Value>,
    owner: Vec<u8>,
}

impl Device {
    fn new() -> Self {
        Self {
            authenticator: SoftPasskey::new(true),
            credential: None,
            owner: Vec::new(),
        }
    }

    fn make(&mut self, challenge: &Challenge) -> String {
        let mut options: Value = serde_json::from_str(&challenge.options).unwrap();
        let selection = &mut options["publicKey"]["authenticatorSelection"];
        assert_eq!(selection["residentKey"], "required");
        assert_eq!(selection["userVerification"], "required");
        selection["requireResidentKey"] = false.into();
        let options: CreationChallengeResponse = serde_json::from_value(options).unwrap();
        self.owner = options.public_key.user.id.clone();
        let made = self.authenticator.do_registration(url(), options).unwrap();
        let made = serde_json::to_value(made).unwrap();
        self.credential = Some(made["id"].clone());
        made.to_string()
    }

    fn answer(&mut self, challenge: &Challenge) -> PublicKeyCredential {
        self.answer_at(ORIGIN, challenge)
    }

    fn answer_at(&mut self, origin: &str, challenge: &Challenge) -> PublicKeyCredential {
        let mut options: Value = serde_json::from_str(&challenge.options).unwrap();
        assert_eq!(options["publicKey"]["userVerification"], "required");
        options["publicKey"]["allowCredentials"] =
            json!([{ "type": "public-key", "id": self.credential.clone().unwrap() }]);
        let options: RequestChallengeResponse = serde_json::from_value(options).unwrap();
        let mut answer = self
            .authenticator
            .do_authentication(Url::parse(origin).unwrap(), options)
            .unwrap();
        answer.response.user_handle = Some(self.owner.clone());
        answer
    }
}

fn text(answer: &PublicKeyCredential) -> String {
    serde_json::to_string(answer).unwrap()
}

async fn person(fixture: &Fixture, name: &str) -> NewSession {
    fixture.person(name, Role::Operator).await;
    auth::set_password(&fixture.control, name, PASSWORD.into())
        .await
        .unwrap();
    auth::sign_in(&fixture.control, name, PASSWORD.into(), &Client::default())
        .await
        .unwrap()
}

/// A passkey for somebody who is signed in; the session may be a new one afterwards.
async fn with_passkey(fixture: &Fixture, session: &NewSession) -> (Device, MadePasskey) {
    let (control, actor) = (&fixture.control, &session.actor);
    let mut device = Device::new();
    let challenge = begin_passkey(control, actor, &party()).await.unwrap();
    let answer = device.make(&challenge);
    let made = finish_passkey(
        control,
        actor,
        &party(),
        &challenge.token,
        &answer,
        " Key ring ",
        &Client::default(),
    )
    .await
    .unwrap();
    (device, made)
}

async fn sign_in_with(fixture: &Fixture, device: &mut Device) -> crate::Result<NewSession> {
    let control = &fixture.control;
    let challenge = begin_passkey_sign_in(control, &party()).await.unwrap();
    let answer = text(&device.answer(&challenge));
    sign_in_with_passkey(control, &party(), &challenge.token, &answer, &Client::default()).await
}

async fn step(fixture: &Fixture, name: &str) -> String {
    match auth::enter(&fixture.control, name, PASSWORD.into(), &Client::default())
        .await
        .unwrap()
    {
        auth::Entered::Step(token) => token.expose_secret().to_owned(),
        auth::Entered::Session(_) => panic!("no second factor was asked for"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passkey_signs_in_alone_and_after_a_password() {
    let fixture = Fixture::new().await;
    let (control, client) = (&fixture.control, Client::default());
    let before = person(&fixture, "ada").await;
    assert!(!any_passkey(control).await.unwrap());
    let (mut device, made) = with_passkey(&fixture, &before).await;
    assert_eq!(made.recovery_codes.len(), 10, "the first one brings them");
    assert!(any_passkey(control).await.unwrap());
    let now = made.session.unwrap().actor;
    let old = auth::authenticate_session(control, before.token.expose_secret(), &client)
        .await
        .unwrap();
    assert_eq!(old, None, "the session of before is worth nothing");
    let listed = list_passkeys(control, &now).await.unwrap();
    assert_eq!(
        (listed[0].name.as_str(), listed[0].host.as_str()),
        ("Key ring", "chrontainer.example.org")
    );
    assert_eq!(listed[0].last_used_at, None);

    // Alone, without any question for a second factor.
    let session = sign_in_with(&fixture, &mut device).await.unwrap();
    assert_eq!(session.actor.name, "ada");
    assert!(
        list_passkeys(control, &now).await.unwrap()[0]
            .last_used_at
            .is_some()
    );

    // After a password, which alone opens nothing any more.
    let refused = auth::sign_in(control, "ada", PASSWORD.into(), &client).await;
    assert_eq!(code(refused), "second_factor_needed");
    let token = step(&fixture, "ada").await;
    let ways = step_ways(control, Some(&party()), &token).await.unwrap().unwrap();
    assert!(ways.passkeys && !ways.app && ways.elsewhere.is_none());
    let ways = step_ways(control, None, &token).await.unwrap().unwrap();
    assert_eq!(ways.elsewhere.as_deref(), Some("chrontainer.example.org"));
    let challenge = begin_passkey_step(control, &party(), &token).await.unwrap();
    assert!(
        challenge
            .options
            .contains(device.credential.as_ref().unwrap().as_str().unwrap())
    );
    let answer = text(&device.answer(&challenge));
    let session = complete_step_with_passkey(control, &party(), &token, &challenge.token, &answer, &client)
        .await
        .unwrap();
    assert_eq!(session.actor.name, "ada");
    let again =
        complete_step_with_passkey(control, &party(), &token, &challenge.token, &answer, &client).await;
    assert_eq!(code(again), "sign_in_again");

    assert_eq!(
        step_ways(control, None, &token).await.unwrap(),
        None,
        "it is over"
    );

    // When the device is lost.
    let token = step(&fixture, "ada").await;
    assert_eq!(
        code(auth::sign_in_with_code(control, &token, "123456", &client).await),
        "code_wrong"
    );
    auth::sign_in_with_code(control, &token, &made.recovery_codes[0], &client)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_not_what_was_asked_for_are_refused() {
    let fixture = Fixture::new().await;
    let (control, client) = (&fixture.control, Client::default());
    let ada = person(&fixture, "ada").await;
    let bob = person(&fixture, "bob").await;
    let (mut device, made) = with_passkey(&fixture, &ada).await;
    let (mut other, _) = with_passkey(&fixture, &bob).await;
    let send = async |token: &str, answer: &PublicKeyCredential| {
        // Each of these is a failure, and here they do not add up.
        fixture.sql("delete from login_failures").await;
        sign_in_with_passkey(control, &party(), token, &text(answer), &client).await
    };

    // Once, and whatever the first answer was worth.
    let challenge = begin_passkey_sign_in(control, &party()).await.unwrap();
    let answer = device.answer(&challenge);
    send(&challenge.token, &answer).await.unwrap();
    assert_eq!(code(send(&challenge.token, &answer).await), "passkey_too_late");

    // An answer to another question.
    let challenge = begin_passkey_sign_in(control, &party()).await.unwrap();
    assert_eq!(code(send(&challenge.token, &answer).await), "passkey_refused");
    assert_eq!(
        code(send(&challenge.token, &device.answer(&challenge)).await),
        "passkey_too_late"
    );

    // Too late, and a question that was asked for something else.
    let challenge = begin_passkey_sign_in(control, &party()).await.unwrap();
    let answer = device.answer(&challenge);
    fixture
        .sql("update passkey_challenges set expires_at = now()")
        .await;
    assert_eq!(code(send(&challenge.token, &answer).await), "passkey_too_late");
    let token = step(&fixture, "ada").await;
    let challenge = begin_passkey_step(control, &party(), &token).await.unwrap();
    assert_eq!(
        code(send(&challenge.token, &device.answer(&challenge)).await),
        "passkey_too_late"
    );

    // From the page of another host.
    let challenge = begin_passkey_sign_in(control, &party()).await.unwrap();
    let mut answer = device.answer(&challenge);
    let told = String::from_utf8(answer.response.client_data_json.clone()).unwrap();
    answer.response.client_data_json = told.replace("chrontainer.example", "evil.example").into_bytes();
    assert_eq!(code(send(&challenge.token, &answer).await), "passkey_refused");
    let elsewhere = Party::at("https://other.example.org").unwrap();
    let challenge = begin_passkey_sign_in(control, &party()).await.unwrap();
    let answer = text(&device.answer(&challenge));
    let refused = sign_in_with_passkey(control, &elsewhere, &challenge.token, &answer, &client).await;
    assert_eq!(code(refused), "passkey_refused");

    // A signature that is not the key's, a challenge that was changed, and no finger.
    for change in [
        |answer: &mut PublicKeyCredential| {
            let last = answer.response.signature.len() - 1;
            answer.response.signature[last] ^= 1;
        },
        |answer: &mut PublicKeyCredential| {
            let told = String::from_utf8(answer.response.client_data_json.clone()).unwrap();
            let mut told: Value = serde_json::from_str(&told).unwrap();
            told["challenge"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".into();
            answer.response.client_data_json = told.to_string().into_bytes();
        },
        |answer: &mut PublicKeyCredential| answer.response.authenticator_data[32] &= !0x04,
    ] {
        let challenge = begin_passkey_sign_in(control, &party()).await.unwrap();
        let mut answer = device.answer(&challenge);
        change(&mut answer);
        assert_eq!(code(send(&challenge.token, &answer).await), "passkey_refused");
    }

    // Somebody else's name on one's own key, and somebody else's key in one's own sign-in.
    let challenge = begin_passkey_sign_in(control, &party()).await.unwrap();
    let mut answer = other.answer(&challenge);
    answer.response.user_handle = Some(device.owner.clone());
    assert_eq!(code(send(&challenge.token, &answer).await), "passkey_refused");
    let token = step(&fixture, "ada").await;
    let challenge = begin_passkey_step(control, &party(), &token).await.unwrap();
    let answer = text(&other.answer(&challenge));
    let refused =
        complete_step_with_passkey(control, &party(), &token, &challenge.token, &answer, &client).await;
    assert_eq!(code(refused), "passkey_refused");

    // Nobody reaches another's keys by their ids.
    let ada = made.session.unwrap().actor;
    let bob_key: uuid::Uuid = fixture
        .text("select p.id from passkeys p join users u on u.id = p.user_id where u.name = 'bob'")
        .await
        .parse()
        .unwrap();
    assert_eq!(
        code(rename_passkey(control, &ada, PasskeyId(bob_key), "mine").await),
        "passkey_not_found"
    );
    assert_eq!(
        code(remove_passkey(control, &ada, PasskeyId(bob_key)).await),
        "passkey_not_found"
    );

    // Who may not sign in.
    fixture
        .sql("update users set disabled_at = now() where name = 'ada'")
        .await;
    fixture.sql("delete from login_failures").await;
    assert_eq!(code(sign_in_with(&fixture, &mut device).await), "passkey_refused");
    let noted = "select count(*) from audit where action = 'passkey.refused' and outcome = 'refused'";
    assert!(fixture.text(noted).await.parse::<u32>().unwrap() >= 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_key_is_noticed_by_its_counter() {
    let fixture = Fixture::new().await;
    let session = person(&fixture, "ada").await;
    let (mut device, _) = with_passkey(&fixture, &session).await;
    sign_in_with(&fixture, &mut device).await.unwrap();
    // The copy has been used a hundred times elsewhere.
    fixture
        .sql("update passkeys set public = jsonb_set(public, '{cred,counter}', '100')")
        .await;
    assert_eq!(code(sign_in_with(&fixture, &mut device).await), "passkey_copied");
    let token = step(&fixture, "ada").await;
    let challenge = begin_passkey_step(&fixture.control, &party(), &token)
        .await
        .unwrap();
    let answer = text(&device.answer(&challenge));
    let client = Client::default();
    let refused = complete_step_with_passkey(
        &fixture.control,
        &party(),
        &token,
        &challenge.token,
        &answer,
        &client,
    )
    .await;
    assert_eq!(code(refused), "passkey_copied");
    let noted = "select count(*) from audit where action = 'passkey.copied' and outcome = 'refused' \
                 and object_name = 'Key ring'";
    assert_eq!(fixture.text(noted).await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn making_and_removing_one_asks_who_is_there() {
    let fixture = Fixture::new().await;
    let control = &fixture.control;
    let session = person(&fixture, "ada").await;
    let ada = &session.actor;
    fixture
        .sql("update sessions set proven_at = now() - interval '11 minutes'")
        .await;
    assert_eq!(code(begin_passkey(control, ada, &party()).await), "prove_first");
    assert_eq!(
        code(auth::prove_with_password(control, ada, "wrong one".into()).await),
        "wrong_password"
    );
    auth::prove_with_password(control, ada, PASSWORD.into())
        .await
        .unwrap();
    let (mut device, made) = with_passkey(&fixture, &session).await;
    let ada = made.session.unwrap().actor;
    let id = list_passkeys(control, &ada).await.unwrap()[0].id;
    rename_passkey(control, &ada, id, "Desk").await.unwrap();
    assert_eq!(list_passkeys(control, &ada).await.unwrap()[0].name, "Desk");

    // A change of rights shows nothing: the new session is as old as the one before.
    fixture
        .sql("update sessions set proven_at = now() - interval '11 minutes'")
        .await;
    assert_eq!(code(remove_passkey(control, &ada, id).await), "prove_first");
    let client = Client::default();
    let mut conn = control.db().conn().await.unwrap();
    let switched = own_sessions::replace(control, &mut conn, &ada, ada.org_id, &client)
        .await
        .unwrap()
        .unwrap();
    drop(conn);
    let ada = switched.actor;
    assert_eq!(code(remove_passkey(control, &ada, id).await), "prove_first");

    let challenge = begin_proof(control, &ada, &party()).await.unwrap();
    let answer = text(&device.answer(&challenge));
    prove_with_passkey(control, &ada, &party(), &challenge.token, &answer)
        .await
        .unwrap();
    let other = sign_in_with(&fixture, &mut device).await.unwrap();
    remove_passkey(control, &ada, id).await.unwrap();
    let other = auth::authenticate_session(control, other.token.expose_secret(), &client)
        .await
        .unwrap();
    assert_eq!(other, None, "what was begun with it ends with it");
    assert_eq!(fixture.text("select count(*) from recovery_codes").await, "0");
    auth::sign_in(control, "ada", PASSWORD.into(), &client)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_satisfies_an_organisation_and_goes_with_the_second_factor() {
    let fixture = Fixture::new().await;
    let (control, client) = (&fixture.control, Client::default());
    let session = person(&fixture, "ada").await;
    let user = session.actor.user_id.unwrap();
    fixture.sql("update orgs set second_factor_required = true").await;
    let (mut device, made) = with_passkey(&fixture, &session).await;
    let token = made.session.unwrap().token;
    let ada = auth::authenticate_session(control, token.expose_secret(), &client)
        .await
        .unwrap()
        .unwrap();
    assert!(ada.may(Permission::ContainersRead));
    let members = crate::people::list_members(control, &fixture.owner)
        .await
        .unwrap()
        .items;
    assert!(
        members
            .iter()
            .any(|member| member.id == user && member.second_factor)
    );

    auth::clear_second_factor(control, &fixture.owner, user)
        .await
        .unwrap();
    assert_eq!(code(sign_in_with(&fixture, &mut device).await), "passkey_refused");

    // On the server's machine.
    let session = auth::sign_in(control, "ada", PASSWORD.into(), &client)
        .await
        .unwrap();
    with_passkey(&fixture, &session).await;
    auth::set_password_and(control, "ada", PASSWORD.into(), true)
        .await
        .unwrap();
    auth::sign_in(control, "ada", PASSWORD.into(), &client)
        .await
        .unwrap();
    assert_eq!(fixture.text("select count(*) from passkeys").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_password_keeps_a_way_in_and_can_set_one() {
    let fixture = Fixture::new().await;
    let (control, client) = (&fixture.control, Client::default());
    let session = person(&fixture, "ada").await;
    let (mut device, _) = with_passkey(&fixture, &session).await;
    fixture
        .sql("update users set password_hash = null where name = 'ada'")
        .await;
    let ada = sign_in_with(&fixture, &mut device).await.unwrap().actor;
    let ways = auth::proof_ways(control, &ada).await.unwrap();
    assert!(ways.passkeys && !ways.password && ways.providers.is_empty());
    let id = list_passkeys(control, &ada).await.unwrap()[0].id;
    assert_eq!(code(remove_passkey(control, &ada, id).await), "last_way_in");

    let new = || "eight otters on a raft".into();
    fixture
        .sql("update sessions set proven_at = now() - interval '11 minutes'")
        .await;
    assert_eq!(
        code(auth::set_first_password(control, &ada, new(), &client).await),
        "prove_first"
    );
    let challenge = begin_proof(control, &ada, &party()).await.unwrap();
    let answer = text(&device.answer(&challenge));
    prove_with_passkey(control, &ada, &party(), &challenge.token, &answer)
        .await
        .unwrap();
    let common = auth::set_first_password(control, &ada, "password123".into(), &client).await;
    assert_eq!(code(common), "password_common");
    let ada = auth::set_first_password(control, &ada, new(), &client)
        .await
        .unwrap()
        .unwrap()
        .actor;
    assert_eq!(
        code(auth::set_first_password(control, &ada, new(), &client).await),
        "password_exists"
    );
    remove_passkey(control, &ada, id).await.unwrap();
    auth::sign_in(control, "ada", new(), &client).await.unwrap();
}

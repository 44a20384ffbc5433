use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::containers::{ContainerState, Health};
use crate::ids::ContainerId;

#[derive(Debug, Clone)]
struct Subject {
    id: ContainerId,
    engine_id: String,
    name: String,
    host_id: HostId,
    host: String,
    stack: Option<String>,
    service: Option<String>,
    image: String,
    state: ContainerState,
    health: Option<Health>,
    labels: Vec<(String, String)>,
    tags: Vec<String>,
    ports: Vec<u16>,
}

impl SelectorSubject for Subject {
    fn id(&self) -> ContainerId {
        self.id
    }
    fn engine_id(&self) -> &str {
        &self.engine_id
    }
    fn name(&self) -> &str {
        &self.name
    }
    fn host_id(&self) -> HostId {
        self.host_id
    }
    fn host_name(&self) -> &str {
        &self.host
    }
    fn stack(&self) -> Option<&str> {
        self.stack.as_deref()
    }
    fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }
    fn image(&self) -> &str {
        &self.image
    }
    fn state(&self) -> ContainerState {
        self.state
    }
    fn health(&self) -> Option<Health> {
        self.health
    }
    fn label(&self, key: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }
    fn tags(&self) -> &[String] {
        &self.tags
    }
    fn has_port(&self, port: u16) -> bool {
        self.ports.contains(&port)
    }
}

fn subject(name: &str) -> Subject {
    Subject {
        id: "0197a000-0000-7000-8000-00000000c0de".parse().unwrap(),
        engine_id: "4f2a9c".repeat(10) + "abcd",
        name: name.to_owned(),
        host_id: host_id(),
        host: "Local".to_owned(),
        stack: Some("media".to_owned()),
        service: Some("web".to_owned()),
        image: "ghcr.io:443/acme/web:1.27@sha256:abcdef".to_owned(),
        state: ContainerState::Running,
        health: None,
        labels: vec![
            ("com.acme.Env".to_owned(), "Prod".to_owned()),
            ("empty".to_owned(), String::new()),
        ],
        tags: vec!["Nightly".to_owned(), "größe".to_owned()],
        ports: vec![8080],
    }
}

fn host_id() -> HostId {
    "0197a000-0000-7000-8000-0000000000aa".parse().unwrap()
}

fn search(text: &str) -> Selector {
    Selector::parse_search(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn picks_by_every_key() {
    let web = subject("My-Web.1");
    for (text, picked) in [
        ("", true),
        ("*", true),
        ("web", true),
        ("WEB 1", true),
        ("web db", false),
        ("web,db", true),
        ("-web", false),
        ("-db", true),
        ("m*w*1", true),
        ("y-web.", true),
        ("1*m", false),
        ("name:my-web.1", true),
        ("name:web", false),
        ("name:*web*", true),
        ("name:my*", true),
        ("name:*.1", true),
        ("name:*web", false),
        ("name:my*b.1*", true),
        ("name:my-web.1*my-web.1", false),
        ("name:\"my-web.1\"", true),
        ("name:db,my-web.1", true),
        ("name:db name:my-web.1", true),
        ("name:my-web.1 host:other", false),
        ("NAME:my-web.1 Host:LOCAL", true),
        ("host:lo*", true),
        ("host:@0197a000-0000-7000-8000-0000000000aa", true),
        ("host:@0197a000-0000-7000-8000-0000000000ab", false),
        ("host:other host:@0197a000-0000-7000-8000-0000000000aa", true),
        ("stack:media service:web", true),
        ("stack:media -service:web", false),
        ("stack:*", true),
        ("-stack:*", false),
        ("image:ghcr.io:443/acme/web:1.27@sha256:abcdef", true),
        ("image:ghcr.io:443/acme/web", true),
        ("image:ghcr.io:443/acme/web:1.27", false),
        ("image:ghcr.io:443/acme/web:*", true),
        ("image:web", false),
        ("image:*web*", true),
        ("state:running", true),
        ("state:exited,RUNNING", true),
        ("state:re*", false),
        ("state:r*", true),
        ("-state:running", false),
        ("health:none", true),
        ("health:healthy", false),
        ("health:n*", true),
        ("label:com.acme.Env", true),
        ("label:com.acme.env", false),
        ("label:com.acme.Env=prod", true),
        ("label:com.acme.Env=pr*", true),
        ("label:com.acme.Env=", false),
        ("label:empty=", true),
        ("label:empty=x,com.acme.Env=prod", true),
        ("label:none", false),
        ("tag:nightly", true),
        ("tag:GRÖSSE,\"GRÖßE\"", true),
        ("id:4f2a", true),
        ("id:4F2A9C", true),
        ("id:2a9c", false),
        ("id:0197a000-0000-7000-8000-00000000C0DE", true),
        ("id:0197a000*", true),
        ("container:local/My-Web.1", true),
        ("container:LOCAL/My-Web.1", true),
        ("container:local/my-web.1", false),
        ("container:other/My-Web.1", false),
        ("container:other/My-Web.1,\"Local/My-Web.1\"", true),
        ("container:@0197a000-0000-7000-8000-0000000000aa/My-Web.1", true),
        ("container:@0197a000-0000-7000-8000-0000000000ab/My-Web.1", false),
        ("* -container:local/My-Web.1", false),
        ("port:8080", true),
        ("port:80", false),
        ("port:80,8080", true),
        ("-port:80,8080", false),
        ("* -name:db", true),
        ("* -name:my*", false),
    ] {
        assert_eq!(search(text).matches(&web), picked, "{text}");
    }
}

#[test]
fn a_star_and_other_signs_can_be_meant() {
    let mut odd = subject("a*b");
    assert!(search(r#"name:"a\*b""#).matches(&odd));
    odd.name = "axb".to_owned();
    assert!(!search(r#"name:"a\*b""#).matches(&odd));
    odd.name = "my \"app\", \\ 1:2 @ -x".to_owned();
    let text = quote(&odd.name);
    assert!(search(&format!("name:{text}")).matches(&odd), "{text}");
    assert!(search(&text).matches(&odd), "{text}");
    odd.host = "@home".to_owned();
    assert!(search("host:\"@home\"").matches(&odd));
    odd.name = "ΟΔΟΣ".to_owned();
    assert!(search("name:οδος").matches(&odd) && search("name:οδοσ").matches(&odd));
}

#[test]
fn images_without_a_tag_stand_for_all_tags() {
    let mut web = subject("web");
    for (image, value, picked) in [
        ("nginx", "nginx", true),
        ("nginx:1.27", "nginx", true),
        ("nginx:1.27", "nginx:1.27", true),
        ("nginx:1.27", "nginx:1.2", false),
        ("nginx-exporter:1", "nginx", false),
        ("localhost:5000/nginx", "localhost", false),
        ("localhost:5000/nginx", "localhost:5000/nginx", true),
        ("sha256:abcd", "sha256:abcd", true),
    ] {
        web.image = image.to_owned();
        assert_eq!(
            search(&format!("image:{value}")).matches(&web),
            picked,
            "{image} {value}"
        );
    }
}

#[test]
fn says_what_is_wrong_and_where() {
    for (text, code, start, end, part) in [
        ("web nam:x", "unknown_key", 4, 7, "Did you mean name?"),
        ("hots:x", "unknown_key", 0, 4, "Did you mean host?"),
        ("la:x", "unknown_key", 0, 2, "Did you mean label?"),
        ("is:running", "unknown_key", 0, 2, "Did you mean state or health?"),
        ("project:x", "unknown_key", 0, 7, "Did you mean stack?"),
        ("nginx:1.27", "unknown_key", 0, 5, "The keys are name, host"),
        ("é:1", "unknown_key", 0, 2, "The keys are"),
        (":x", "missing_key", 0, 1, "no key before the colon"),
        ("name:", "missing_value", 4, 5, "Write it without a blank"),
        ("name: web", "missing_value", 4, 5, "Write it without a blank"),
        ("name:a,", "missing_value", 6, 7, "Write it without a blank"),
        ("name:a,,b", "missing_value", 6, 7, "Write it without a blank"),
        ("name:\"\"", "missing_value", 5, 7, "name:* for any"),
        ("state:", "missing_value", 5, 6, "state:running"),
        (",web", "missing_value", 0, 1, "beside the comma"),
        ("\"\"", "missing_value", 0, 2, "Remove them"),
        ("a -", "missing_value", 2, 3, "after the minus|follows the minus"),
        ("-*", "excludes_everything", 0, 2, "every container"),
        ("name:\"my app", "unclosed_quote", 5, 12, "not closed"),
        ("name:\"a\\x\"", "bad_escape", 7, 9, "backslash"),
        ("state:runing", "bad_value", 6, 12, "Did you mean running?"),
        ("state:up", "bad_value", 6, 8, "There are running, exited"),
        ("health:well", "bad_value", 7, 11, "There are healthy"),
        ("port:http", "bad_value", 5, 9, "1 to 65535"),
        ("port:0", "bad_value", 5, 6, "1 to 65535"),
        ("port:70000", "bad_value", 5, 10, "1 to 65535"),
        ("port:80*", "bad_value", 5, 8, "without *"),
        ("id:abc", "bad_value", 3, 6, "at least 4"),
        ("id:web1", "bad_value", 3, 7, "name:"),
        ("id:0197a000-x", "bad_value", 3, 13, "no id"),
        ("label:a*=b", "bad_value", 6, 10, "in its value only"),
        ("label:=b", "missing_value", 6, 8, "label's key is missing"),
        ("host:@pi", "bad_value", 5, 8, "host:\"@pi\""),
        ("container:web", "bad_value", 10, 13, "container:nas/web"),
        ("container:nas/", "bad_value", 10, 14, "container:nas/web"),
        ("container:nas/w*", "bad_value", 10, 16, "no * in it"),
        ("container:@pi/web", "bad_value", 10, 17, "id of a host"),
    ] {
        let error = Selector::parse_search(text).expect_err(text);
        assert_eq!(
            (error.code, error.start, error.end),
            (code, start, end),
            "{text}: {error}"
        );
        assert!(
            part.split('|').any(|part| error.message.contains(part)),
            "{text}: {error}"
        );
    }
    let long = "a".repeat(MAX_LENGTH + 1);
    assert_eq!(
        Selector::parse_search(&long).expect_err("too long").code,
        "too_long"
    );
}

#[test]
fn targets_must_say_what_they_mean() {
    for (text, code, start, end, part) in [
        ("", "empty_target", 0, 0, "Write * for every container"),
        ("  ", "empty_target", 0, 2, "Write * for every container"),
        ("web", "bare_word", 0, 3, "Write name:web"),
        ("host:local  -web", "bare_word", 12, 16, "Write -name:web"),
        ("\"my app\"", "bare_word", 0, 8, "name:"),
        ("-name:db", "only_exclusions", 0, 8, "* -name:db"),
    ] {
        let error = Selector::parse_target(text).expect_err(text);
        assert_eq!(
            (error.code, error.start, error.end),
            (code, start, end),
            "{text}: {error}"
        );
        assert!(error.message.contains(part), "{text}: {error}");
    }
    for text in [
        "*",
        "name:web",
        "* -name:db",
        "name:* -host:pi",
        "host:local name:web",
    ] {
        assert_eq!(Selector::parse_target(text).expect(text).to_string(), text);
    }
    assert!(serde_json::from_str::<Selector>("\"web\"").is_err());
    let target: Selector = serde_json::from_str("\"Name:web\"").expect("a target");
    assert_eq!(serde_json::to_string(&target).expect("text"), "\"name:web\"");
}

#[test]
fn errors_serve_the_api() {
    let error = Selector::parse_search("nam:x").expect_err("unknown key");
    let details = serde_json::to_value(&error).expect("JSON");
    assert_eq!(
        (&details["code"], &details["start"], &details["end"]),
        (&"unknown_key".into(), &0.into(), &3.into())
    );
    let problem = error.problem("query");
    assert_eq!(
        (problem.code.as_str(), problem.class.status()),
        ("invalid_selector", 422)
    );
    assert_eq!(problem.details["end"], 3);
}

#[test]
fn hosts_are_stored_by_id() {
    let other: HostId = "0197a000-0000-7000-8000-0000000000bb".parse().unwrap();
    let find = |name: &str| match name {
        "local" => Some(host_id()),
        "my pi" => Some(other),
        _ => None,
    };
    let bound = search("host:local,\"my pi\",p* -host:local name:web container:local/web,\"my pi\"/db")
        .bind_hosts(find)
        .expect("known hosts");
    let here = host_id();
    let stored = format!("host:@{here},@{other},p* -host:@{here} name:web container:@{here}/web,@{other}/db");
    assert_eq!(bound.to_string(), stored);
    assert_eq!(search(&stored), bound);
    assert_eq!(
        bound.host_ids().collect::<Vec<_>>(),
        [here, other, here, here, other]
    );
    assert_eq!(bound.only_on(), Some(vec![here, other]), "pairs name their hosts");
    assert_eq!(
        search(&format!("host:@{other},p*")).only_on(),
        None,
        "a name with * may be any host's"
    );
    let both = format!("name:web host:@{},@{other}", host_id());
    assert_eq!(search(&both).only_on(), Some(vec![host_id(), other]));
    for elsewhere in ["*", "name:web", &format!("name:web -host:@{other}")] {
        assert_eq!(search(elsewhere).only_on(), None, "{elsewhere}");
    }
    // Renamed and gone.
    let shown = bound.unbind_hosts(|id| (id == here).then(|| "Big *".to_owned()));
    assert_eq!(
        shown.to_string(),
        format!(
            "host:\"Big \\*\",@{other},p* -host:\"Big \\*\" name:web container:\"Big \\*/web\",@{other}/db"
        )
    );
    assert_eq!(search(&shown.to_string()), shown);

    let error = search("name:web host:nas,local")
        .bind_hosts(find)
        .expect_err("nas is unknown");
    assert_eq!((error.code, error.start, error.end), ("unknown_host", 14, 17));
    assert!(error.message.contains("no host nas"));
}

#[test]
fn one_container_by_host_and_name() {
    let one = Selector::container(host_id(), "My-Web.1");
    assert!(one.matches(&subject("My-Web.1")));
    // An engine may have both.
    assert!(!one.matches(&subject("my-web.1")));
    assert!(!one.matches(&subject("My-Web.12")));
    assert_eq!(Selector::parse_target(&one.to_string()).expect("a target"), one);
    assert_eq!(one.to_string(), format!("container:@{}/My-Web.1", host_id()));
}

#[test]
fn pairs_pick_just_those_where_names_repeat_across_hosts() {
    let on = |host: &str, name: &str| Subject {
        host: host.to_owned(),
        ..subject(name)
    };
    let fleet = [on("nas", "web"), on("nas", "db"), on("pi", "web"), on("pi", "db")];
    let picked = |text: &str| {
        let selector = Selector::parse_target(text).expect(text);
        let found = fleet.iter().filter(|subject| selector.matches(*subject));
        found
            .map(|subject| format!("{}/{}", subject.host, subject.name))
            .collect::<Vec<_>>()
    };
    assert_eq!(picked("container:nas/web,pi/db"), ["nas/web", "pi/db"]);
    assert_eq!(picked("host:nas,pi name:web,db").len(), 4);
}

#[test]
fn knows_what_it_asks_for() {
    assert!(search("state:running").needs_state() && search("web -health:healthy").needs_state());
    assert!(!search("name:web").needs_state());
    assert!(
        search("").is_everything() && search("*").is_everything() && Selector::everything().is_everything()
    );
    assert!(!search("* -name:x").is_everything() && !search("x").is_everything());
    assert_eq!(search("web tag:a name:b -tag:c").keys(), [Key::Tag, Key::Name]);
}

#[test]
fn completes_keys_and_values() {
    let value = |key| CompletionKind::Value { key };
    let env = || CompletionKind::LabelValue {
        label: "env".to_owned(),
    };
    // `|` is the cursor.
    for (text, replaced, kind, prefix) in [
        ("|", "", CompletionKind::Key, ""),
        ("na|", "na", CompletionKind::Key, "na"),
        ("na|m host:x", "nam", CompletionKind::Key, "na"),
        ("n|ame:web", "name:", CompletionKind::Key, "n"),
        ("name|:web", "name:", CompletionKind::Key, "name"),
        ("-na|", "na", CompletionKind::Key, "na"),
        ("|-na", "-na", CompletionKind::Key, ""),
        ("name:web |", "", CompletionKind::Key, ""),
        ("name:|", "", value(Key::Name), ""),
        ("Name:we|b state:x", "web", value(Key::Name), "we"),
        ("-state:ru|", "ru", value(Key::State), "ru"),
        ("state:a,ru|n,b", "run", value(Key::State), "ru"),
        ("state:a,|", "", value(Key::State), ""),
        ("name:\"my a|pp\" x", "\"my app\"", value(Key::Name), "my a"),
        ("name:\"a,b|", "\"a,b", value(Key::Name), "a,b"),
        ("label:en|", "en", value(Key::Label), "en"),
        ("label:env=pr|", "env=pr", env(), "pr"),
        ("foo:b|", "b", CompletionKind::Nothing, "b"),
        ("größe:ä|", "ä", CompletionKind::Nothing, "ä"),
        ("web,d|", "d", CompletionKind::Key, "d"),
    ] {
        let cursor = text.find('|').unwrap();
        let plain = text.replace('|', "");
        let completion = complete(&plain, cursor);
        assert_eq!(
            &plain[completion.replace.clone()],
            replaced,
            "{text}: {completion:?}"
        );
        assert_eq!(
            (completion.kind, completion.prefix.as_str()),
            (kind, prefix),
            "{text}"
        );
    }
}

#[test]
fn ten_thousand_containers_in_no_time() {
    let fleet: Vec<Subject> = (0..10_000)
        .map(|n| subject(&format!("Service-{n}-web")))
        .collect();
    let selector =
        search("service 9 -name:*-999-* image:*acme* stack:media,other label:com.acme.Env=pr* port:8080");
    let start = std::time::Instant::now();
    let count = fleet.iter().filter(|subject| selector.matches(*subject)).count();
    assert_eq!(
        count,
        (0..10_000)
            .filter(|n| n.to_string().contains('9') && *n != 999)
            .count()
    );
    assert!(start.elapsed().as_millis() < 500, "{:?}", start.elapsed());
}

// An oracle of its own: the rules as one would tell them, without grouping, precompiling or sharing code.

#[derive(Debug, Clone)]
struct NaiveTerm {
    exclude: bool,
    key: Option<&'static str>,
    values: Vec<String>,
}

fn glob(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        Some((letter, rest)) => text.first() == Some(letter) && glob(rest, &text[1..]),
    }
}

fn like(pattern: &str, text: &str) -> bool {
    let letters = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
    glob(&letters(pattern), &letters(text))
}

fn naive_value(term: &NaiveTerm, value: &str, subject: &Subject) -> bool {
    let some = |text: &Option<String>| text.as_ref().is_some_and(|text| like(value, text));
    match term.key {
        None => like(&format!("*{value}*"), &subject.name),
        Some("name") => like(value, &subject.name),
        Some("host") => like(value, &subject.host),
        Some("stack") => some(&subject.stack),
        Some("tag") => subject.tags.iter().any(|tag| like(value, tag)),
        Some("image") => {
            like(value, &subject.image) || like(&format!("{value}:*"), &subject.image) && !value.contains('*')
        }
        Some("state") => like(value, subject.state.as_str()),
        Some(other) => panic!("{other}"),
    }
}

fn naive(terms: &[NaiveTerm], subject: &Subject) -> bool {
    let any = |term: &NaiveTerm| term.values.iter().any(|value| naive_value(term, value, subject));
    let wanted = |term: &NaiveTerm| match term.key {
        None => any(term),
        key => terms
            .iter()
            .filter(|other| !other.exclude && other.key == key)
            .any(any),
    };
    terms
        .iter()
        .all(|term| if term.exclude { !any(term) } else { wanted(term) })
}

fn word() -> impl Strategy<Value = String> {
    "[abAB*]{1,4}".prop_filter("stars alone are another term", |word| {
        word.contains(|letter| letter != '*')
    })
}

fn naive_term() -> impl Strategy<Value = NaiveTerm> {
    let texts = (
        select(vec![
            None,
            Some("name"),
            Some("host"),
            Some("stack"),
            Some("tag"),
            Some("image"),
        ]),
        prop::collection::vec(word(), 1..3),
    );
    let states = prop::collection::vec(
        select(vec!["running", "exited", "r*", "*ed"]).prop_map(str::to_owned),
        1..3,
    )
    .prop_map(|values| (Some("state"), values));
    (any::<bool>(), prop_oneof![5 => texts, 1 => states]).prop_map(|(exclude, (key, values))| NaiveTerm {
        exclude,
        key,
        values,
    })
}

fn naive_text(terms: &[NaiveTerm]) -> String {
    let term = |term: &NaiveTerm| {
        let key = term.key.map_or_else(String::new, |key| format!("{key}:"));
        format!(
            "{}{key}{}",
            if term.exclude { "-" } else { "" },
            term.values.join(",")
        )
    };
    terms.iter().map(term).collect::<Vec<_>>().join(" ")
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let text = || "[abAB]{0,4}";
    let states = select(vec![
        ContainerState::Running,
        ContainerState::Exited,
        ContainerState::Paused,
    ]);
    (
        text(),
        text(),
        prop::option::of(text()),
        prop::collection::vec(text(), 0..3),
        "[ab]{1,3}(:[ab]{1,2})?",
        states,
    )
        .prop_map(|(name, host, stack, tags, image, state)| Subject {
            host,
            stack,
            tags,
            image,
            state,
            ..subject(&name)
        })
}

/// Text that is likely to be read: pieces of the language in any order.
fn selector_text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "name:",
        "host:",
        "label:",
        "state:",
        "id:",
        "port:",
        "tag:",
        "image:",
        "health:",
        "container:",
        "nas/web",
        "-",
        " ",
        " ",
        ",",
        "\"",
        "\\\"",
        "\\\\",
        "\\*",
        "*",
        "web",
        "a=b",
        "80",
        "running",
        "none",
        "@",
        ":",
        "ab12",
        "0197a000-0000-7000-8000-0000000000aa",
        "ß",
        "\u{3000}",
        "\n",
        "nginx:1",
    ];
    prop::collection::vec(select(pieces), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn means_what_the_rules_say(terms in prop::collection::vec(naive_term(), 0..5), subjects in prop::collection::vec(any_subject(), 1..8)) {
        let text = naive_text(&terms);
        let selector = search(&text);
        for subject in &subjects {
            prop_assert_eq!(selector.matches(subject), naive(&terms, subject), "{} {:?}", text, subject);
        }
    }

    #[test]
    fn canonical_text_reads_back_the_same(text in prop_oneof![selector_text(), "\\PC{0,30}"]) {
        if let Ok(selector) = Selector::parse_search(&text) {
            let shown = selector.to_string();
            let again = Selector::parse_search(&shown);
            prop_assert_eq!(again.as_ref(), Ok(&selector), "{} {}", text, shown);
            prop_assert_eq!(selector.to_string(), again.map(|again| again.to_string()).unwrap_or_default());
        }
    }

    #[test]
    fn mistakes_have_a_place_within_the_text(text in prop_oneof![selector_text(), any::<String>()]) {
        for result in [Selector::parse_search(&text), Selector::parse_target(&text)] {
            if let Err(error) = result {
                prop_assert!(error.start <= error.end && error.end <= text.len(), "{:?} {:?}", text, error);
                prop_assert!(text.get(error.start..error.end).is_some(), "{:?} {:?}", text, error);
            }
        }
    }

    #[test]
    fn completion_never_fails(text in prop_oneof![selector_text(), any::<String>()], cursor in 0..80_usize) {
        let completion = complete(&text, cursor);
        prop_assert!(text.get(completion.replace).is_some());
    }

    #[test]
    fn a_search_and_its_target_pick_the_same(terms in prop::collection::vec(naive_term(), 0..4), subjects in prop::collection::vec(any_subject(), 1..8)) {
        let text = naive_text(&terms);
        let selector = search(&text);
        if let Some(target) = selector.clone().into_target() {
            for subject in &subjects {
                prop_assert_eq!(selector.matches(subject), target.matches(subject), "{} {}", text, target);
            }
            let written = target.to_string();
            prop_assert!(Selector::parse_target(&written).is_ok(), "{} {}", text, written);
        }
    }

    #[test]
    fn tags_are_found_in_whatever_case(tag in "[a-zA-Z0-9 äÖß_-]{1,12}", other in "[a-z]{1,6}") {
        let mut container = subject("web");
        container.tags = vec![tag.clone(), other.clone()];
        for text in [&tag, &other, &tag.to_ascii_uppercase()] {
            let selector = Selector::parse_target(&format!("tag:{}", quote(text))).expect("a target");
            prop_assert!(selector.matches(&container), "{:?} {}", container.tags, selector);
        }
        container.tags.clear();
        let selector = Selector::parse_target(&format!("tag:{}", quote(&tag))).expect("a target");
        prop_assert!(!selector.matches(&container));
    }

    #[test]
    fn quoted_texts_are_meant_literally(name in "\\PC{1,12}", other in "\\PC{1,12}") {
        let selector = Selector::parse_target(&format!("name:{}", quote(&name))).expect("a target");
        prop_assert!(selector.matches(&subject(&name)));
        let one = Selector::container(host_id(), &name);
        prop_assert!(one.matches(&subject(&name)));
        prop_assert_eq!(one.matches(&subject(&other)), name == other);
        prop_assert!(!name.is_ascii() || !other.is_ascii() || selector.matches(&subject(&other)) == name.eq_ignore_ascii_case(&other));
    }
}

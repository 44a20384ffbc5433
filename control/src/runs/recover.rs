//! What became of an action that was cut in the middle: decided from what the engine shows, never from clocks.

use domain::{actions::Action, containers::ContainerState};

/// A container as it was just before the engine was asked, or as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    pub engine_id: String,
    /// Exactly as the engine writes it; changes with every start.
    pub started_at: Option<String>,
    pub state: ContainerState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The engine did it.
    Done,
    /// It did not, so that it may be done now.
    NotDone,
    /// It cannot be known: somebody else acted on it too, or it is another container now.
    Undecidable,
}

/// Compares what was intended on `before` with what is seen now.
pub(super) fn decide(action: &Action, before: &Sight, now: &Sight) -> Verdict {
    use ContainerState::{Created, Dead, Exited, Paused, Removing, Restarting, Running};
    use Verdict::{Done, NotDone, Undecidable};
    if before.engine_id != now.engine_id {
        return Undecidable;
    }
    let started_anew = before.started_at != now.started_at;
    match action {
        // A removed container is not seen at all; one that is seen was not removed, unless that is under way.
        Action::Remove(_) if now.state == Removing => Done,
        Action::Remove(_) if started_anew => Undecidable,
        Action::Remove(_) => NotDone,
        Action::Kill(kill) => match now.state {
            Exited | Dead => Done,
            _ if started_anew => Undecidable,
            // It survives nothing, so it was not sent.
            Running | Paused if kill.is_final() => NotDone,
            // A signal leaves no trace where the process takes it.
            _ => Undecidable,
        },
        // Only a start changes StartedAt, and a restart ends with one.
        Action::Restart { .. } if started_anew => Done,
        Action::Restart { .. } => NotDone,
        Action::Start if started_anew => Done,
        Action::Start => match (before.state, now.state) {
            // It ran already, and the engine would have said so.
            (Running | Restarting, Running | Restarting) => Done,
            _ => NotDone,
        },
        Action::Stop { .. } => match now.state {
            Exited | Created | Dead => Done,
            _ if started_anew => Undecidable,
            Removing | ContainerState::Unknown => Undecidable,
            Running | Paused | Restarting => NotDone,
        },
        Action::Pause => match now.state {
            _ if started_anew => Undecidable,
            Paused => Done,
            _ => NotDone,
        },
        Action::Unpause => match now.state {
            _ if started_anew => Undecidable,
            Running if before.state == Paused => Done,
            Running | Paused => NotDone,
            _ => Undecidable,
        },
        // The others look for what they began by what the engine called it.
        _ => Undecidable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sight(started_at: &str, state: ContainerState) -> Sight {
        Sight {
            engine_id: "8c83".to_owned(),
            started_at: (!started_at.is_empty()).then(|| started_at.to_owned()),
            state,
        }
    }

    #[test]
    fn what_the_engine_shows_decides() {
        use ContainerState::{Exited, Paused, Running};
        use Verdict::{Done, NotDone, Undecidable};
        let (stop, restart) = (Action::Stop { grace: None }, Action::Restart { grace: None });
        let cases = [
            (&restart, sight("1", Running), sight("2", Running), Done),
            (&restart, sight("1", Running), sight("1", Running), NotDone),
            // Stopped and not started again: the other half is still to be done.
            (&restart, sight("1", Running), sight("1", Exited), NotDone),
            (&restart, sight("", Exited), sight("1", Running), Done),
            (&stop, sight("1", Running), sight("1", Exited), Done),
            (&stop, sight("1", Running), sight("1", Running), NotDone),
            (&stop, sight("1", Running), sight("2", Running), Undecidable),
            (&Action::Start, sight("1", Exited), sight("2", Running), Done),
            (&Action::Start, sight("1", Exited), sight("2", Exited), Done),
            (&Action::Start, sight("1", Exited), sight("1", Exited), NotDone),
            (&Action::Start, sight("1", Running), sight("1", Running), Done),
            (&Action::Pause, sight("1", Running), sight("1", Paused), Done),
            (&Action::Pause, sight("1", Running), sight("1", Running), NotDone),
            (&Action::Unpause, sight("1", Paused), sight("1", Running), Done),
            (&Action::Unpause, sight("1", Paused), sight("1", Paused), NotDone),
            (
                &Action::Unpause,
                sight("1", Paused),
                sight("2", Running),
                Undecidable,
            ),
        ];
        for (action, before, now, verdict) in cases {
            assert_eq!(
                decide(action, &before, &now),
                verdict,
                "{action:?} {before:?} {now:?}"
            );
        }
    }

    fn any_state() -> impl Strategy<Value = ContainerState> {
        use ContainerState::*;
        prop::sample::select(vec![
            Created, Running, Paused, Restarting, Removing, Exited, Dead, Unknown,
        ])
    }

    fn any_action() -> impl Strategy<Value = Action> {
        prop::sample::select(vec![
            "start", "stop", "restart", "pause", "unpause", "kill", "remove",
        ])
        .prop_map(|verb| Action::from_verb(verb).unwrap())
    }

    proptest! {
        #[test]
        fn another_container_is_never_taken_for_the_same(
            action in any_action(), before in any_state(), now in any_state(), started in "[12]", started_now in "[12]",
        ) {
            let before = sight(&started, before);
            let mut now = sight(&started_now, now);
            now.engine_id = "other".to_owned();
            prop_assert_eq!(decide(&action, &before, &now), Verdict::Undecidable);
        }

        #[test]
        fn a_container_that_was_started_again_is_never_acted_on_twice(
            action in any_action(), before in any_state(), now in any_state(),
        ) {
            let verdict = decide(&action, &sight("1", before), &sight("2", now));
            prop_assert_ne!(verdict, Verdict::NotDone);
        }

        #[test]
        fn a_running_container_that_was_not_started_anew_was_not_restarted(before in any_state(), now in any_state()) {
            let restart = Action::Restart { grace: None };
            prop_assert_eq!(decide(&restart, &sight("1", before), &sight("1", now)), Verdict::NotDone);
        }
    }
}

//! What becomes of a fire while earlier runs of its schedule are open: pure, and decided under the schedule's lock.

use domain::guards::{Guards, Overlap};

/// The open runs of a schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Queued, running or being cancelled.
    pub running: usize,
    pub waiting: usize,
}

/// Where a new run goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Into the queue.
    Start,
    /// It waits until the earlier ones ended.
    Wait,
    /// The earlier ones are cancelled, and it waits for their end.
    Replace,
    /// It does not run; why, as a sentence.
    Skip(String),
}

/// Decides. What is caught up after a downtime runs one after another, unless runs may overlap anyway.
pub(super) fn place(guards: &Guards, standing: Standing, is_caught_up: bool) -> Place {
    let open = standing.running + standing.waiting;
    match guards.overlap {
        Overlap::Allow => Place::Start,
        _ if open == 0 => Place::Start,
        _ if is_caught_up => Place::Wait,
        Overlap::Skip if standing.running == 0 => Place::Skip(
            "Skipped: an earlier run of this schedule is still waiting, and only one may be open at a time."
                .to_owned(),
        ),
        Overlap::Skip => Place::Skip(
            "Skipped: the run before it had not ended, and this schedule allows one at a time.".to_owned(),
        ),
        Overlap::Queue if standing.waiting < guards.queue_depth as usize => Place::Wait,
        Overlap::Queue => Place::Skip(format!(
            "Skipped: {} waiting already, and this schedule lets no more wait.",
            match standing.waiting {
                1 => "one run is".to_owned(),
                many => format!("{many} runs are"),
            }
        )),
        Overlap::Replace => Place::Replace,
    }
}

/// What is said of a run that waits for others.
pub(super) const WAITS: &str = "Waits for the run before it to end.";

#[cfg(test)]
mod tests {
    use super::*;

    fn with(overlap: Overlap, queue_depth: u32) -> Guards {
        Guards {
            overlap,
            queue_depth,
            ..Guards::default()
        }
    }

    #[test]
    fn a_free_schedule_starts_whatever_the_policy() {
        for overlap in [Overlap::Skip, Overlap::Queue, Overlap::Replace, Overlap::Allow] {
            for caught_up in [false, true] {
                assert_eq!(
                    place(&with(overlap, 1), Standing::default(), caught_up),
                    Place::Start
                );
            }
        }
    }

    #[test]
    fn each_policy_does_what_it_says() {
        let busy = |waiting| Standing { running: 1, waiting };
        assert!(
            matches!(place(&with(Overlap::Skip, 1), busy(0), false), Place::Skip(why) if why.contains("not ended"))
        );
        assert_eq!(place(&with(Overlap::Queue, 2), busy(1), false), Place::Wait);
        assert!(
            matches!(place(&with(Overlap::Queue, 2), busy(2), false), Place::Skip(why) if why.contains("2 runs"))
        );
        assert_eq!(place(&with(Overlap::Replace, 2), busy(0), false), Place::Replace);
        assert_eq!(place(&with(Overlap::Allow, 2), busy(9), false), Place::Start);
        assert_eq!(place(&with(Overlap::Skip, 1), busy(3), true), Place::Wait);
        let held = Standing {
            running: 0,
            waiting: 1,
        };
        assert!(
            matches!(place(&with(Overlap::Skip, 1), held, false), Place::Skip(why) if why.contains("waiting"))
        );
    }
}

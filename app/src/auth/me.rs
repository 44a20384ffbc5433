//! Who looks at the page, read once for all that ask.

use super::api::{Myself, me};
use crate::error::AppError;
use domain::{
    auth::{Needs, Permission, Role},
    ids::ScheduleId,
};
use leptos::prelude::*;

/// In the context of every page behind the sign-in.
#[derive(Clone, Copy)]
pub struct Me {
    read: crate::codec::Resource<Result<Myself, AppError>>,
    /// What was read, for buttons: they wait for nothing, and hydration finds them as they were sent.
    known: RwSignal<Option<Myself>>,
}

impl Me {
    pub fn provide() {
        let (read, known) = (crate::codec::resource(|| (), |()| me()), RwSignal::new(None));
        Effect::new(move |_| {
            if let Some(Ok(me)) = read.get() {
                known.set(Some(me));
            }
        });
        provide_context(Self { read, known });
    }

    pub fn get() -> Self {
        expect_context()
    }

    /// To be awaited below a `Suspense`.
    pub async fn ready(self) -> Result<Myself, AppError> {
        self.read.await
    }

    pub fn reload(self) {
        self.read.refetch();
    }
}

/// Why the person who looks at the page may not do it: "Needs role operator". Nothing when they may, or while it is not known.
pub fn lacks(permission: Permission) -> Signal<Option<&'static str>> {
    let known = Me::get().known;
    Signal::derive(move || known.with(|me| me.as_ref().and_then(|me| me.lacks(permission))))
}

/// The same for one schedule, which may be shared with a team of theirs.
pub fn lacks_on(permission: Permission, schedule: ScheduleId) -> Signal<Option<&'static str>> {
    lacks_for(permission, move || Some(schedule))
}

/// The same for whichever schedule is open.
pub fn lacks_for(
    permission: Permission,
    schedule: impl Fn() -> Option<ScheduleId> + Send + Sync + 'static,
) -> Signal<Option<&'static str>> {
    let known = Me::get().known;
    Signal::derive(move || {
        let schedule = schedule();
        known.with(|me| {
            let me = me.as_ref()?;
            match schedule {
                Some(schedule) => me.lacks_on(permission, schedule),
                None => me.lacks(permission),
            }
        })
    })
}

impl Myself {
    /// As [`Self::lacks`], about one schedule.
    pub fn lacks_on(&self, permission: Permission, schedule: ScheduleId) -> Option<&'static str> {
        let shared = permission.comes_with_a_schedule() && self.schedules.contains(&schedule);
        self.lacks(permission).filter(|_| !shared)
    }

    /// Why something is not allowed: "Needs role admin". Nothing when it is. The server decides; this is for what is shown.
    pub fn lacks(&self, permission: Permission) -> Option<&'static str> {
        let allowed = match permission.needs() {
            Needs::ServerAdmin => self.server_admin,
            _ if permission.is_about_containers() => self.operates,
            _ => self.role.may(permission),
        };
        (!allowed).then(|| match permission.needs() {
            Needs::ServerAdmin => "Needs a server administrator",
            Needs::Role(Role::Operator) => "Needs role operator",
            Needs::Role(Role::Admin) => "Needs role admin",
            Needs::Role(Role::Owner) => "Needs role owner",
            _ => "Needs role viewer",
        })
    }
}

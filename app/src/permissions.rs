//! What each server function asks of a person. The server refuses every path that is not in this table, and a test
//! holds it against leptos' own list.

use domain::auth::Permission;

/// Path of a server function → permission. Sorted by path.
pub const TABLE: &[(&str, Permission)] = &[
    ("/_fn/audit/list", Permission::AuditRead),
    ("/_fn/auth/begin-passkey", Permission::OwnManage),
    ("/_fn/auth/begin-passkey-sign-in", Permission::Public),
    ("/_fn/auth/begin-passkey-step", Permission::Public),
    ("/_fn/auth/begin-proof", Permission::OwnManage),
    ("/_fn/auth/begin-second-factor", Permission::OwnManage),
    ("/_fn/auth/change-password", Permission::OwnManage),
    ("/_fn/auth/code", Permission::Public),
    ("/_fn/auth/confirm-second-factor", Permission::OwnManage),
    ("/_fn/auth/create-key", Permission::OwnManage),
    ("/_fn/auth/end-others", Permission::OwnManage),
    ("/_fn/auth/end-second-factor", Permission::OwnManage),
    ("/_fn/auth/end-session", Permission::OwnManage),
    ("/_fn/auth/finish-passkey", Permission::OwnManage),
    ("/_fn/auth/identities", Permission::Own),
    ("/_fn/auth/join", Permission::Public),
    ("/_fn/auth/join-as", Permission::OwnManage),
    ("/_fn/auth/keys", Permission::Own),
    ("/_fn/auth/link", Permission::OwnManage),
    ("/_fn/auth/me", Permission::Own),
    ("/_fn/auth/passkey-sign-in", Permission::Public),
    ("/_fn/auth/passkey-step", Permission::Public),
    ("/_fn/auth/passkeys", Permission::Own),
    ("/_fn/auth/proof", Permission::Own),
    ("/_fn/auth/prove", Permission::OwnManage),
    ("/_fn/auth/prove-passkey", Permission::OwnManage),
    ("/_fn/auth/remove-passkey", Permission::OwnManage),
    ("/_fn/auth/rename-passkey", Permission::OwnManage),
    ("/_fn/auth/reset", Permission::Public),
    ("/_fn/auth/reset-for", Permission::Public),
    ("/_fn/auth/revoke-key", Permission::OwnManage),
    ("/_fn/auth/second-factor", Permission::Own),
    ("/_fn/auth/sessions", Permission::Own),
    ("/_fn/auth/set-password", Permission::OwnManage),
    ("/_fn/auth/set-up", Permission::Public),
    ("/_fn/auth/sign-in", Permission::Public),
    ("/_fn/auth/sign-out", Permission::Own),
    ("/_fn/auth/state", Permission::Public),
    ("/_fn/auth/step", Permission::Public),
    ("/_fn/auth/unlink", Permission::OwnManage),
    ("/_fn/auth/welcome", Permission::Public),
    ("/_fn/blackouts/create", Permission::SchedulesManage),
    ("/_fn/blackouts/delete", Permission::SchedulesManage),
    ("/_fn/blackouts/list", Permission::SchedulesRead),
    ("/_fn/blackouts/update", Permission::SchedulesManage),
    ("/_fn/containers/act", Permission::ContainersOperate),
    ("/_fn/containers/bulk", Permission::ContainersOperate),
    ("/_fn/containers/complete", Permission::ContainersRead),
    ("/_fn/containers/favour", Permission::ContainersRead),
    ("/_fn/containers/get", Permission::ContainersRead),
    ("/_fn/containers/list", Permission::ContainersRead),
    ("/_fn/containers/plans", Permission::SchedulesRead),
    ("/_fn/containers/runs", Permission::RunsRead),
    ("/_fn/containers/set-marks", Permission::ContainersOperate),
    ("/_fn/containers/watch", Permission::ContainersRead),
    ("/_fn/hosts/create", Permission::HostsManage),
    ("/_fn/hosts/delete", Permission::HostsManage),
    ("/_fn/hosts/get", Permission::HostsRead),
    ("/_fn/hosts/import-contexts", Permission::HostsManage),
    ("/_fn/hosts/list", Permission::HostsRead),
    ("/_fn/hosts/retry", Permission::HostsRead),
    ("/_fn/hosts/stats", Permission::HostsRead),
    ("/_fn/hosts/test", Permission::HostsManage),
    ("/_fn/hosts/update", Permission::HostsManage),
    ("/_fn/orgs/change", Permission::OrgManage),
    ("/_fn/orgs/create", Permission::OrgsManage),
    ("/_fn/orgs/switch", Permission::OwnManage),
    ("/_fn/people/change", Permission::UsersManage),
    ("/_fn/people/change-team", Permission::UsersManage),
    ("/_fn/people/clear-second-factor", Permission::UsersManage),
    ("/_fn/people/create-grant", Permission::UsersManage),
    ("/_fn/people/create-team", Permission::UsersManage),
    ("/_fn/people/delete-grant", Permission::UsersManage),
    ("/_fn/people/delete-team", Permission::UsersManage),
    ("/_fn/people/invite", Permission::UsersManage),
    ("/_fn/people/members", Permission::UsersRead),
    ("/_fn/people/remove", Permission::UsersManage),
    ("/_fn/people/reset-link", Permission::UsersManage),
    ("/_fn/people/teams", Permission::UsersRead),
    ("/_fn/people/withdraw", Permission::UsersManage),
    ("/_fn/providers/create", Permission::ProvidersManage),
    ("/_fn/providers/delete", Permission::ProvidersManage),
    ("/_fn/providers/list", Permission::ProvidersManage),
    ("/_fn/providers/set-policy", Permission::ProvidersManage),
    ("/_fn/providers/test", Permission::ProvidersManage),
    ("/_fn/providers/update", Permission::ProvidersManage),
    ("/_fn/runs/cancel", Permission::RunsCancel),
    ("/_fn/runs/get", Permission::RunsRead),
    ("/_fn/runs/list", Permission::RunsRead),
    ("/_fn/runs/log", Permission::RunsRead),
    ("/_fn/runs/rerun", Permission::SchedulesRun),
    ("/_fn/runs/retry", Permission::SchedulesRun),
    ("/_fn/schedules/apply", Permission::SchedulesManage),
    ("/_fn/schedules/calendar", Permission::SchedulesRead),
    ("/_fn/schedules/create", Permission::SchedulesManage),
    ("/_fn/schedules/delete", Permission::SchedulesManage),
    ("/_fn/schedules/dry-run", Permission::SchedulesRead),
    ("/_fn/schedules/export", Permission::SchedulesRead),
    ("/_fn/schedules/forecast", Permission::SchedulesRead),
    ("/_fn/schedules/get", Permission::SchedulesRead),
    ("/_fn/schedules/list", Permission::SchedulesRead),
    ("/_fn/schedules/matches", Permission::ContainersRead),
    ("/_fn/schedules/move", Permission::SchedulesManage),
    ("/_fn/schedules/preview", Permission::SchedulesRead),
    ("/_fn/schedules/renew-webhook", Permission::SchedulesManage),
    ("/_fn/schedules/run-now", Permission::SchedulesRun),
    ("/_fn/schedules/set-enabled", Permission::SchedulesManage),
    ("/_fn/schedules/skip-at", Permission::SchedulesManage),
    ("/_fn/schedules/skip-next", Permission::SchedulesManage),
    ("/_fn/schedules/subscribe", Permission::SchedulesRead),
    ("/_fn/schedules/undo-at", Permission::SchedulesManage),
    ("/_fn/schedules/unskip", Permission::SchedulesManage),
    ("/_fn/schedules/unsubscribe", Permission::SchedulesRead),
    ("/_fn/schedules/update", Permission::SchedulesManage),
    ("/_fn/secrets/delete", Permission::SecretsManage),
    ("/_fn/secrets/list", Permission::SchedulesManage),
    ("/_fn/secrets/put", Permission::SecretsManage),
    ("/_fn/shell/find", Permission::ContainersRead),
    ("/_fn/shell/overview", Permission::ContainersRead),
    ("/_fn/views/delete", Permission::ContainersRead),
    ("/_fn/views/list", Permission::ContainersRead),
    ("/_fn/views/save", Permission::ContainersRead),
];

/// The permission of a path; nothing for an unknown one, which is then refused.
pub fn of(path: &str) -> Option<Permission> {
    TABLE
        .iter()
        .find(|(known, _)| *known == path)
        .map(|(_, permission)| *permission)
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn every_server_function_is_in_the_table_once_and_nothing_else() {
        let mut known: Vec<&str> = TABLE.iter().map(|(path, _)| *path).collect();
        let mut real: Vec<&str> = server_fn::axum::server_fn_paths().map(|(path, _)| path).collect();
        known.sort_unstable();
        real.sort_unstable();
        assert_eq!(known, real);
    }
}
